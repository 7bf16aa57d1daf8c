"""What a plan of sampling model predictive control costs.

A cost also says in which coordinates z (m,) plans are sampled: controls as components are `centre + z axes`.
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
from mothsim.controllers.guidance.reference import MOTION, entry_curves, reference_states
from mothsim.flight import Task
from mothsim.solver.compiled import kernel
from mothsim.solver.propagate import SEGMENT
from mothsim.trim import Trim, find_trim, linearise

Array = NDArray[np.floating]


class Cost(Protocol):
    """What a plan costs, segment by segment.

    Attributes:
        trim: (4,) the control that is flown where no plan could be rolled out.
        centre, axes: (4,) and (m, 4), the coordinates of plans.
    """

    trim: Array
    centre: Array
    axes: Array

    def reset(self, task: Task) -> None:
        """Prepare for a flight."""
        ...

    def begin(self, states: Array, time: float) -> None:
        """Take note of where the moths (N, 8) are at a decision."""
        ...

    def nominal_control(self, states: Array, time: float) -> Array:
        """What to try first in states (N, 8) at `time`: coordinates (N, m)."""
        ...

    def __call__(self, ends: Array, plans: Array, time: float, *, last: bool) -> Array:
        """Costs (N, K) of a segment that ends at `time` in states (N, K, 8) under plans (N, K, m); NaN of NaN."""
        ...


@kernel
def squares(rows, centres, factor):
    """`|factor (row - centre)|^2`, (N, K), of rows (N, K, d), centres (N, d) and a factor (r, d), row by row."""
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
    """Trim at a body angle; upright, with the body straight, where there is none."""
    try:
        return find_trim(body, angle)
    except ValueError:
        return find_trim(body, math.pi / 2)


class Bustamante2022:
    """The cost of Bustamante et al. 2022: the square distance from the goal at each segment's end.

    `1e9 x^2 + 1e10 y^2 + 1e10 theta^2 + 1e-5 xdot^2 + 1e-5 ydot^2 + 1e8 thetadot^2` of the departures from the
    target's position, body angle and velocity; the abdomen is free. One axis a control, a twentieth of its limit.

    Args:
        clock: how fast the goal's clock runs.
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
        """Nothing: the goal is the same wherever the moths are."""

    def nominal_control(self, states: Array, time: float) -> Array:
        """Trim."""
        return np.zeros((len(states), len(self.axes)))

    def __call__(self, ends: Array, plans: Array, time: float, *, last: bool) -> Array:
        """Costs (N, K)."""
        goal = np.zeros(8)
        goal[:2] = self.trajectory.position(self.clock * time)
        goal[2] = self.trajectory.angle(self.clock * time)
        goal[4:6] = self.trajectory.velocity(self.clock * time)
        return squares(ends, np.tile(goal, (len(ends), 1)), self.factor)


class Tracking:
    """The guidance's linear-quadratic cost on the simulated plan, with its cost-to-go after the horizon.

    Each segment's end costs its departure from the reference, as the guidance weighs it, each control its
    departure from trim. The last end costs what linear-quadratic tracking would still pay for the target of the
    coming second: `(s - s*)' P (s - s*)`, with P the Riccati solution about trim and `s*` such that the
    reference ahead is best met from there (Anderson and Moore 1990, Optimal Control, chapter 4). A moth that
    starts off the target is led there as by the guidance. The law is what is best by that linear model, which is
    the guidance's but for its integral action. Axes are those of the cost-to-go's curvature in a
    single control, so that noise in every direction costs alike.
    """

    def __init__(self, weights: LQRWeights | None = None) -> None:
        self.weights = weights or LQRWeights()

    def reset(self, task: Task) -> None:
        """Compute reference and cost-to-go.

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
        entry = np.zeros((len(steps), 8, 4))
        entry[:, MOTION] = entry_curves(self.weights.approach_time, steps)
        self.entry = entry
        wanted = np.concatenate([(self.reference - trim.state)[:, :, None], entry], axis=2)
        final = np.empty_like(wanted)
        owed = costs.p @ wanted[-1]
        for step in steps[::-1]:
            owed = costs.q @ wanted[step] + costs.closed.T @ owed
            final[step] = np.linalg.solve(costs.p, owed)
        self.final, self.final_entry = final[:, :, 0] + trim.state, final[:, :, 1:]
        self.start = np.empty((0, 4))

    def begin(self, states: Array, time: float) -> None:
        """At the first decision, remember how far off the target each moth is."""
        if not len(self.start):
            self.start = (states - self.reference[round(time / SEGMENT)])[:, MOTION]

    def nominal_control(self, states: Array, time: float) -> Array:
        """The control that is best by the linear model: towards the state from which the reference is best met."""
        goals = self._goals(self.final, self.final_entry, time + SEGMENT) - self.state
        drift = rowwise_matvec(self.drift, states - self.state)
        return rowwise_matvec(self.gain, np.nan_to_num(goals - drift))

    def _goals(self, centre: Array, entry: Array, time: float) -> Array:
        """Goals (N, 8) at a time, each moth's led in from its start."""
        step = min(round(time / SEGMENT), len(centre) - 1)
        return centre[step] + rowwise_matvec(entry[step], self.start)

    def __call__(self, ends: Array, plans: Array, time: float, *, last: bool) -> Array:
        """Costs (N, K)."""
        goals = self._goals(*((self.final, self.final_entry) if last else (self.reference, self.entry)), time)
        factor = self.final_factor if last else self.state_factor
        origin = np.zeros((len(plans), plans.shape[2]))
        return squares(ends, goals, factor) + squares(plans, origin, self.control_factor)


_NAMED = {"tracking": Tracking, "bustamante2022": Bustamante2022}


def make_cost(name: str) -> Cost:
    """A cost by name.

    Raises:
        ValueError: an unknown name.
    """
    if name not in _NAMED:
        raise ValueError(f"cost = {name!r}: expected one of {', '.join(_NAMED)}")
    return _NAMED[name]()
