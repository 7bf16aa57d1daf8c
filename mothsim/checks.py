"""Checks of arguments; each error names the argument, its value and what was expected."""

from __future__ import annotations

from numbers import Real
from operator import index
from typing import Any


def as_count(name: str, value: Any, least: int = 1) -> int:
    """Integer of at least `least`, from any integer type.

    Raises:
        ValueError: another type, or too small.
    """
    try:
        number = int(index(value))
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name} = {value!r}: expected a whole number, {least} or more")
    return number


def require_numbers(owner: Any, *names: str) -> None:
    """Hold attributes to be real numbers, of Python or NumPy.

    Raises:
        ValueError: one is not; names it.
    """
    for name in names:
        if not isinstance(value := getattr(owner, name), Real):
            raise ValueError(f"{name} = {value!r}: expected a number")
