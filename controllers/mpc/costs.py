"""Costs of plans in sampling model predictive control.

A cost also defines the coordinates z (m,) in which plans are sampled: controls as components are `centre + z axes`.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import to_components
from mothsim.body import MothBody
from mothsim.controllers.guidance.ilqr import rowwise_matvec
from mothsim.controllers.guidance.lqr_weights import LQRWeights, quadratic_costs
from mothsim.controllers.guidance.reference import MOTION, approach_curves, choose_approach_time, reference_states
from mothsim.flight import Task
from mothsim.solver.compiled import kernel
from mothsim.solver.propagate import SEGMENT
from mothsim.trim import Trim, find_trim, linearise

Array = NDArray[np.floating]


class Cost(Protocol):
    """The cost of a plan, segment by segment.

    Attributes:
        trim: control (4,) that is flown where no plan could be rolled out.
        centre, axes: origin (4,) and axes (m, 4) of the coordinates of plans.
    """

    trim: Array
    centre: Array
    axes: Array

    def reset(self, task: Task) -> None:
        """Prepare for a flight."""
        ...

    def begin(self, states: Array, time: float) -> None:
        """Receive the states (N, 8) at a decision."""
        ...

    def nominal_control(self, states: Array, time: float) -> Array:
        """Return the control to begin sampling from in states (N, 8) at `time`, as coordinates (N, m)."""
        ...

    def __call__(self, ends: Array, plans: Array, time: float, *, last: bool) -> Array:
        """Return costs (N, K) of a segment under plans (N, K, m), ending at `time` in states (N, K, 8); NaN of NaN."""
        ...


@kernel
def squares(rows, centres, factor):
    """Return `|factor (row - centre)|^2` (N, K) of rows (N, K, d), centres (N, d) and a factor (r, d)."""
    result = np.empty(rows.shape[:2])
    for moth in range(rows.shape[0]):
        for sample in range(rows.shape[1]):
            total = 0.0
            for i in range(factor.shape[0]):
                part = 0.0
                for j in range(factor.shape[1]):
                    part += factor[i, j] * (rows[moth, sample, j] - centres[moth, j])
                total += part * part
            result[moth, sample] = total
    return result


def nearest_trim(body: MothBody, angle: float) -> Trim:
    """Find the trim at a body angle, or the upright one with a straight body where there is none."""
    try:
        return find_trim(body, angle)
    except ValueError:
        return find_trim(body, math.pi / 2)


class Bustamante2022:
    """The cost of Bustamante et al. 2022: the square distance from the goal at each segment's end.

    `1e9 x^2 + 1e10 y^2 + 1e10 theta^2 + 1e-5 xdot^2 + 1e-5 ydot^2 + 1e8 thetadot^2` of the departures from the
    target's position, body angle and velocity; the abdomen is free. One axis a control, a twentieth of its limit.

    Args:
        clock: factor on the time at which the goal is evaluated.
    """

    weights = (1e9, 1e10, 1e10, 0.0, 1e-5, 1e-5, 1e8, 0.0)

    def __init__(self, clock: float = 1.0) -> None:
        self.clock = clock
        self.factor = np.diag(np.sqrt(self.weights))

    def reset(self, task: Task) -> None:
        """Remember the target."""
        self.trajectory, body = task.trajectory, task.body
        self.trim: Array = nearest_trim(body, float(task.trajectory.angle(0.0))).control
        self.centre: Array = to_components(self.trim)
        limits = np.array([body.force_limit, body.force_limit, body.abdomen_torque_limit, body.wing_torque_limit])
        self.axes: Array = np.diag(0.05 * limits)[limits > 0]

    def begin(self, states: Array, time: float) -> None:
        """Do nothing: the goal does not depend on the states."""

    def nominal_control(self, states: Array, time: float) -> Array:
        """Return trim."""
        return np.zeros((len(states), len(self.axes)))

    def __call__(self, ends: Array, plans: Array, time: float, *, last: bool) -> Array:
        """Return costs (N, K)."""
        goal = np.zeros(8)
        goal[:2] = self.trajectory.position(self.clock * time)
        goal[2] = self.trajectory.angle(self.clock * time)
        goal[4:6] = self.trajectory.velocity(self.clock * time)
        return squares(ends, np.tile(goal, (len(ends), 1)), self.factor)


class Tracking:
    """The quadratic cost of the guidance on the simulated plan, with the cost-to-go after the horizon.

    Each segment costs its final state's deviation from the reference and its control's deviation from trim, with the
    weights of the guidance. The last state costs the cost-to-go of linear-quadratic tracking over the preview:
    `(s - s*)' P (s - s*)`, with P the Riccati solution about trim and `s*` the state from which the reference ahead is
    tracked at least cost (Anderson and Moore 1990, Optimal Control, chapter 4). A moth that starts off the target
    approaches it as with the guidance. The nominal control is optimal for this linear model: that of the guidance
    without integral action. The axes diagonalise the curvature of the cost-to-go in a single control, so that noise
    in every direction costs the same.

    Args:
        weights: by default those of `LQRWeights`.
    """

    trim: Array
    centre: Array
    axes: Array

    def __init__(self, weights: LQRWeights | None = None) -> None:
        self.weights = weights or LQRWeights()

    def reset(self, task: Task) -> None:
        """Compute the reference and the cost-to-go.

        Raises:
            ValueError: the body has no trim at the target's angle.
        """
        trim = find_trim(task.body, float(task.trajectory.angle(0.0)))
        width = 4 if task.body.wing_torque_limit > 0 else 3
        linear = linearise(task.body, trim)
        costs = quadratic_costs(linear, self.weights, width)
        self.trim, self.centre = trim.control, to_components(trim.control)
        curvature = costs.r + costs.b.T @ costs.p @ costs.b
        self.axes = np.zeros((width, 4))
        self.axes[:, :width] = np.linalg.inv(np.linalg.cholesky(curvature))
        self.state, self.drift = trim.state, linear.a
        self.gain = np.linalg.solve(self.axes[:, :width].T, np.linalg.solve(curvature, costs.b.T @ costs.p))
        self.state_factor = np.sqrt(costs.q)
        self.control_factor = np.sqrt(costs.r) @ self.axes[:, :width].T
        self.final_factor = np.ascontiguousarray(np.linalg.cholesky(costs.p).T)
        preview = max(1, round(self.weights.preview / SEGMENT))
        steps = np.arange(round(task.duration / SEGMENT) + 2 * preview + 1)
        self.reference = reference_states(task.trajectory, task.body, SEGMENT * steps)
        self.costs, self.cost_to_state = costs, np.linalg.inv(costs.p)
        wanted = self.reference - trim.state
        self.final = trim.state + self._tracked(wanted[:, None], (costs.p @ wanted[-1])[None])[:, 0]
        self.approach = self.final_approach = np.empty((0, 0, 8))

    def _tracked(self, wanted: Array, owed: Array) -> Array:
        """States (T, N, 8) from which wanted ones ahead (T, N, 8) are tracked at least cost; after them cost `owed`."""
        tracked = np.empty_like(wanted)
        for step in range(len(wanted) - 1, -1, -1):
            owed = rowwise_matvec(self.costs.q, wanted[step]) + rowwise_matvec(self.costs.closed.T, owed)
            tracked[step] = rowwise_matvec(self.cost_to_state, owed)
        return tracked

    def begin(self, states: Array, time: float) -> None:
        """At the first decision, lay each moth's way from its start to the target, as the guidance does."""
        if len(self.approach):
            return
        starts = (states - self.reference[round(time / SEGMENT)])[:, MOTION]
        times = [choose_approach_time(start, self.weights.approach_time) for start in starts]
        steps = np.arange(math.ceil(max(times) / SEGMENT) + 1)
        self.approach = np.zeros((len(steps), len(states), 8))
        for moth, start in enumerate(starts):
            self.approach[:, moth, MOTION] = approach_curves(times[moth], steps) @ start
        self.final_approach = self._tracked(self.approach, np.zeros((len(states), 8)))

    def nominal_control(self, states: Array, time: float) -> Array:
        """Return the control that is optimal for the linear model, as coordinates (N, m)."""
        goals = self._goals(self.final, self.final_approach, time + SEGMENT) - self.state
        drift = rowwise_matvec(self.drift, states - self.state)
        return rowwise_matvec(self.gain, np.nan_to_num(goals - drift))

    def _goals(self, centre: Array, approach: Array, time: float) -> Array:
        """Return goals (N, 8) at a time, each on the moth's way from its start."""
        step = round(time / SEGMENT)
        goal = centre[min(step, len(centre) - 1)]
        return goal + approach[step] if step < len(approach) else np.tile(goal, (approach.shape[1], 1))

    def __call__(self, ends: Array, plans: Array, time: float, *, last: bool) -> Array:
        """Return costs (N, K)."""
        goals = self._goals(*((self.final, self.final_approach) if last else (self.reference, self.approach)), time)
        factor = self.final_factor if last else self.state_factor
        origin = np.zeros((len(plans), plans.shape[2]))
        return squares(ends, goals, factor) + squares(plans, origin, self.control_factor)


def _close_tracking() -> Cost:
    """Tracking in which a position error of 0.03 cm costs one, not 0.1 cm."""
    return Tracking(LQRWeights(position=0.03))


_NAMED = {"tracking": Tracking, "close-tracking": _close_tracking, "bustamante2022": Bustamante2022}


def make_cost(name: str) -> Cost:
    """Make a cost by name.

    Raises:
        ValueError: an unknown name.
    """
    if name not in _NAMED:
        raise ValueError(f"cost = {name!r}: expected one of {', '.join(_NAMED)}")
    return _NAMED[name]()
