"""Target trajectories: where the pin joint should be, by name or from a CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

Array = NDArray[np.floating]
Curve = Callable[[Array], Array]

PRIMES_HZ = np.array([0.2, 0.3, 0.5, 0.7, 1.1, 1.7, 2.9, 4.3, 7.9, 13.7, 19.9])
"""Frequencies of the sum of primes (Bustamante et al. 2022), Hz."""


@dataclass(frozen=True)
class Trajectory:
    """A target for the pin joint and the body angle over time, and how a flight after it begins and fails.

    Attributes:
        name: as given to `make_trajectory`.
        position_at: times (T,) in s to positions (T, 2) in cm.
        velocity_at: times (T,) to velocities (T, 2) in cm/s.
        angle_at: times (T,) to body angles theta (T,) in rad.
        start_spread: half ranges (8,) of random starts about trim: cm, rad, cm/s, rad/s, in the order of the state.
        lost_distance: a moth farther than this from the target is lost, cm.
        starts_moving: whether flights begin about steady flight at the target's velocity, and not at rest.
    """

    name: str
    position_at: Curve
    velocity_at: Curve
    angle_at: Curve
    start_spread: tuple[float, ...] = (1.0, 1.0, 0.1, 0.1, 10.0, 10.0, 2.0, 2.0)
    lost_distance: float = 20.0
    starts_moving: bool = False

    def position(self, times: ArrayLike) -> Array:
        """Target positions, cm: (T, 2) for times (T,), (2,) for one time in s."""
        return self._at(self.position_at, times)

    def velocity(self, times: ArrayLike) -> Array:
        """Target velocities, cm/s: (T, 2), or (2,) for one time."""
        return self._at(self.velocity_at, times)

    def angle(self, times: ArrayLike) -> Array:
        """Target body angles theta, rad: (T,), or () for one time."""
        return self._at(self.angle_at, times)

    @staticmethod
    def _at(curve: Curve, times: ArrayLike) -> Array:
        times = np.asarray(times, dtype=np.float64)
        values = curve(np.atleast_1d(times))
        return values[0] if times.ndim == 0 else values


def _plane(x: Array, y: Array) -> Array:
    return np.stack(np.broadcast_arrays(x, y), axis=-1)


def _still(t: Array) -> Array:
    return np.zeros((len(t), 2))


def _step(t: Array) -> Array:
    """5 cm along x after one second."""
    return _plane(np.where(t < 1.0, 0.0, 5.0), 0 * t)


def _sine(t: Array) -> Array:
    """2 cm up and down, once a second."""
    return _plane(0 * t, 2 * np.sin(2 * np.pi * t))


def _sine_slope(t: Array) -> Array:
    return _plane(0 * t, 4 * np.pi * np.cos(2 * np.pi * t))


# Sums along rows: a matrix product's last digit would depend on how many times are asked for at once.
def _sum_of_primes(t: Array) -> Array:
    """`y = sum (1/f) sin(2 pi f t)` cm, the flower of Bustamante et al. 2022."""
    return _plane(0 * t, (np.sin(np.outer(t, 2 * np.pi * PRIMES_HZ)) / PRIMES_HZ).sum(axis=1))


def _sum_of_primes_slope(t: Array) -> Array:
    return _plane(0 * t, (2 * np.pi * np.cos(np.outer(t, 2 * np.pi * PRIMES_HZ))).sum(axis=1))


def _figure_eight(t: Array) -> Array:
    """A lying eight, 6 cm wide and 3 cm high, once a second."""
    return _plane(3.0 * np.sin(2 * np.pi * t), 1.5 * np.sin(4 * np.pi * t))


def _figure_eight_slope(t: Array) -> Array:
    return 2 * np.pi * _plane(3.0 * np.cos(2 * np.pi * t), 3.0 * np.cos(4 * np.pi * t))


_CRUISE, _RAMP, _SPEED_UP, _SLOW_DOWN = 100.0, 1.5, 0.5, 2.5  # cm/s, and s: of a ramp, and when each begins


def _forward(t: Array) -> Array:
    """Along x from rest to 100 cm/s, from 0.5 to 2 s, and from 2.5 to 4 s back to rest, 200 cm farther on."""
    return _plane(_ramped_distance(t - _SPEED_UP) - _ramped_distance(t - _SLOW_DOWN), 0 * t)


def _forward_slope(t: Array) -> Array:
    """Speeds along quintics, with acceleration and its rate zero at their ends."""
    up, down = (np.clip((t - begin) / _RAMP, 0, 1) for begin in (_SPEED_UP, _SLOW_DOWN))
    return _plane(_CRUISE * (up**3 * (10 - 15 * up + 6 * up**2) - down**3 * (10 - 15 * down + 6 * down**2)), 0 * t)


def _ramped_distance(t: Array) -> Array:
    """How far the target has come `t` s after the beginning of a ramp to the cruising speed, cm."""
    s = np.clip(t / _RAMP, 0, 1)
    return _CRUISE * (_RAMP * s**4 * (2.5 - 3 * s + s**2) + np.maximum(t - _RAMP, 0.0))


@dataclass(frozen=True)
class _Level:
    """The same body angle at all times; equal angles are equal, so that trajectories of one name are."""

    angle: float

    def __call__(self, t: Array) -> Array:
        return np.full(len(t), self.angle)


@dataclass(frozen=True)
class _Steady:
    """The same velocity at all times, cm/s; equal ones are equal, as with `_Level`."""

    xdot: float
    ydot: float

    def __call__(self, t: Array) -> Array:
        return np.tile([self.xdot, self.ydot], (len(t), 1))


class _Steadily(_Steady):
    """Positions at that velocity, cm."""

    def __call__(self, t: Array) -> Array:
        return np.multiply.outer(t, [self.xdot, self.ydot])


_NAMED: dict[str, tuple[Curve, Curve]] = {
    "hover": (_still, _still),
    "step": (_step, _still),
    "sine": (_sine, _sine_slope),
    "sum-of-primes": (_sum_of_primes, _sum_of_primes_slope),
    "figure-eight": (_figure_eight, _figure_eight_slope),
    "forward": (_forward, _forward_slope),
    "recover": (_still, _still),
}
_VIOLENT = {"start_spread": (5.0, 5.0, 0.5, 0.5, 100.0, 100.0, 10.0, 10.0), "lost_distance": 150.0}
NAMES = tuple(_NAMED)


def make_trajectory(name: str | Path, angle: float = math.pi / 2) -> Trajectory:
    """A target trajectory by name (see `NAMES`), or from a CSV file with columns `t, x, y[, theta]`.

    `recover` is `hover` from a violent start: +-5 cm, +-100 cm/s, +-0.5 rad, +-10 rad/s, lost beyond 150 cm.

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
    position_at, velocity_at = _NAMED[str(name)]
    return Trajectory(str(name), position_at, velocity_at, _Level(angle), **(_VIOLENT if name == "recover" else {}))


