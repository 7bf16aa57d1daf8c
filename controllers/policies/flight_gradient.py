"""The gradient of a flight's cost by the weights of the policy that flies it, through the engine's own Jacobians.

An engine flies the moths, segment by segment, and gives each segment's Jacobian: numba's on a CPU
(`mothsim.solver.jacobians`), JAX's on a GPU (`mothsim.solver.jax_jacobians`). JAX then differentiates the affine flight
`s' = s*' + A (s - s*) + B (u - u*)` with the policy in it, which is exact at the flight s* itself: backpropagation
through time with the engine's own slopes. Along the way back the costate of each moth is cut to a bound, since a
tumbling moth's grows without one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.policy_interface import (
    ENTRIES,
    GRAVITY_ENTRIES,
    OUTPUT_ENTRIES,
    PREVIEW,
    PolicyTarget,
    mean_velocities,
    observe,
    to_control_components,
    trims_at,
)
from mothsim.solver.jacobians import jacobians
from mothsim.solver.jax_jacobians import jacobians_in_jax
from mothsim.solver.propagate import SEGMENT

Array = NDArray[np.floating]
Parameters = tuple[tuple[Any, Any], ...]

_UNITS = np.array([1.0, 1.0, 0.3, 0.3, 30.0, 30.0, 8.0, 8.0], dtype=np.float32)  # of the state, to weigh a costate
_LARGEST_COSTATE = 3.0
_GONE = 25.0  # cm from the target, beyond which a moth is left out of the gradient
FAR = 20.0
"""Distance, cm, at which its cost saturates."""
_SPINNING = 150.0  # rad/s, the same
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


class Window(NamedTuple):
    """A flight of T segments by B moths, as the gradient needs it; float32, segments first.

    Attributes:
        states: (T + 1, B, 8), and `components` (T, B, 3), as flown.
        by_state, by_components: (T, B, 8, 8) and (T, B, 8, 3), the segments' Jacobians.
        targets: (T + 1, B, 2), `velocities` (T + 1, B, 2) and `ahead` (T, B, K, 2), see `PolicyTarget`.
        postures, trims: (B, 2) and (B, 3), see `PolicyTarget`.
        sound: (B,) one, or zero where a moth was lost on the way and counts for nothing.
        goals: (T, B, 2) where the moths are to be at the segments' ends, cm, and `slack` (T, B) by how much less
            exactly, cm: the targets, and zero, unless the moths are led.
        unhurried: (B,) one where a target stands still, less where it moves, and zero where it is lively or the moth
            bears a load.
        leaping: (B,) one where a target that stands still jumps, and the moth is to come after it at its own pace.
    """

    states: Any
    components: Any
    by_state: Any
    by_components: Any
    targets: Any
    velocities: Any
    ahead: Any
    postures: Any
    trims: Any
    sound: Any
    goals: Any
    slack: Any
    unhurried: Any
    leaping: Any


class Led(NamedTuple):
    """Where B moths are led on their way to their targets, see `mothsim.controllers.policies.leading.lead`.

    Attributes:
        goals, slack, unhurried: (B, T, 2), cm, (B, T), cm, and (B,), see `Window`.
    """

    goals: Any
    slack: Any
    unhurried: Any


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


def forward(parameters: Parameters, inputs: Any, xp: Any = jnp) -> Any:
    """Outputs (N, 3) of observations (N, 29): hidden layers with tanh, the last linear."""
    hidden = inputs
    for weight, bias in parameters[:-1]:
        hidden = xp.tanh(hidden @ weight + bias)
    weight, bias = parameters[-1]
    return hidden @ weight + bias


def policy_answer(parameters: Parameters, states: Any, target: PolicyTarget, xp: Any = jnp) -> Any:
    """Outputs (N, 3) at states (N, 8) of a policy that observes where up is, or does not, by its number of inputs."""
    gravity = parameters[0][0].shape[0] == len(ENTRIES) + len(GRAVITY_ENTRIES)
    return forward(parameters, observe(states, target, xp, gravity), xp)


def fly_window(
    parameters: Parameters, starts: Array, targets: Any, velocities: Any, body: MothBody, angles: Any = np.pi / 2,
    engine: str = "numba", led: Led | None = None, leaping: NDArray[np.bool_] | None = None,
    loads: float | Array = 0.0,
) -> Window:  # fmt: skip
    """Fly a policy after targets, with the Jacobians of all segments.

    Args:
        parameters: of the policy.
        starts: (B, 8).
        targets: positions (B, T + 33, 2), cm, of T segments and what is previewed in the last.
        velocities: (B, T + 33, 2), cm/s, the same.
        body: that flies.
        angles: of the body at the targets, of all or of each (B,), rad.
        engine: one of `ENGINES`; by `jax` the window is made on JAX's device, in single precision throughout.
        led: where the moths are led; by default to the targets, at once.
        leaping: which moths leap (B,), see `Window`; by default none.
        loads: shares of trim's forces and torque, of all or of each (B,), that the policy does not count on; so it
            has to fly as if on a heavier body, or, where they are negative, a lighter one.
    """
    fly_segment, xp = ENGINES[engine]
    segments = targets.shape[1] - 1 - PREVIEW[-1]
    postures, trims = trims_at(np.broadcast_to(angles, len(starts)), body)
    trims = trims * (1 - np.broadcast_to(loads, len(starts))[:, None])
    ahead = mean_velocities(targets, velocities[:, :segments], SEGMENT)
    shown = [xp.moveaxis(each, 1, 0) for each in (targets[:, : segments + 1], velocities[:, : segments + 1], ahead)]
    dtype = np.float64 if engine == "numba" else np.float32
    parameters, starts, postures, trims = jax.tree.map(
        lambda a: xp.asarray(a, dtype), (parameters, starts, postures, trims)
    )
    state, lost, states, rows = starts, xp.zeros(len(starts), dtype=np.bool_), [starts], []
    for position, velocity, coming, following in zip(*shown, shown[0][1:], strict=False):
        target = PolicyTarget(position, velocity, coming, postures, trims)
        state, lost, row = fly_segment(parameters, state, lost, target, following, body)
        states.append(state)
        rows.append(row)
    components, *slopes = (xp.stack(each) for each in zip(*rows, strict=True))
    slopes = (xp.where(lost[:, None, None], 0.0, each) for each in slopes)
    goals, slack, unhurried = led or (targets, xp.zeros(targets.shape[:2]), xp.zeros(len(starts)))
    goals, slack = (xp.moveaxis(xp.asarray(each), 1, 0)[1 : segments + 1] for each in (goals, slack))
    leaping = np.zeros(len(starts), dtype=np.bool_) if leaping is None else leaping
    fields = (xp.stack(states), components, *slopes, *shown, postures, trims, ~lost, goals, slack, unhurried, leaping)
    return Window(*(xp.asarray(each, np.float32) for each in fields))


def _fly_segment(
    jacobians: Any, xp: Any, parameters: Parameters, state: Any, lost: Any, target: PolicyTarget, following: Any,
    body: MothBody,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Ends (B, 8), which moths are lost, and components and Jacobians of a segment; `following` is its end's target."""
    outputs = policy_answer(parameters, state, target, xp)
    components = to_control_components(outputs, target.trims, body, xp)
    end, *slopes = jacobians(state, components, body=body)
    off = xp.hypot(end[:, 0] - following[:, 0], end[:, 1] - following[:, 1])
    lost = lost | ~((off < _GONE) & (abs(end[:, 6:]).max(axis=1) < _SPINNING))
    rest = xp.pad(target.postures, ((0, 0), (2, 4)))
    return xp.where(lost[:, None], rest, end), lost, (components, *slopes)


