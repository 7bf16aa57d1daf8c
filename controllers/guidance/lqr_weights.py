"""The weights of the guidance's linear-quadratic regulator, and the regulator that follows from them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_are

from mothsim.trim import Linearisation

Array = NDArray[np.floating]


@dataclass(frozen=True)
class LQRWeights:
    """Weights of the quadratic cost by Bryson's rule, each the deviation that costs one, and further guidance settings.

    Attributes:
        position, angle, velocity, rate: deviations of the state, cm, rad, cm/s, rad/s.
        thrust, lift: deviations of the force along and across the head-thorax, dyn.
        torque: deviation of either torque, dyn cm.
        integral: gain on the integral of the position error, 1/s.
        preview: time beyond a flight's end for which the target is known, s.
        error_clip: position error at which the feedback saturates, cm.
        approach_time: shortest time over which a moth is led from its start to the target, s.

    Raises:
        ValueError: a deviation that is not a finite number above zero, another field that is negative or not finite.
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

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            may_be_zero = name in ("integral", "preview", "approach_time")
            if not (math.isfinite(value) and (value >= 0 if may_be_zero else value > 0)):
                expected = "a finite number from zero on" if may_be_zero else "a finite number above zero"
                raise ValueError(f"{name} = {value!r}: expected {expected}")


@dataclass(frozen=True)
class QuadraticCosts:
    """The linear-quadratic regulator about trim: `s' = a s + b u` over one segment, cost `s' q s + u' r u` a segment.

    Attributes:
        a, b: state and input matrices, (8, 8) and (8, m).
        q, r: cost matrices of state and control, (8, 8) and (m, m), diagonal.
        p: solution of the Riccati equation, the matrix of the cost-to-go, (8, 8).
        feedback: optimal gain (m, 8), of `u = -feedback s`.
        closed: closed-loop matrix `a - b feedback`, (8, 8).
    """

    a: Array
    b: Array
    q: Array
    r: Array
    p: Array
    feedback: Array
    closed: Array


def quadratic_costs(linear: Linearisation, weights: LQRWeights, controls: int) -> QuadraticCosts:
    """Solve the discrete algebraic Riccati equation for one linearised segment, with the first 3 or all 4 controls.

    Raises:
        ValueError: the segment is not finite, as those of a body of some hundred micrometres.
    """
    a, b = linear.a, linear.b[:, :controls]
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("body: its motion about trim outgrows all numbers within a segment; expected a larger one")
    w = weights
    q = np.diag(1 / np.repeat([w.position, w.angle, w.velocity, w.rate], 2) ** 2)
    r = np.diag(1 / np.array([w.thrust, w.lift, w.torque, w.torque][:controls]) ** 2)
    p = solve_discrete_are(a, b, q, r)
    feedback = np.linalg.inv(r + b.T @ p @ b) @ b.T @ p @ a
    return QuadraticCosts(a, b, q, r, p, feedback, a - b @ feedback)
