"""The gradient of disturbed flights' cost by the weights of a policy with memory: through delay, noise and memory.

What the policy estimates of the response to its outputs is taken as it was flown: no gradient goes through it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mothsim.body import MothBody
from mothsim.controllers.policies.disturbed_flights import DisturbedWindow
from mothsim.controllers.policies.flight_gradient import bounded_costate
from mothsim.controllers.policies.flight_windows import Parameters, forward
from mothsim.controllers.policies.policy_in_flight import upright
from mothsim.controllers.policies.segment_costs import AffineFlight, CostWeights, arrival_cost, segment_costs
from mothsim.policy_interface import to_control_components
from mothsim.policy_memory import recall, remember
from mothsim.response_estimate import RESPONSES
from mothsim.solver.propagate import SEGMENT

_LOST = 25.0  # what a segment counts for after a moth is lost: little enough that chance losses do not rule a step


def disturbed_cost(parameters: Parameters, window: DisturbedWindow, weights: CostWeights, body: MothBody) -> Any:
    """Cost of a window's flights, as a function of the parameters about the flights that were flown.

    As `mothsim.controllers.policies.flight_gradient.flight_cost`, through delay, noise and memory.
    """
    flight = affine_disturbed_flight(parameters, window, body)
    costs = segment_costs(flight, window.targets[1:], weights)
    arrival = weights.arrival * arrival_cost(flight.states[-1], window.velocities[-1], math.pi / 2)
    flights = _flight_costs(costs.mean(axis=0) + arrival, weights)
    return (flights * window.sound).sum() / len(window.sound)


def cost_until_lost(parameters: Parameters, window: DisturbedWindow, weights: CostWeights, body: MothBody) -> Any:
    """Mean cost of a window's flights, each counted until its moth is lost, with no bound on its gradient.

    Args:
        parameters: of the policy.
        weights: of the cost.
        body: the nominal one.
        window: flown `until_lost`, see `mothsim.controllers.policies.disturbed_flights.fly_on`.
    """
    flight = affine_disturbed_flight(parameters, window, body, lambda state: state)
    costs = segment_costs(flight, window.targets[1:], weights)
    return _flight_costs((costs * window.sound).mean(axis=0), weights).mean()


def cost_by_segments(parameters: Parameters, window: DisturbedWindow, weights: CostWeights, body: MothBody) -> Any:
    """Cost (B,) of each flight, flown `until_lost`, every segment by itself, with no bound on its gradient."""
    flight = affine_disturbed_flight(parameters, window, body, lambda state: state)
    costs = _flight_costs(segment_costs(flight, window.targets[1:], weights), weights)
    return jnp.where(window.sound > 0, costs, _LOST).mean(axis=0)


def _flight_costs(costs: Any, weights: CostWeights) -> Any:
    """What costs (...) count for, of segments or of whole flights."""
    return jnp.log1p(costs / weights.calm) + weights.large * costs


def affine_disturbed_flight(
    parameters: Parameters, window: DisturbedWindow, body: MothBody, bound: Callable[[Any], Any] = bounded_costate
) -> AffineFlight:
    """As `mothsim.controllers.policies.flight_gradient.affine_flight`, through delay, noise and memory."""
    flown = (window.states[:-1], window.states[1:], window.components, window.by_state, window.by_components)
    shown = (window.targets[:-1], window.velocities[:-1], window.ahead)

    def segment(carry: Any, inputs: Any) -> Any:
        state, past, memory = carry
        start, end, components, by_state, by_components, position, velocity, ahead, noise, observed = inputs
        state = bound(state)
        target = upright(position, velocity, ahead, body)
        sensed = window.shares[:, :1] * state + jnp.einsum("bk,kbi->bi", window.shares[:, 1:], past) + noise
        seen, memory = recall(sensed, target, memory, SEGMENT, jnp, observed[:, -RESPONSES:])
        outputs = forward(parameters, seen)
        asked = to_control_components(outputs, target.trims, body, jnp)
        memory = remember(memory, asked, target.trims, jnp)
        after = end + jnp.einsum("bij,bj->bi", by_state, state - start)
        after = after + jnp.einsum("bij,bj->bi", by_components, asked - components)
        return (after, jnp.concatenate([state[None], past[:-1]]), memory), (after, outputs)

    carry = (window.states[0], window.past, window.memory)
    _, (states, outputs) = jax.lax.scan(segment, carry, (*flown, *shown, window.noise, window.record))
    changes = outputs - jnp.concatenate([window.memory.outputs[None, :, 0], outputs[:-1]])
    postures = upright(window.targets[0], window.velocities[0], window.ahead[0], body).postures
    return AffineFlight(states, outputs, changes, postures)


disturbed_cost_and_gradient = partial(jax.jit, static_argnames=("body",))(jax.value_and_grad(disturbed_cost))
