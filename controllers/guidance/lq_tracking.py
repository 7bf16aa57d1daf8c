"""Guidance: linear-quadratic tracking of a feasible flight along the target, with integral action and a lead-in.

The plan (`mothsim.controllers.guidance.ilqr`) is a flight along the target, known ahead, that the moth can fly, and the
law that keeps to it. From wherever a moth starts it is led to the plan along a curve, over a time that grows with what
there is to catch up; the integral of the position error shifts the state that the law sees, so that a bias does not
become an offset. Handing a network the target's own pose as a waypoint loses it within two seconds, since three
controls reach only a three-dimensional set of the four numbers of a pose. So a waypoint is the pose that the
guidance's own control would reach, by the engine: reachable, by construction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components, limited
from mothsim.angles import state_error
from mothsim.controllers.guidance.ilqr import ilqr, rowwise_matvec
from mothsim.controllers.guidance.lqr_weights import LQRWeights
from mothsim.controllers.guidance.reference import MOTION, entry_curves, entry_time
from mothsim.flight import Task, steady_start
from mothsim.solver.propagate import SEGMENT, propagate

Array = NDArray[np.floating]


class Guidance:
    """Chooses a control and the waypoint that it reaches, one segment ahead, for N moths at once."""

    def __init__(self, weights: LQRWeights | None = None) -> None:
        self.weights = weights or LQRWeights()

    def reset(self, task: Task) -> None:
        """Plan a flight along the trajectory, known for the preview's time beyond the end, and clear the integral.

        Raises:
            ValueError: the body has no trim at a body angle of the trajectory.
        """
        self.body, self.trajectory = task.body, task.trajectory
        segments = round(task.duration / SEGMENT) + max(1, round(self.weights.preview / SEGMENT))
        self.law = ilqr(task.trajectory, task.body, self.weights, segments)
        self.integral = np.zeros((len(task.seeds), 2))
        self.entry = self.added = np.empty((0, 0, 0))

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8), within the body's limits; adds to the integral of the error."""
        step = round(time / SEGMENT)
        if not len(self.entry):
            self._enter(state_error(states, self.law.states[step]))
        error = state_error(states, self.law.states[step])
        components = np.tile(self.law.controls[step], (len(states), 1))
        width = self.law.feedback.shape[1]
        if step < self.added.shape[1]:
            error -= self.entry[:, step]
            components[:, :width] += self.added[:, step] - rowwise_matvec(self.law.feedback[step], self.entry[:, step])
        self.integral += self.weights.integral * SEGMENT * error[:, :2]
        error[:, :2] = np.clip(error[:, :2] + self.integral, -self.weights.error_clip, self.weights.error_clip)
        components[:, :width] -= rowwise_matvec(self.law.feedback[step], error)
        return limited(from_components(components), self.body)

    def _enter(self, offsets: Array) -> None:
        """Lay the curves (N, L + 1, 8) from starts `offsets` (N, 8) off the plan, and what control follows them."""
        starts = offsets[:, MOTION]
        least = self.weights.approach_time
        spans = [entry_time(start, least) if np.isfinite(start).all() else least for start in starts]
        steps = np.arange(min(round(max(spans) / SEGMENT) + 2, len(self.law.controls) + 1))
        self.entry = np.zeros((len(starts), len(steps), 8))
        for curve, start, span in zip(self.entry, starts, spans, strict=True):
            curve[:, MOTION] = entry_curves(span, steps) @ start
        self.added = self.law.feedforward(self.entry)

    def waypoint(self, states: Array, controls: Array) -> Array:
        """Poses (N, 4), `[x, y, theta, phi]` after a segment of these controls, by the engine."""
        return propagate(states, controls, body=self.body).states[:, :4]

    def target(self, time: float) -> Array:
        """The pose (4,) that the target itself asks for, in trim's posture, within reach or not."""
        return steady_start(self.trajectory, self.body, time)[:4]
