"""Controllers by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mothsim.flight import Controller

_NAMED = {
    "lqr": ("mothsim.controllers.lqr", "LQR"),
    "inverse-model": ("mothsim.controllers.inverse_model", "InverseModel"),
    "policy": ("mothsim.controllers.policy", "Policy"),
    "monte-carlo": ("mothsim.controllers.mpc.bustamante2022", "MonteCarlo"),
    "random-shooting": ("mothsim.controllers.mpc.random_shooting", "RandomShooting"),
    "cem": ("mothsim.controllers.mpc.cem", "CEM"),
    "mppi": ("mothsim.controllers.mpc.mppi", "MPPI"),
}
NAMES = tuple(_NAMED)


def make(name: str, **options: Any) -> Controller:
    """A controller by name: one of `NAMES`, with that controller's own options as keywords.

    Raises:
        ValueError: an unknown name, or an option that the controller does not have.
    """
    kind = controller_class(name)
    try:
        return kind(**options)
    except TypeError as error:
        raise ValueError(f"controller {name!r}: {error}") from None


def controller_class(name: str) -> type:
    """The class of a controller by name.

    Raises:
        ValueError: an unknown name.
    """
    if name not in _NAMED:
        raise ValueError(f"controller = {name!r}: expected one of {', '.join(NAMES)}")
    module, kind = _NAMED[name]
    return getattr(import_module(module), kind)
