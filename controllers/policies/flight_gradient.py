"""The gradient of a flight's cost by the weights of the policy that flies it, through the engine's own Jacobians.

JAX differentiates the affine flight `s' = s*' + A (s - s*) + B (u - u*)` with the policy in it, about a flight s* that
an engine has flown (`mothsim.controllers.policies.flight_windows`). It is exact at s* itself: backpropagation through
time with the engine's own slopes. Along the way back the costate of each moth is cut to a bound, since a tumbling
moth's grows without one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.policies.flight_windows import Parameters, Window, policy_answer
from mothsim.controllers.policies.segment_costs import (
    AffineFlight,
    CostWeights,
    arrival_cost,
    leap_costs,
    segment_costs,
)
from mothsim.policy_interface import PolicyTarget, to_control_components

_UNITS = np.array([1.0, 1.0, 0.3, 0.3, 30.0, 30.0, 8.0, 8.0], dtype=np.float32)  # of the state, to weigh a costate
_LARGEST_COSTATE = 3.0


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


@partial(jax.jit, static_argnames=("body", "each_segment"))
def cost_and_gradient(
    parameters: Parameters, window: Window, weights: CostWeights, body: MothBody, each_segment: bool = False
) -> Any:
    """Cost of a window and its gradient by the parameters; see `flight_cost`."""
    return jax.value_and_grad(flight_cost)(parameters, window, weights, body, each_segment)
