"""Reference states along a target, smoothed to accelerations that a moth can fly, and approach curves to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from mothsim.body import MothBody
from mothsim.solver.propagate import SEGMENT
from mothsim.trajectories import Trajectory
from mothsim.trim import find_trim

Array = NDArray[np.floating]

ACCELERATION = np.array([400.0, 3000.0])
"""Accelerations along x and y up to which a target is not smoothed, cm/s^2; the sum of primes stays below."""
_LEAD = np.array([250.0, 600.0])  # largest accelerations of approach curves along x and y, cm/s^2
MOTION = [0, 1, 4, 5]
"""Indices of x, y, xdot and ydot in the state."""
_ORDER = 3


def smoothed(values: Array, stiffness: float) -> Array:
    """Smooth values (T,) by Whittaker's method: minimise `sum (p - values)^2 + stiffness sum (third difference)^2`."""
    difference = np.diff(np.eye(2 * _ORDER + 1), _ORDER, axis=0)
    band = np.zeros((_ORDER + 1, len(values)))
    band[0] = 1.0
    stencil = difference[0, : _ORDER + 1]
    for start in range(_ORDER + 1):
        for offset in range(_ORDER + 1 - start):
            span = slice(start, len(values) - _ORDER + start)
            band[offset, span] += stiffness * stencil[start] * stencil[start + offset]
    return solveh_banded(band, values, lower=True)


def limit_accelerations(path: Array, step: float) -> Array:
    """Smooth each axis of a path (T, 2) just enough that its accelerations stay within `ACCELERATION`.

    Args:
        path: positions on an even grid, cm.
        step: of the grid, s.
    """
    columns = []
    for values, limit in zip(path.T, ACCELERATION, strict=True):
        result, stiffness = values, 1.0
        while len(values) > 2 * _ORDER and np.abs(np.diff(result, 2)).max() > limit * step**2 and stiffness < 1e9:
            result = smoothed(values, stiffness)
            stiffness *= 2.0
        columns.append(result)
    return np.stack(columns, axis=1)


def reference_states(trajectory: Trajectory, body: MothBody, times: Array) -> Array:
    """Return a trajectory as states (T, 8) on an even grid of times (T,): position, velocity, trim at its body angle.

    An axis that stays within `ACCELERATION` is not smoothed, and keeps its own velocity.

    Raises:
        ValueError: the body has no trim at a body angle of the trajectory.
    """
    step = times[1] - times[0]
    target = trajectory.position(times)
    path = limit_accelerations(target, step)
    angles = trajectory.angle(times).tolist()
    posture = {angle: find_trim(body, angle).state for angle in dict.fromkeys(angles)}
    states = np.array([posture[angle] for angle in angles])
    states[:, :2] = path
    changed = (path != target).any(axis=0)
    states[:, 4:6] = np.where(changed, np.gradient(path, step, axis=0), trajectory.velocity(times))
    return states


def choose_approach_time(offset: Array, least: float) -> float:
    """Return the approach time (s) for an initial deviation: at least `least`, and longer for larger deviations.

    The curve's acceleration is at most 5.77 distance / time^2 + 3.94 speed / time, the greatest second derivatives
    of the two quintics of `approach_curves`; the time is chosen so that it is at most 250 cm/s^2 along x, where a moth
    must tilt to accelerate, and 600 along y.

    Args:
        offset: initial deviation (4,) of `[x, y, xdot, ydot]` from the target, cm and cm/s.
        least: shortest time, s.
    """
    distance, speed = 5.77 * np.abs(offset[:2]), 3.94 * np.abs(offset[2:])
    enough = (speed + np.sqrt(speed**2 + 4 * _LEAD * distance)) / (2 * _LEAD)
    return max(least, float(enough.max()))


def approach_curves(approach_time: float, steps: NDArray[np.number]) -> Array:
    """Return approach curves as matrices (T, 4, 4), from the initial deviation of `[x, y, xdot, ydot]` to a later one.

    Each is a quintic with zero acceleration at its ends, and zero deviation after `approach_time`.

    Args:
        approach_time: s.
        steps: (T,) segments since the start.
    """
    s = np.clip(steps * SEGMENT / approach_time, 0.0, 1.0) if approach_time > 0 else np.ones(len(steps))
    scale = approach_time or 1.0
    offset = (1 - s) ** 3 * (1 + 3 * s + 6 * s**2), scale * s * (1 - s) ** 3 * (1 + 3 * s)
    rate = -30 * s**2 * (1 - s) ** 2 / scale, (1 - s) ** 2 * (1 + 2 * s - 15 * s**2)
    curves = np.stack([np.stack(offset, -1), np.stack(rate, -1)], axis=1)
    return np.einsum("tab,cd->tacbd", curves, np.eye(2)).reshape(-1, 4, 4)