ENGINES: dict[str, Any] = {
    "numba": (partial(_fly_segment, jacobians, np), np),
    "jax": (partial(jax.jit, static_argnames="body")(partial(_fly_segment, jacobians_in_jax, jnp)), jnp),
}
"""Engines that a policy is trained by: numba's, on a CPU, and JAX's, on whatever device JAX finds."""


def fastest_engine() -> str:
    """Return `jax` where JAX finds an accelerator, else `numba`."""
    return "numba" if jax.default_backend() == "cpu" else "jax"


@jax.custom_vjp
def bounded_costate(state: Any, largest: float = _LARGEST_COSTATE) -> Any:
    """The state (B, 8) itself; on the way back, the costate of each moth, cut to a length."""
    return state


def _keep(state: Any, largest: Any) -> tuple[Any, Any]:
    return state, largest


def _cut(largest: Any, costate: Any) -> tuple[Any, None]:
    costate = jnp.nan_to_num(costate)
    length = jnp.sqrt(((costate * _UNITS) ** 2).sum(axis=1, keepdims=True))
    return costate * jnp.minimum(1.0, largest / jnp.maximum(length, 1e-9)), None


bounded_costate.defvjp(_keep, _cut)


def flight_cost(
    parameters: Parameters, window: Window, weights: CostWeights, body: MothBody, each_segment: bool = False
) -> Any:
    """Cost of a window's flights, as a function of the parameters about the flights that were flown.

    A segment's end costs `sqrt(d^2 + p^2) - p` of its distance d from its goal (saturating at some 20 cm), and what
    `CostWeights` says; a window's end also its velocity, tilt and spin, for what comes after it. Of each flight's mean
    cost c counts `log(1 + c / calm)`; or, for `each_segment`, so much of every segment's cost, which asks of a moth
    not only to come near but to come very near soon. A leap costs its square distance and force, see `leap_costs`.
    """
    flight = affine_flight(parameters, window, body)
    costs = segment_costs(flight, window.goals, weights, window.slack, window.unhurried)
    arrival = weights.arrival * arrival_cost(flight.states[-1], window.velocities[-1], window.postures[:, 0])
    costs = (costs if each_segment else costs.mean(axis=0, keepdims=True)) + arrival
    flights = (jnp.log1p(costs / weights.calm) + weights.large * costs).mean(axis=0)
    flights = jnp.where(window.leaping > 0, leap_costs(flight, window.goals, weights, body).mean(axis=0), flights)
    return (flights * window.sound).sum() / len(window.sound)


