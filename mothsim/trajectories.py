"""Target trajectories: where the pin joint should be, by name or from a CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]

PRIMES_HZ = np.array([0.2, 0.3, 0.5, 0.7, 1.1, 1.7, 2.9, 4.3, 7.9, 13.7, 19.9])
"""Frequencies of the sum of primes (Bustamante et al. 2022), Hz."""


@dataclass(frozen=True)
class Trajectory:
    """A target for the pin joint and the body angle over time.

    Attributes:
        name: as given to `make_trajectory`.
        path: times (T,) in s to positions (T, 2) in cm.
        slope: times (T,) to velocities (T, 2) in cm/s.
        tilt: times (T,) to body angles theta (T,) in rad.
    """

    name: str
    path: Curve
    slope: Curve
    tilt: Curve

    def position(self, times: ArrayLike) -> Array:
        """Target positions, cm: (T, 2) for times (T,), (2,) for one time in s."""
        return self._at(self.path, times)

    def velocity(self, times: ArrayLike) -> Array:
        """Target velocities, cm/s: (T, 2), or (2,) for one time."""
        return self._at(self.slope, times)

    def angle(self, times: ArrayLike) -> Array:
        """Target body angles theta, rad: (T,), or () for one time."""
        return self._at(self.tilt, times)

    @staticmethod
    def _at(curve: Curve, times: ArrayLike) -> Array:
        times = np.asarray(times, dtype=np.float64)
        values = curve(np.atleast_1d(times))
        return values[0] if times.ndim == 0 else values


def _plane(x: Array, y: Array) -> Array:
    return np.stack(np.broadcast_arrays(x, y), axis=-1)


def _hover() -> tuple[Curve, Curve]:
    return lambda t: np.zeros((len(t), 2)), lambda t: np.zeros((len(t), 2))


def _step() -> tuple[Curve, Curve]:
    """5 cm along x after one second."""
    return lambda t: _plane(np.where(t < 1.0, 0.0, 5.0), np.zeros_like(t)), lambda t: np.zeros((len(t), 2))


def _sine() -> tuple[Curve, Curve]:
    """2 cm up and down, once a second."""
    w = 2 * np.pi
    return lambda t: _plane(0 * t, 2 * np.sin(w * t)), lambda t: _plane(0 * t, 2 * w * np.cos(w * t))


def _sum_of_primes() -> tuple[Curve, Curve]:
    """`y = sum (1/f) sin(2 pi f t)` cm, the flower of Bustamante et al. 2022."""
    w = 2 * np.pi * PRIMES_HZ

    # Sums along rows: a matrix product's last digit would depend on how many times are asked for at once.
    def path(t: Array) -> Array:
        return _plane(0 * t, (np.sin(np.outer(t, w)) / PRIMES_HZ).sum(axis=1))

    def slope(t: Array) -> Array:
        return _plane(0 * t, (2 * np.pi * np.cos(np.outer(t, w))).sum(axis=1))

    return path, slope


_NAMED = {"hover": _hover, "step": _step, "sine": _sine, "sum-of-primes": _sum_of_primes}
NAMES = tuple(_NAMED)


def make_trajectory(name: str | Path, angle: float = math.pi / 2) -> Trajectory:
    """A target trajectory by name (see `NAMES`), or from a CSV file with columns `t, x, y[, theta]`.

    Args:
        name: a name, or the path of a file ending in `.csv` (s, cm, rad; at least two rows, t increasing);
            before its first row and after its last the target rests there.
        angle: body angle theta, rad, where the file gives none.

    Raises:
        ValueError: an unknown name, or a file that does not hold a trajectory.
    """
    if str(name).lower().endswith(".csv"):
        return _from_csv(Path(name), angle)
    if name not in _NAMED:
        raise ValueError(f"trajectory = {str(name)!r}: expected one of {', '.join(NAMES)}, or a .csv file")
    if not math.isfinite(angle):
        raise ValueError(f"angle = {angle!r}: expected a finite body angle in rad")
    path, slope = _NAMED[str(name)]()
    return Trajectory(str(name), path, slope, lambda t: np.full(len(t), angle))


def _read_table(file: Path) -> tuple[list[str], Array]:
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"trajectory = {str(file)!r}: cannot be read ({error})") from None
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if header not in (["t", "x", "y"], ["t", "x", "y", "theta"]):
        raise ValueError(
            f"trajectory = {str(file)!r}: expected the header t,x,y or t,x,y,theta, not {','.join(header)}"
        )
    try:
        table = np.array([[float(value) for value in row] for row in rows[1:]], dtype=np.float64)
    except ValueError as error:
        raise ValueError(f"trajectory = {str(file)!r}: {error}") from None
    if table.ndim != 2 or table.shape[1] != len(header) or len(table) < 2:
        raise ValueError(f"trajectory = {str(file)!r}: expected two or more rows of {len(header)} numbers")
    return header, table


def _from_csv(file: Path, angle: float) -> Trajectory:
    header, table = _read_table(file)
    times = table[:, 0]
    if not np.isfinite(table).all() or not (np.diff(times) > 0).all():
        raise ValueError(f"trajectory = {str(file)!r}: expected finite numbers, with t increasing")
    spline = CubicSpline(times, table[:, 1:], bc_type="natural")
    inside = lambda t: ((t >= times[0]) & (t <= times[-1]))[:, None]  # noqa: E731
    values = lambda t: spline(np.clip(t, times[0], times[-1]))  # noqa: E731
    return Trajectory(
        str(file),
        path=lambda t: values(t)[:, :2],
        slope=lambda t: np.where(inside(t), spline(t, 1)[:, :2], 0.0),
        tilt=(lambda t: values(t)[:, 2]) if "theta" in header else (lambda t: np.full(len(t), angle)),
    )
