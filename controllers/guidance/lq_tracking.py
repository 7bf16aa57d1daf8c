"""Guidance: linear-quadratic tracking of a feasible flight along the target, with integral action and a lead-in.

The feasible flight and the regulator about it come from `mothsim.controllers.guidance.ilqr`. A moth approaches the
flight from its start along a quintic curve, over a time that grows with its initial deviation. The integral of the
position error is added to the error, so that a constant disturbance causes no offset. A network whose waypoint is the
target's own pose is lost within two seconds, since three controls reach only a three-dimensional set of poses, which
have four numbers. So the waypoint is the pose that the guidance's own control reaches in simulation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components, limited
from mothsim.angles import state_error
from mothsim.controllers.guidance.ilqr import ilqr, rowwise_matvec
from mothsim.controllers.guidance.lqr_weights import LQRWeights
from mothsim.controllers.guidance.reference import MOTION, approach_curves, choose_approach_time
from mothsim.flight import Task, steady_start
from mothsim.solver.propagate import SEGMENT, propagate

Array = NDArray[np.floating]


class Guidance:
    """Computes a control, and the waypoint that it reaches one segment later, for N moths at once.

    Args:
        weights: of the regulator; by default those of `LQRWeights`.
    """

    def __init__(self, weights: LQRWeights | None = None) -> None:
        self.weights = weights or LQRWeights()

    def reset(self, task: Task) -> None:
        """Plan a flight along the trajectory, to the preview time beyond its end, and clear the integral.

        Raises:
            ValueError: the body has no trim at a body angle of the trajectory.
        """
        self.body, self.trajectory = task.body, task.trajectory
        segments = round(task.duration / SEGMENT) + max(1, round(self.weights.preview / SEGMENT))
        self.law = ilqr(task.trajectory, task.body, self.weights, segments)
        self.integral = np.zeros((len(task.seeds), 2))
        self.approach = self.added = np.empty((0, 0, 0))

    def control(self, states: Array, time: float) -> Array:
        """Return controls (N, 4) for states (N, 8), within the body's limits; updates the integral of the error."""
        step = round(time / SEGMENT)
        if not len(self.approach):
            self._approach_from(state_error(states, self.law.states[step]))
        error = state_error(states, self.law.states[step])
        components = np.tile(self.law.controls[step], (len(states), 1))
        width = self.law.feedback.shape[1]
        if step < self.added.shape[1]:
            error -= self.approach[:, step]
            components[:, :width] += self.added[:, step] - rowwise_matvec(
                self.law.feedback[step], self.approach[:, step]
            )
        self.integral += self.weights.integral * SEGMENT * error[:, :2]
        error[:, :2] = np.clip(error[:, :2] + self.integral, -self.weights.error_clip, self.weights.error_clip)
        components[:, :width] -= rowwise_matvec(self.law.feedback[step], error)
        return limited(from_components(components), self.body)

    def _approach_from(self, offsets: Array) -> None:
        """Compute the approach curves (N, L + 1, 8) from initial deviations (N, 8), and their feedforward."""
        starts = offsets[:, MOTION]
        least = self.weights.approach_time
        spans = [choose_approach_time(start, least) if np.isfinite(start).all() else least for start in starts]
        steps = np.arange(min(round(max(spans) / SEGMENT) + 2, len(self.law.controls) + 1))
        self.approach = np.zeros((len(starts), len(steps), 8))
        for curve, start, span in zip(self.approach, starts, spans, strict=True):
            curve[:, MOTION] = approach_curves(span, steps) @ start
        self.added = self.law.feedforward(self.approach)

    def waypoint(self, states: Array, controls: Array) -> Array:
        """Return the poses (N, 4), `[x, y, theta, phi]`, after a segment of these controls, from the engine."""
        return propagate(states, controls, body=self.body).states[:, :4]

    def target(self, time: float) -> Array:
        """Return the target's own pose (4,), with the body and abdomen angles of trim, reachable or not."""
        return steady_start(self.trajectory, self.body, time)[:4]
