"""Checks of the arguments that environments are called with; each error names the argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mothsim.checks import as_count


def as_numbers(name: str, values: Any) -> NDArray[np.float64]:
    """Array of float64 from what is called `name`.

    Raises:
        ValueError: it is not an array of real numbers.
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind in "biuf" or array.dtype == object:
            return array.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{name} = {values!r}: expected numbers")


def as_seed(name: str, seed: Any) -> int | None:
    """Seed as a Python integer of zero or more, which Gymnasium asks for, or None.

    Raises:
        ValueError: anything else.
    """
    return None if seed is None else as_count(name, seed, 0)


def as_options(options: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    """Options of `reset` by name, none of them unknown.

    Raises:
        ValueError: not a mapping, or with a name that is not in `known`.
    """
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise ValueError(f"options = {options!r}: expected a dictionary")
    for name in options:
        if name not in known:
            raise ValueError(f"options[{name!r}]: unknown option, expected {' or '.join(map(repr, known))}")
    return options
