"""Guidance: linear-quadratic tracking about trim, with preview of the target and integral action.

Discrete-time LQR on segments gives the feedback; what is known of the target's coming second enters as the
feedforward of the infinite-horizon tracking problem (Anderson and Moore 1990, Optimal Control, chapter 4); the
integral of the position error shifts the state that the law sees, so that a bias does not become an offset.
Handing a network the target's own pose as a waypoint loses it within two seconds, since three controls reach
only a three-dimensional set of the four numbers of a pose. So a waypoint is the pose that the guidance's own
control would reach, by the engine: reachable, by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_are

from controllers.reference import reference_states
from mothsim.actuation import from_components, limited, to_components
from mothsim.flight import Task
from mothsim.integrator import SEGMENT, propagate
from mothsim.trim import Linearisation, find_trim, linearise

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """What the guidance holds dear: the deviations it counts as one (Bryson's rule), and its integral gain.

    Attributes:
        position, angle, velocity, rate: of the state, cm, rad, cm/s, rad/s.
        thrust, lift: of the force along and across the head-thorax, dyn.
        torque: dyn cm.
        integral: gain on the integral of the position error, 1/s.
        preview: how far ahead the target is used, s.
        reach: position error beyond which the law pulls no harder, cm.
    """

    position: float = 0.1
    angle: float = 1.0
    velocity: float = 100.0
    rate: float = 20.0
    thrust: float = 10000.0
    lift: float = 1000.0
    torque: float = 1e5
    integral: float = 3.0
    preview: float = 1.0
    reach: float = 0.5


@dataclass(frozen=True)
class Gains:
    """The tracking law `u = u_trim - feedback (s - trim) + sum_j feedforward[j] (target_{k+1+j} - trim)`.

    `feedback` is (m, 8), `feedforward` (H, m, 8), with m = 3 controls, or 4 with wing torque.
    """

    feedback: Array
    feedforward: Array


def tracking_gains(linear: Linearisation, weights: Weights, controls: int, horizon: int) -> Gains:
    """The gains of linear-quadratic tracking for one linearised segment.

    Args:
        linear: the segment about trim.
        weights: of states and controls.
        controls: 3, or 4 with wing torque.
        horizon: segments of preview.
    """
    a, b = linear.a, linear.b[:, :controls]
    w = weights
    q = np.diag(1 / np.repeat([w.position, w.angle, w.velocity, w.rate], 2) ** 2)
    r = np.diag(1 / np.array([w.thrust, w.lift, w.torque, w.torque][:controls]) ** 2)
    p = solve_discrete_are(a, b, q, r)
    gain = np.linalg.inv(r + b.T @ p @ b)
    feedback = gain @ b.T @ p @ a
    closed = (a - b @ feedback).T
    forward = [gain @ b.T @ np.linalg.matrix_power(closed, j) @ q for j in range(horizon)]
    return Gains(feedback, np.array(forward).reshape(horizon, controls, 8))


class Guidance:
    """Chooses a control and the waypoint that it reaches, one segment ahead, for N moths at once."""

    def __init__(self, weights: Weights | None = None) -> None:
        self.weights = weights or Weights()

    def reset(self, task: Task) -> None:
        """Compute gains about trim at the trajectory's body angle, and clear the integral.

        Raises:
            ValueError: the body has no trim at that angle.
        """
        body, trajectory = task.body, task.trajectory
        self.body, self.trajectory = body, trajectory
        self.trim = find_trim(body, float(trajectory.angle(0.0)))
        self.width = 4 if body.wing_torque_limit > 0 else 3
        horizon = max(1, round(self.weights.preview / SEGMENT))
        self.linear = linearise(body, self.trim)
        self.gains = tracking_gains(self.linear, self.weights, self.width, horizon)
        steps = np.arange(round(task.duration / SEGMENT) + horizon + 1)
        self.reference = reference_states(trajectory, body, SEGMENT * steps)
        self.integral = np.zeros((len(task.seeds), 2))

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8), within the body's limits; adds to the integral of the error."""
        step = round(time / SEGMENT)
        now = self.target(time)
        error = states - now
        self.integral += self.weights.integral * SEGMENT * error[:, :2]
        error[:, :2] = np.clip(error[:, :2] + self.integral, -self.weights.reach, self.weights.reach)
        ahead = self.reference[step + 1 : step + 1 + len(self.gains.feedforward)]
        forward = np.einsum("hms,hs->m", self.gains.feedforward, ahead - self.trim.state)
        forward -= self.gains.feedback @ (now - self.trim.state)
        components = np.tile(to_components(self.trim.control), (len(states), 1))
        # Summed row by row: a matrix product's last digit would depend on how many moths there are.
        components[:, : self.width] += forward - (error[:, None, :] * self.gains.feedback).sum(axis=2)
        return limited(from_components(components), self.body)

    def waypoint(self, states: Array, controls: Array) -> Array:
        """Poses (N, 4), `[x, y, theta, phi]` after a segment of these controls, by the engine."""
        return propagate(states, controls, body=self.body).states[:, :4]

    def target(self, time: float) -> Array:
        """The reference state (8,) at a segment's boundary."""
        return self.reference[round(time / SEGMENT)]
