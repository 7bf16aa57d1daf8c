"""What the segments of a flight cost, as a policy is trained by."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from mothsim.body import MothBody
from mothsim.policy_interface import OUTPUT_ENTRIES

FAR = 20.0
"""Distance, cm, at which its cost saturates."""
_FAST = 12.0  # rad/s, above which a body spins
SPIN_UNIT = 10.0
"""Rate, rad/s, beside which the price of spinning turns from quadratic to linear."""
_FORCES = np.array([entry.scale for entry in OUTPUT_ENTRIES[:2]], dtype=np.float32)  # dyn, of a policy's outputs


class CostWeights(NamedTuple):
    """What a segment's end costs beside its distance from the target, see `flight_cost`.

    Attributes:
        precision: distance, cm, below which the cost of distance turns from linear to quadratic.
        rate, posture, effort, change: of angular rates, tilt and bend, outputs, and changes of the outputs.
        torque: of abdominal torque, in addition to its share of the effort.
        patience: of forces, in addition to their share of the effort, of moths that are unhurried, see `Window`.
        arrival: of velocity, tilt and spin at a window's end, by its length.
        calm: mean cost below which a flight's own cost counts as it is, and above which by its logarithm, so that
            violent flights do not drown the calm ones.
        large: of the cost itself in addition to its logarithm, so that large errors count as well.
        huber: above which the price of rates and posture grows as their size and no longer as its square (Huber 1964),
            so that tilts in violent flights do not outweigh all else.
        spin: of body rates from 12 rad/s on, see `spin_excess`; `rate` hardly tells fast spins apart, and a moth that
            spins on the spot is near its target.
        leap: of all that a leap costs, which counts as it is, without a logarithm.
        ease: of square force beyond trim's, in times of the weight, beside square distance, cm^2, in a leap.
    """

    precision: float | np.floating
    rate: float = 1e-3
    posture: float = 2e-3
    effort: float = 2e-3
    change: float = 0.0
    torque: float = 0.0
    patience: float = 0.0
    arrival: float = 0.02
    calm: float = 0.02
    large: float = 0.0
    huber: float = np.inf
    spin: float = 0.0
    leap: float = 2.0
    ease: float = 0.5


class AffineFlight(NamedTuple):
    """How T segments of flight by B moths would change with the parameters, to first order about what was flown.

    Attributes:
        states: (T, B, 8) at the segments' ends.
        outputs: (T, B, 3) of the policy, and `changes` (T, B, 3) since the decisions before.
        postures: (B, 2), see `PolicyTarget`.
    """

    states: Any
    outputs: Any
    changes: Any
    postures: Any


def segment_costs(
    flight: AffineFlight, goals: Any, weights: CostWeights, slack: Any = 0.0, unhurried: Any = 0.0
) -> Any:
    """What each segment of flights costs (T, B), where they are to end at goals (T, B, 2), with slack (T, B).

    See `Window` for the slack and for `unhurried` (B,).
    """
    square, precision = ((flight.states[..., :2] - goals) ** 2).sum(axis=-1), weights.precision + slack
    distance = jnp.sqrt(square + precision**2) - precision
    work = weights.effort * (flight.outputs**2).sum(axis=-1) + weights.torque * flight.outputs[..., 2] ** 2
    work += weights.patience * unhurried * (flight.outputs[..., :2] ** 2).sum(axis=-1)
    work += weights.change * (flight.changes**2).sum(axis=-1)
    work += weights.spin * (jnp.sqrt(1 + spin_excess(flight) ** 2) - 1)
    swing = swing_price(flight, weights)
    return distance / (1 + distance / FAR) + work + 2 * swing / (1 + jnp.sqrt(1 + 2 * swing / weights.huber))


def leap_costs(flight: AffineFlight, goals: Any, weights: CostWeights, body: MothBody) -> Any:
    """What each segment of leaps costs (T, B): square distance from goals (T, B, 2), and square force.

    By logarithms, or by distance itself, it is cheapest to be far off with much force for a short time.
    """
    square = ((flight.states[..., :2] - goals) ** 2).sum(axis=-1)
    force = (leap_forces(flight, body) ** 2).sum(axis=-1)
    return weights.leap * (square / (1 + square / FAR**2) + weights.ease * force)


def leap_forces(flight: AffineFlight, body: MothBody) -> Any:
    """Force along and across the head-thorax beyond trim's (T, B, 2), in times of the weight, but for its limit."""
    return flight.outputs[..., :2] * (_FORCES / body.weight)


def spin_excess(flight: AffineFlight) -> Any:
    """By how much bodies turn (T, B) faster than in most flights, in units of `SPIN_UNIT`."""
    return jnp.maximum(0.0, jnp.abs(flight.states[..., 6]) - _FAST) / SPIN_UNIT


def swing_price(flight: AffineFlight, weights: CostWeights) -> Any:
    """Price (T, B) of angular rates, tilt and bend, as it were without `CostWeights.huber`."""
    states, (tilt, bend) = flight.states, tilt_and_bend(flight)
    rates = _soft(states[..., 6], 40.0) ** 2 + _soft(states[..., 7] - states[..., 6], 40.0) ** 2
    askew = 1 - jnp.cos(tilt) + 0.5 * _soft(bend, 2.0) ** 2
    return weights.rate * rates / 25 + weights.posture * askew


def tilt_and_bend(flight: AffineFlight) -> tuple[Any, Any]:
    """How far moths are tilted and bent (T, B) off their trim, rad."""
    (theta, phi), (upright, hanging) = (jnp.moveaxis(e, -1, 0) for e in (flight.states[..., 2:4], flight.postures))
    return theta - upright, phi - theta - (hanging - upright)


def arrival_cost(state: Any, velocity: Any, angle: Any) -> Any:
    """Cost (B,) of a window's end (B, 8): velocity off the target's (B, 2), tilt off its body angle (B,), and spin."""
    speed = _soft(state[:, 4:6] - velocity, 150.0) / 15
    tilt, spin = 3 * jnp.sin(state[:, 2] - angle), _soft(state[:, 6], 40.0) / 5
    return jnp.sqrt(speed**2 + 0.01).sum(axis=1) + jnp.sqrt(tilt**2 + 0.01) + jnp.sqrt(spin**2 + 0.01) - 0.4


def _soft(x: Any, bound: float) -> Any:
    return x / jnp.sqrt(1 + (x / bound) ** 2)
