"""The reference that guidance follows: the target, made gentle where it asks for more than a moth can do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from mothsim.body import MothBody
from mothsim.trajectories import Trajectory
from mothsim.trim import find_trim

Array = NDArray[np.float64]

ACCELERATION = np.array([400.0, 3000.0])
"""Accelerations along x and y that guidance takes as they come, cm/s^2; the sum of primes stays below."""
_ORDER = 3


def smoothed(values: Array, stiffness: float) -> Array:
    """Whittaker's smoother: least `sum (p - values)^2 + stiffness sum (third difference of p)^2`, (T,)."""
    difference = np.diff(np.eye(2 * _ORDER + 1), _ORDER, axis=0)
    band = np.zeros((_ORDER + 1, len(values)))
    band[0] = 1.0
    stencil = difference[0, : _ORDER + 1]
    for start in range(_ORDER + 1):
        for offset in range(_ORDER + 1 - start):
            span = slice(start, len(values) - _ORDER + start)
            band[offset, span] += stiffness * stencil[start] * stencil[start + offset]
    return solveh_banded(band, values, lower=True)


def gentle(path: Array, step: float) -> Array:
    """A path (T, 2), each axis smoothed just enough that its accelerations stay within `ACCELERATION`.

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
    """A trajectory as states (T, 8) on an even grid of times: position, velocity, trim at its body angle.

    Where the target is as gentle as `ACCELERATION` it is followed as it is, with its own velocity.

    Raises:
        ValueError: the body has no trim at a body angle of the trajectory.
    """
    step = times[1] - times[0]
    target = trajectory.position(times)
    path = gentle(target, step)
    angles = trajectory.angle(times).tolist()
    posture = {angle: find_trim(body, angle).state for angle in dict.fromkeys(angles)}
    states = np.array([posture[angle] for angle in angles])
    states[:, :2] = path
    changed = (path != target).any(axis=0)
    states[:, 4:6] = np.where(changed, np.gradient(path, step, axis=0), trajectory.velocity(times))
    return states
