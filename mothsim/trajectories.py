"""Target trajectories: the position of the pin joint and the body angle over time, by name or from a CSV file."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mothsim.angles import require_radians
from mothsim.import_path import is_import_path, load_object
from mothsim.trajectory_files import Interpolation, read_curves
from mothsim.trajectory_functions import Function, FunctionCurves

Array = NDArray[np.floating]
Curve = Callable[[Array], Array]

PRIMES_HZ = np.array([0.2, 0.3, 0.5, 0.7, 1.1, 1.7, 2.9, 4.3, 7.9, 13.7, 19.9])
"""Frequencies of the sum of primes (Bustamante et al. 2022), Hz."""


@dataclass(frozen=True)
class Trajectory:
    """A target for the pin joint and the body angle over time, with the starts and the limit of its flights.

    Attributes:
        name: as given to `make_trajectory`.
        position_at: times (T,) in s to positions (T, 2) in cm.
        velocity_at: times (T,) to velocities (T, 2) in cm/s.
        angle_at: times (T,) to body angles theta (T,) in rad.
        start_spread: half ranges (8,) of random starts about trim: cm, rad, cm/s, rad/s, in the order of the state.
        lost_distance: a moth farther than this from the target is lost, cm.
        starts_moving: whether flights begin about steady flight at the target's velocity, and not at rest.
        rows: times of the rows of a file, s, with the target at rest before and after; empty for others.

    Raises:
        ValueError: a spread that is not eight numbers of zero or more, or a distance that is not above zero; when it is
            asked, a curve that gives another shape, or what is not finite.
    """

    name: str
    position_at: Curve
    velocity_at: Curve
    angle_at: Curve
    start_spread: tuple[float, ...] = (1.0, 1.0, 0.1, 0.1, 10.0, 10.0, 2.0, 2.0)
    lost_distance: float = 20.0
    starts_moving: bool = False
    rows: Array = field(default_factory=lambda: np.empty(0), compare=False, repr=False)

    def __post_init__(self) -> None:
        spread = np.asarray(self.start_spread)
        if spread.shape != (8,) or spread.dtype.kind not in "fiu" or not (np.isfinite(spread) & (spread >= 0)).all():
            raise ValueError(
                f"start_spread = {self.start_spread!r}: expected eight numbers of zero or more, cm, rad, cm/s, rad/s"
            )
        if not self.lost_distance > 0:
            raise ValueError(f"lost_distance = {self.lost_distance!r}: expected a distance above zero, cm")

    def position(self, times: ArrayLike) -> Array:
        """Target positions, cm: (T, 2) for times (T,), (2,) for one time in s."""
        return self._at("position", times, 2)

    def velocity(self, times: ArrayLike) -> Array:
        """Target velocities, cm/s: (T, 2), or (2,) for one time."""
        return self._at("velocity", times, 2)

    def angle(self, times: ArrayLike) -> Array:
        """Target body angles theta, rad: (T,), or () for one time."""
        return self._at("angle", times)

    def for_flight(self, duration: float) -> Trajectory:
        """The trajectory as a flight of `duration` s from time 0 follows it.

        Times in a file may have any origin. Where all its rows lie outside the flight, time starts at its first row.
        Warns of that, and of a file whose times hardly fit the flight: where less than half of the flight lies between
        its first row and its last, and where the flight passes fewer than two rows or a hundredth of their time.
        """
        require_radians(f"trajectory {self.name!r} at 0 s: theta", float(self.angle(0.0)))
        if not len(self.rows):
            return self
        first, last = float(self.rows[0]), float(self.rows[-1])
        notes, trajectory = [], self
        if first > duration or last < 0:
            notes.append(
                f"all rows lie outside the {duration:g} s of the flight, so time starts at the first row, {first!r} s"
            )
            trajectory = self.from_first_row()
            first, last = 0.0, last - first
        passed = min(last, duration) - max(first, 0.0)
        if passed < duration / 2:
            notes.append(f"only {max(passed, 0.0):.3g} s of the flight of {duration:g} s lie within its rows")
        inside = int(np.count_nonzero((trajectory.rows >= 0) & (trajectory.rows <= duration)))
        if inside < 2 or passed < 0.01 * (last - first):
            notes.append(f"the flight passes {inside} of its {len(self.rows)} rows; is t in seconds?")
        if notes:
            warnings.warn(f"trajectory = {self.name!r}: {'; '.join(notes)}", stacklevel=3)
        return trajectory

    def from_first_row(self) -> Trajectory:
        """The trajectory with time 0 at the first row of its file, at least one of which it must have."""
        shift = float(self.rows[0])
        return replace(
            self, position_at=_Later(self.position_at, shift), velocity_at=_Later(self.velocity_at, shift),
            angle_at=_Later(self.angle_at, shift), rows=self.rows - shift,
        )  # fmt: skip

    def _at(self, name: str, times: ArrayLike, *width: int) -> Array:
        times = np.asarray(times, dtype=np.float64)
        asked = np.atleast_1d(times)
        values = np.asarray(getattr(self, f"{name}_at")(asked))
        if values.shape != (*asked.shape, *width) or not np.isfinite(values).all():
            shown = values.tolist() if values.size < 9 else f"an array {values.shape}"
            expected = f"finite numbers of shape {(*asked.shape, *width)}"
            raise ValueError(f"{name}_at of trajectory {self.name!r} gave {shown}: expected {expected}")
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
    """Distance of the target `t` s after the beginning of a ramp to the cruising speed, cm."""
    s = np.clip(t / _RAMP, 0, 1)
    return _CRUISE * (_RAMP * s**4 * (2.5 - 3 * s + s**2) + np.maximum(t - _RAMP, 0.0))


@dataclass(frozen=True)
class _Level:
    """A constant body angle; equal for equal angles, so that trajectories compare."""

    angle: float

    def __call__(self, t: Array) -> Array:
        return np.full(len(t), self.angle)


@dataclass(frozen=True)
class _Steady:
    """A constant velocity, cm/s."""

    xdot: float
    ydot: float

    def __call__(self, t: Array) -> Array:
        return np.tile([self.xdot, self.ydot], (len(t), 1))


@dataclass(frozen=True)
class _Later:
    """A curve that begins `shift` s into another."""

    curve: Curve
    shift: float

    def __call__(self, t: Array) -> Array:
        return self.curve(t + self.shift)


class _Steadily(_Steady):
    """Positions (T, 2) of flight at a constant velocity, cm."""

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
TARGETS = {
    "hover": "at rest",
    "step": "jumps by 5 cm along x after one second",
    "sine": "2 cm up and down, once a second",
    "sum-of-primes": "up and down, eleven sines of 0.2 to 19.9 Hz: the flower of Bustamante et al.",
    "figure-eight": "a lying eight, 6 cm wide and 3 cm high, once a second",
    "forward": "along x from rest to 100 cm/s and back to rest, 200 cm farther on",
    "recover": "at rest; starts are violent",
}
"""What the target does, by name."""


def make_trajectory(
    name: str | Path | Function, angle: float = math.pi / 2, interpolation: Interpolation | None = None
) -> Trajectory:
    """A target trajectory by name (see `NAMES`), from a CSV file with columns `t, x, y[, theta]`, or of a function.

    `recover` is `hover` from a violent start: +-5 cm, +-100 cm/s, +-0.5 rad, +-10 rad/s, lost beyond 150 cm.

    A file holds two or more rows in s, cm and rad, with t increasing. The target passes through every row, and is at
    rest before the first and after the last. By default it never leaves the range of neighbouring rows. Where all
    rows lie outside a flight (a recording in epoch seconds), time starts at the first row. Theta is unwrapped.

    Args:
        name: a name, the path of a file ending in `.csv`, a function of a time in s to `x, y[, theta]` in cm and rad,
            or `module:name` (`file.py:name`) of such a function or of a `Trajectory`.
        angle: body angle theta, rad, within a turn either way; where the file gives none.
        interpolation: of a file: `pchip`, the default (piecewise cubic, monotone between neighbouring rows; Fritsch and
            Butland 1984), `linear`, or `cubic` (a natural spline, smoother, which may leave the range of its rows).

    Raises:
        ValueError: an unknown name, an angle beyond a turn, at 0 s a function's too, a function that gives anything
            else, a file that does not hold a trajectory, or an interpolation of no file; names the file and the line.
    """
    require_radians("angle", angle)
    if interpolation is not None and (callable(name) or is_import_path(str(name))):
        raise ValueError(f"interpolation = {interpolation!r}: expected a .csv file, not the trajectory {name!r}")
    if callable(name):
        return _from_function(name, angle, getattr(name, "__name__", type(name).__name__))
    name = str(name)
    if name.lower().endswith(".csv"):
        return _from_csv(Path(name), angle, interpolation or "pchip")
    if is_import_path(name):
        return _from_object(name, angle)
    if name not in _NAMED:
        raise ValueError(
            f"trajectory = {name!r}: expected one of {', '.join(NAMES)}, a .csv file, or a function, as "
            "module:name or file.py:name too"
        )
    if interpolation is not None:
        raise ValueError(f"interpolation = {interpolation!r}: expected a .csv file, not the trajectory {name!r}")
    position_at, velocity_at = _NAMED[name]
    return Trajectory(name, position_at, velocity_at, _Level(angle), **(_VIOLENT if name == "recover" else {}))


def cruise(velocity: tuple[float, float], angle: float = math.pi / 2) -> Trajectory:
    """Steady flight from time 0 on, at a velocity (cm/s along x and y) and a body angle (rad).

    Raises:
        ValueError: a velocity that is not finite, or an angle beyond a turn.
    """
    if not (np.shape(velocity) == (2,) and np.isfinite(velocity).all()):
        raise ValueError(f"velocity = {velocity!r}: expected two finite speeds in cm/s")
    require_radians("angle", angle)
    name = f"cruise at {velocity[0]:g}, {velocity[1]:g} cm/s"
    return Trajectory(name, _Steadily(*velocity), _Steady(*velocity), _Level(angle), starts_moving=True)


def _from_object(text: str, angle: float) -> Trajectory:
    found = load_object(text, "trajectory")
    if isinstance(found, Trajectory):
        return found
    if not callable(found):
        raise ValueError(f"trajectory = {text!r}: expected a function of time or a Trajectory, not {found!r}")
    return _from_function(found, angle, text)


def _from_function(function: Function, angle: float, name: str) -> Trajectory:
    text = f"trajectory = {name!r}"
    first = FunctionCurves(function, text).at(0.0)
    curves = FunctionCurves(function, text, (len(first),))
    if len(first) == 3:  # later a target that loops may be turns further on
        require_radians(f"{text} at 0 s: theta", float(first[2]))
    angle_at = curves.angle if len(first) == 3 else _Level(angle)
    return Trajectory(name, curves.position, curves.velocity, angle_at)


def _from_csv(file: Path, angle: float, interpolation: Interpolation) -> Trajectory:
    curves = read_curves(file, interpolation)
    angle_at = curves.angle or _Level(angle)
    return Trajectory(str(file), curves.position, curves.velocity, angle_at, rows=curves.times)
