"""Observations of a learner: the moth relative to its target, and the target's coming positions.

The environments observe with this, and so does a policy that `mothsim.fly` flies.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mothsim.solver.compiled import kernel_with_gil
from mothsim.trajectories import Trajectory

Array = NDArray[np.floating]

WAYPOINTS = 5
"""Number of the target's coming positions in an observation, one a decision."""


class Entry(NamedTuple):
    """A number of the observation: the quantity, its unit, and what it is divided by; cut to +-`bound` after."""

    name: str
    unit: str
    scale: float
    bound: float


_STATE = (
    Entry("x - target x", "cm", 5.0, 5.0),
    Entry("y - target y", "cm", 5.0, 5.0),
    Entry("sin theta", "1", 1.0, 1.0),
    Entry("cos theta", "1", 1.0, 1.0),
    Entry("sin(theta - target theta)", "1", 1.0, 1.0),
    Entry("cos(theta - target theta)", "1", 1.0, 1.0),
    Entry("sin(phi - theta - pi)", "1", 1.0, 1.0),
    Entry("cos(phi - theta - pi)", "1", 1.0, 1.0),
    Entry("xdot - target xdot", "cm/s", 100.0, 20.0),
    Entry("ydot - target ydot", "cm/s", 100.0, 20.0),
    Entry("thetadot", "rad/s", 20.0, 20.0),
    Entry("phidot - thetadot", "rad/s", 20.0, 20.0),
)
_AHEAD = tuple(
    Entry(f"target {axis}, {k} decision{'s' * (k > 1)} ahead, - target {axis}", "cm", 5.0, 5.0)
    for k in range(1, WAYPOINTS + 1)
    for axis in "xy"
)
ENTRIES = _STATE + _AHEAD
"""Entries of an observation, in order."""

_BOUNDS = np.array([entry.bound for entry in ENTRIES])
_SCALES = np.array([entry.scale for entry in ENTRIES])


class ObservationBuilder:
    """Observes moths along a trajectory of so many decisions, one every `period` s.

    Attributes:
        positions, velocities, angles: of the target at every decision and those ahead of the last,
            (T, 2) cm, (T, 2) cm/s, (T,) rad.
    """

    def __init__(self, trajectory: Trajectory, period: float, decisions: int) -> None:
        times = np.arange(decisions + 1 + WAYPOINTS) * period
        self.positions = trajectory.position(times)
        self.velocities = trajectory.velocity(times)
        self.angles = trajectory.angle(times)
        steps = np.arange(decisions + 1)[:, None] + np.arange(1, WAYPOINTS + 1)
        ahead = self.positions[steps] - self.positions[: decisions + 1, None]
        self._ahead = ahead.reshape(decisions + 1, 2 * WAYPOINTS)

    def observe(self, states: Array, steps: NDArray[np.int64]) -> NDArray[np.float32]:
        """Observations (N, 22), float32, of states (N, 8) at decision `steps` (N,); see `ENTRIES`."""
        seen = np.empty((len(states), len(ENTRIES)), dtype=np.float32)
        _observe(states, steps, self.positions, self.velocities, self.angles, self._ahead, seen)
        return seen


@kernel_with_gil
def _observe(states, steps, positions, velocities, angles, ahead, seen):
    row = np.empty(seen.shape[1])
    for i in range(len(states)):
        state, step = states[i], steps[i]
        theta = state[2]
        tilt, bend = theta - angles[step], state[3] - theta - math.pi
        row[0], row[1] = state[0] - positions[step, 0], state[1] - positions[step, 1]
        row[2], row[3], row[4], row[5] = math.sin(theta), math.cos(theta), math.sin(tilt), math.cos(tilt)
        row[6], row[7] = math.sin(bend), math.cos(bend)
        row[8], row[9] = state[4] - velocities[step, 0], state[5] - velocities[step, 1]
        row[10], row[11] = state[6], state[7] - state[6]
        row[12:] = ahead[step]
        for n in range(len(row)):
            seen[i, n] = min(max(row[n] / _SCALES[n], -_BOUNDS[n]), _BOUNDS[n])
