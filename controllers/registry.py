"""Controllers by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controllers.lqr import LQR
from mothsim.flight import Controller


def _inverse_model(**options: Any) -> Controller:
    from controllers.inverse_model import InverseModel

    return InverseModel(**options)


_NAMED: dict[str, Callable[..., Controller]] = {"lqr": LQR, "inverse-model": _inverse_model}
NAMES = tuple(_NAMED)


def make(name: str, **options: Any) -> Controller:
    """A controller by name: one of `NAMES`, with that controller's own options as keywords.

    Raises:
        ValueError: an unknown name, or an option that the controller does not have.
    """
    if name not in _NAMED:
        raise ValueError(f"controller = {name!r}: expected one of {', '.join(NAMES)}")
    try:
        return _NAMED[name](**options)
    except TypeError as error:
        raise ValueError(f"controller {name!r}: {error}") from None
