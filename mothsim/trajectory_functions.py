"""Targets that are functions of time: the curves of `def path(t): return x, y`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Function = Callable[[float], Any]
"""Of a time in s to `x, y` or `x, y, theta` in cm and rad."""

_STEP = 1e-3  # s, of the differences
_CENTRAL = (-2, -1, 1, 2), (1, -8, 8, -1)
_FORWARD = (0, 1, 2, 3, 4), (-25, 48, -36, 16, -3)
"""Places and weights of differences of the fourth order; the function is not asked for times before 0."""


@dataclass(frozen=True)
class FunctionCurves:
    """Positions, velocities and body angles of a function of time.

    Attributes:
        function: of a time in s, a float, to `x, y` or `x, y, theta` in cm and rad.
        text: what the function is called in messages.
        lengths: how many numbers it may give.
    """

    function: Function
    text: str
    lengths: tuple[int, ...] = (2, 3)

    def position(self, times: Array) -> Array:
        """Positions (T, 2), cm, at times (T,)."""
        return np.array([self.at(time)[:2] for time in times.tolist()])

    def velocity(self, times: Array) -> Array:
        """Velocities (T, 2), cm/s, by differences of positions a millisecond apart."""
        return np.array([self._velocity(time) for time in times.tolist()])

    def angle(self, times: Array) -> Array:
        """Body angles (T,), rad, of a function that gives them."""
        return np.array([self.at(time)[2] for time in times.tolist()])

    def _velocity(self, time: float) -> Array:
        places, weights = _CENTRAL if time >= 2 * _STEP else _FORWARD
        shown = np.array([self.at(time + place * _STEP)[:2] for place in places])
        return (shown * np.array(weights)[:, None]).sum(axis=0) / (12 * _STEP)

    def at(self, time: float) -> Array:
        """What the function gives at a time, (2,) or (3,).

        Raises:
            ValueError: it fails, or gives anything but finite numbers, as many as `lengths` has.
        """
        try:
            given = self.function(time)
            values = np.array([float(value) for value in given])
        except Exception as error:  # the user's own code may raise any
            raise ValueError(f"{self.text} failed at {time:g} s: {type(error).__name__}: {error}") from error
        if len(values) not in self.lengths or not np.isfinite(values).all():
            expected = f"{' or '.join(map(str, self.lengths))} finite numbers, x, y[, theta] in cm, rad"
            raise ValueError(f"{self.text} gave {given!r} at {time:g} s: expected {expected}")
        return values
