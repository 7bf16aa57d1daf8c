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

Array = NDArray[np.floating]

MOTION = [0, 1, 4, 5]
"""x, y, xdot, ydot in the state."""


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
        entry: time over which a moth is led from where it starts to the target, s.
    """

    position: float = 0.1
    angle: float = 0.085
    velocity: float = 15.0
    rate: float = 24.0
    thrust: float = 7500.0
    lift: float = 3000.0
    torque: float = 28000.0
    integral: float = 4.5
    preview: float = 1.0
    reach: float = 0.9
    entry: float = 0.4


@dataclass(frozen=True)
class Gains:
    """The tracking law `u = u_trim - feedback (s - trim) + sum_j feedforward[j] (target_{k+1+j} - trim)`.

    `feedback` is (m, 8), `feedforward` (H, m, 8), with m = 3 controls, or 4 with wing torque.
    """

    feedback: Array
    feedforward: Array


@dataclass(frozen=True)
class QuadraticCosts:
    """Linear-quadratic tracking of one segment: `s' = a s + b u` about trim, costs `s' q s + u' r u`.

    Attributes:
        a, b: (8, 8) and (8, m).
        q, r: (8, 8) and (m, m), diagonal.
        p: (8, 8), the cost-to-go.
        feedback: (m, 8), the best law `u = -feedback s`.
        closed: (8, 8), `a - b feedback`.
    """

    a: Array
    b: Array
    q: Array
    r: Array
    p: Array
    feedback: Array
    closed: Array


def quadratic_costs(linear: Linearisation, weights: Weights, controls: int) -> QuadraticCosts:
    """Weights, and the Riccati equation's solution, for one linearised segment and 3 or 4 controls."""
    a, b = linear.a, linear.b[:, :controls]
    w = weights
    q = np.diag(1 / np.repeat([w.position, w.angle, w.velocity, w.rate], 2) ** 2)
    r = np.diag(1 / np.array([w.thrust, w.lift, w.torque, w.torque][:controls]) ** 2)
    p = solve_discrete_are(a, b, q, r)
    feedback = np.linalg.inv(r + b.T @ p @ b) @ b.T @ p @ a
    return QuadraticCosts(a, b, q, r, p, feedback, a - b @ feedback)


def tracking_gains(linear: Linearisation, weights: Weights, controls: int, horizon: int) -> Gains:
    """The gains of linear-quadratic tracking for one linearised segment.

    Args:
        linear: the segment about trim.
        weights: of states and controls.
        controls: 3, or 4 with wing torque.
        horizon: segments of preview.
    """
    costs = quadratic_costs(linear, weights, controls)
    gain = np.linalg.inv(costs.r + costs.b.T @ costs.p @ costs.b)
    closed = costs.closed.T
    forward = [gain @ costs.b.T @ np.linalg.matrix_power(closed, j) @ costs.q for j in range(horizon)]
    return Gains(costs.feedback, np.array(forward).reshape(horizon, controls, 8))


def entry_curves(entry: float, steps: NDArray[np.intp]) -> Array:
    """How a start off the target is led there along a quintic: (T, 4, 4) from `[x, y, xdot, ydot]` then to now.

    Args:
        entry: s; the way there, with acceleration zero at its ends.
        steps: (T,) segments since the start.
    """
    s = np.clip(steps * SEGMENT / entry, 0.0, 1.0) if entry > 0 else np.ones(len(steps))
    scale = entry or 1.0
    offset = (1 - s) ** 3 * (1 + 3 * s + 6 * s**2), scale * s * (1 - s) ** 3 * (1 + 3 * s)
    rate = -30 * s**2 * (1 - s) ** 2 / scale, (1 - s) ** 2 * (1 + 2 * s - 15 * s**2)
    curves = np.stack([np.stack(offset, -1), np.stack(rate, -1)], axis=1)
    return np.einsum("tab,cd->tacbd", curves, np.eye(2)).reshape(-1, 4, 4)


def times(matrix: Array, rows: Array) -> Array:
    """`matrix @ row` for every row, summed row by row: a product's last digit would depend on how many there are."""
    return (rows[:, None, :] * matrix).sum(axis=2)


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
        self.entry = entry_curves(self.weights.entry, steps)
        self.integral = np.zeros((len(task.seeds), 2))
        self.start = np.empty((0, 4))  # offsets from the target at the first decision

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8), within the body's limits; adds to the integral of the error."""
        step, horizon = round(time / SEGMENT), len(self.gains.feedforward)
        now, ahead = self.reference[step], self.reference[step + 1 : step + 1 + horizon]
        if not len(self.start):
            self.start = (states - now)[:, MOTION]
        error = states - now
        error[:, MOTION] -= times(self.entry[step], self.start)
        self.integral += self.weights.integral * SEGMENT * error[:, :2]
        error[:, :2] = np.clip(error[:, :2] + self.integral, -self.weights.reach, self.weights.reach)
        feedback, feedforward = self.gains.feedback, self.gains.feedforward
        forward = np.einsum("hms,hs->m", feedforward, ahead - self.trim.state)
        forward -= feedback @ (now - self.trim.state)
        led = np.einsum("hms,hst->mt", feedforward[:, :, MOTION], self.entry[step + 1 : step + 1 + horizon])
        led -= feedback[:, MOTION] @ self.entry[step]
        components = np.tile(to_components(self.trim.control), (len(states), 1))
        components[:, : self.width] += forward + times(led, self.start) - times(feedback, error)
        return limited(from_components(components), self.body)

    def waypoint(self, states: Array, controls: Array) -> Array:
        """Poses (N, 4), `[x, y, theta, phi]` after a segment of these controls, by the engine."""
        return propagate(states, controls, body=self.body).states[:, :4]

    def target(self, time: float) -> Array:
        """The reference state (8,) at a segment's boundary."""
        return self.reference[round(time / SEGMENT)]
