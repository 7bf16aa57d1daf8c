"""Nonlinear model predictive control by direct multiple shooting and the real-time iteration.

At every decision the segments of the plan are solved by the engine, each from a state of its own, with their Jacobians;
a quadratic programme with the control limits as constraints ties them together and gives the next plan, of which the
first control is flown. One programme a decision, begun from the last plan moved on by a segment, follows the optimum
closely (Diehl, Bock, Schloeder, Findeisen, Nagy and Allgoewer 2002, J Process Control 12:577); the first decision takes
a few.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components, limited, to_components
from mothsim.angles import near
from mothsim.checks import as_count
from mothsim.controllers.guidance.lqr_weights import LQRWeights, quadratic_costs
from mothsim.controllers.guidance.reference import MOTION, approach_curves, choose_approach_time, reference_states
from mothsim.controllers.mpc.shooting_qp import ShootingQP
from mothsim.flight import Task
from mothsim.solver.jacobians import jacobians
from mothsim.solver.propagate import SEGMENT, propagate
from mothsim.trim import find_trim, linearise

Array = NDArray[np.floating]

WEIGHTS = LQRWeights(position=0.01)
_FIRST = 8  # programmes of a moth's first decision


class NMPC:
    """Plan H segments ahead on the engine's own equations, within the limits of force and abdominal torque.

    The cost of a plan is that of the LQR guidance: squares of deviations from the target's position, velocity and trim
    posture, and from trim's control, and the cost-to-go of the linear-quadratic regulator at its end. A moth that
    begins off the target is led to it along the guidance's approach curve. No wing torque, and no integral action: the
    model is taken to be exact.

    Args:
        horizon: H, segments of 20 ms.
        weights: of the deviations; by default the guidance's, with a position deviation of 0.1 mm.

    Attributes:
        fallbacks: (N,) number of decisions without a plan, in which trim was flown.
        segments: that a decision solves for one moth, those for the Jacobians included.

    Raises:
        ValueError: a horizon below two, or the extra `[mpc]` is not installed.
    """

    period = SEGMENT

    def __init__(self, horizon: int = 20, weights: LQRWeights = WEIGHTS) -> None:
        as_count("horizon", horizon, 2)
        self.horizon, self.weights = horizon, weights
        self.segments = 10 * horizon
        ShootingQP(2, np.eye(8), np.eye(8), np.ones(3), 1.0, 1.0)  # says at once where the solver is missing

    def reset(self, task: Task) -> None:
        """Compute the reference and the costs, and forget the plans.

        Raises:
            ValueError: the body has no trim at a body angle of the target.
        """
        self._body, self._trajectory = task.body, task.trajectory
        trim = find_trim(task.body, float(task.trajectory.angle(0.0)))
        self._trim = to_components(trim.control)[:3]
        weights = self.weights
        self._scale = np.array([weights.thrust, weights.lift, weights.torque])
        costs = quadratic_costs(linearise(task.body, trim), weights, 3)
        limits = task.body.force_limit, task.body.abdomen_torque_limit
        # One for each moth: what a solver keeps from its last problem changes the last digits of the next.
        self._programmes = [ShootingQP(self.horizon, costs.q, costs.p, self._scale, *limits) for _ in task.seeds]
        steps = np.arange(round(task.duration / SEGMENT) + self.horizon + 2)
        self._reference = reference_states(task.trajectory, task.body, SEGMENT * steps)
        count = len(task.seeds)
        self._states = np.empty((count, 0, 8))
        self._controls = np.tile(self._trim, (count, self.horizon, 1))
        self.fallbacks = np.zeros(count, dtype=np.int64)

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8): the first of each moth's plan, or trim where there is none."""
        step = round(time / SEGMENT)
        goal = self._reference[step]
        states = near(states, goal)
        first = not self._states.shape[1]
        if first:
            self._begin(states, step)
        wanted = self._wanted(step)
        found = self._improve(states, wanted)
        for _ in range(_FIRST - 1 if first else 0):
            found = self._improve(states, wanted)
        controls = np.zeros((len(states), 4))
        controls[:, :3] = np.where(found[:, None], self._controls[:, 0], self._trim)
        self.fallbacks += ~found
        self._move_on(found)
        return limited(from_components(controls), self._body)

    def _begin(self, states: Array, step: int) -> None:
        """Lay each moth's approach curve (L, 8) from its first deviation, and its first plan along it."""
        offsets = (states - self._reference[step])[:, MOTION]
        least = self.weights.approach_time
        spans = [choose_approach_time(offset, least) if np.isfinite(offset).all() else least for offset in offsets]
        self._approach = np.zeros((len(states), len(self._reference), 8))
        steps = np.arange(len(self._reference) - step)
        for curve, offset, span in zip(self._approach, offsets, spans, strict=True):
            curve[step:, MOTION] = approach_curves(span, steps) @ offset
        self._states = self._wanted(step)

    def _wanted(self, step: int) -> Array:
        """The states (N, H, 8) that are wanted at the ends of the plan's segments."""
        ahead = slice(step + 1, step + 1 + self.horizon)
        return self._reference[ahead] + self._approach[:, ahead]

    def _improve(self, states: Array, wanted: Array) -> NDArray[np.bool_]:
        """Solve each moth's programme about its plan, which becomes its plan; returns whether it could (N,)."""
        count = len(states)
        nodes = np.concatenate([states[:, None], self._states[:, :-1]], axis=1)
        rows, inputs = nodes.reshape(-1, 8), self._controls.reshape(-1, 3)
        ends, by_state, by_control = jacobians(rows, inputs, body=self._body)
        offsets = ends - np.einsum("nij,nj->ni", by_state, rows) - np.einsum("nij,nj->ni", by_control, inputs)
        shape = (count, self.horizon)
        dynamics = by_state.reshape(*shape, 8, 8), by_control.reshape(*shape, 8, 3), offsets.reshape(*shape, 8)
        found = np.zeros(count, dtype=np.bool_)
        for moth in range(count):
            a, b, d = (part[moth] for part in dynamics)
            if not (np.isfinite(a).all() and np.isfinite(b).all() and np.isfinite(d).all()):
                continue
            solution = self._programmes[moth].solve(
                states[moth], (a, b * self._scale, d), wanted[moth], self._trim / self._scale
            )
            if solution is not None:
                self._states[moth], self._controls[moth] = solution[0], solution[1] * self._scale
                found[moth] = True
        return found

    def _move_on(self, found: NDArray[np.bool_]) -> None:
        """Move the plans on by a segment, whose control is that before it; a moth without a plan begins with trim."""
        last = np.zeros((len(found), 4))
        last[:, :3] = self._controls[:, -1]
        end = propagate(self._states[:, -1], from_components(last), body=self._body).states
        self._states = np.concatenate([self._states[:, 1:], end[:, None]], axis=1)
        self._controls = np.concatenate([self._controls[:, 1:], self._controls[:, -1:]], axis=1)
        self._controls[~found] = self._trim
