"""What guidance holds dear, and the linear-quadratic problem that follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_are

from mothsim.trim import Linearisation

Array = NDArray[np.floating]


@dataclass(frozen=True)
class LQRWeights:
    """What the guidance holds dear: the deviations it counts as one (Bryson's rule), and its integral gain.

    Attributes:
        position, angle, velocity, rate: of the state, cm, rad, cm/s, rad/s.
        thrust, lift: of the force along and across the head-thorax, dyn.
        torque: dyn cm.
        integral: gain on the integral of the position error, 1/s.
        preview: how far beyond a flight's end the target is known, s.
        error_clip: position error beyond which the law pulls no harder, cm.
        approach_time: least time over which a moth is led from where it starts to the target, s.
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
    error_clip: float = 0.9
    approach_time: float = 0.4


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


def quadratic_costs(linear: Linearisation, weights: LQRWeights, controls: int) -> QuadraticCosts:
    """Weights, and the Riccati equation's solution, for one linearised segment and 3 or 4 controls."""
    a, b = linear.a, linear.b[:, :controls]
    w = weights
    q = np.diag(1 / np.repeat([w.position, w.angle, w.velocity, w.rate], 2) ** 2)
    r = np.diag(1 / np.array([w.thrust, w.lift, w.torque, w.torque][:controls]) ** 2)
    p = solve_discrete_are(a, b, q, r)
    feedback = np.linalg.inv(r + b.T @ p @ b) @ b.T @ p @ a
    return QuadraticCosts(a, b, q, r, p, feedback, a - b @ feedback)