def cruise(velocity: tuple[float, float], angle: float = math.pi / 2) -> Trajectory:
    """Steady flight, from the first moment on, at a velocity (cm/s along x and y) and a body angle (rad).

    Raises:
        ValueError: a velocity or an angle that is not finite.
    """
    if not (np.shape(velocity) == (2,) and np.isfinite(velocity).all() and math.isfinite(angle)):
        raise ValueError(f"velocity = {velocity!r}, angle = {angle!r}: expected two finite speeds in cm/s, and rad")
    name = f"cruise at {velocity[0]:g}, {velocity[1]:g} cm/s"
    return Trajectory(name, _Steadily(*velocity), _Steady(*velocity), _Level(angle), starts_moving=True)


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
    from scipy.interpolate import CubicSpline  # half of what importing mothsim would take

    header, table = _read_table(file)
    times = table[:, 0]
    if not np.isfinite(table).all() or not (np.diff(times) > 0).all():
        raise ValueError(f"trajectory = {str(file)!r}: expected finite numbers, with t increasing")
    spline = CubicSpline(times, table[:, 1:], bc_type="natural")
    angle_at = partial(_held_angle, spline=spline) if "theta" in header else _Level(angle)
    return Trajectory(str(file), partial(_held, spline=spline), partial(_held_slope, spline=spline), angle_at)


def _held(t: Array, spline: CubicSpline) -> Array:
    return spline(np.clip(t, spline.x[0], spline.x[-1]))[:, :2]


def _held_angle(t: Array, spline: CubicSpline) -> Array:
    return spline(np.clip(t, spline.x[0], spline.x[-1]))[:, 2]


def _held_slope(t: Array, spline: CubicSpline) -> Array:
    inside = (t >= spline.x[0]) & (t <= spline.x[-1])
    return np.where(inside[:, None], spline(t, 1)[:, :2], 0.0)