def affine_flight(
    parameters: Parameters, window: Window, body: MothBody, bound: Callable[[Any], Any] = bounded_costate
) -> AffineFlight:
    """A window's flights as the parameters would change them, to first order.

    Args:
        parameters: of the policy.
        window: as flown.
        body: that flew.
        bound: is applied to the states at the segments' starts.
    """
    flown = (window.states[:-1], window.states[1:], window.components, window.by_state, window.by_components)
    shown = (window.targets[:-1], window.velocities[:-1], window.ahead)

    def segment(state: Any, inputs: Any) -> Any:
        start, end, components, by_state, by_components, position, velocity, ahead = inputs
        state = bound(state)
        target = PolicyTarget(position, velocity, ahead, window.postures, window.trims)
        outputs = policy_answer(parameters, state, target)
        asked = to_control_components(outputs, window.trims, body, jnp)
        after = end + jnp.einsum("bij,bj->bi", by_state, state - start)
        after = after + jnp.einsum("bij,bj->bi", by_components, asked - components)
        return after, (after, outputs)

    _, (states, outputs) = jax.lax.scan(segment, window.states[0], (*flown, *shown))
    return AffineFlight(states, outputs, jnp.diff(outputs, axis=0, prepend=0.0), window.postures)


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


@partial(jax.jit, static_argnames=("body", "each_segment"))
def cost_and_gradient(
    parameters: Parameters, window: Window, weights: CostWeights, body: MothBody, each_segment: bool = False
) -> Any:
    """Cost of a window and its gradient by the parameters; see `flight_cost`."""
    return jax.value_and_grad(flight_cost)(parameters, window, weights, body, each_segment)
