"""The gradient of disturbed flights' cost by the weights of a policy with memory: through delay, noise and memory.

What the policy estimates of the response to its outputs is taken as it was flown: no gradient goes through it.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.policies.disturbed_flights import DisturbedWindow
from mothsim.controllers.policies.flight_gradient import (
    CostWeights,
    Parameters,
    arrival_cost,
    bounded_costate,
    forward,
    segment_cost,
)
from mothsim.controllers.policies.policy_in_flight import upright
from mothsim.policy_interface import to_control_components
from mothsim.policy_memory import recall, remember
from mothsim.solver.propagate import SEGMENT


def disturbed_cost(parameters: Parameters, window: DisturbedWindow, weights: CostWeights, body: MothBody) -> Any:
    """Cost of a window's flights, as a function of the parameters about the flights that were flown.

    As `mothsim.controllers.policies.flight_gradient.flight_cost`, through delay, noise and memory.
    """
    flown = (window.states[:-1], window.states[1:], window.components, window.by_state, window.by_components)
    shown = (window.targets[:-1], window.velocities[:-1], window.ahead, window.targets[1:])

    def segment(carry: Any, inputs: Any) -> Any:
        state, past, memory, before = carry
        start, end, components, by_state, by_components, position, velocity, ahead, goal, noise, response = inputs
        state = bounded_costate(state)
        target = upright(position, velocity, ahead, body)
        sensed = window.shares[:, :1] * state + jnp.einsum("bk,kbi->bi", window.shares[:, 1:], past) + noise
        seen, memory = recall(sensed, target, memory, SEGMENT, jnp, response)
        outputs = forward(parameters, seen)
        asked = to_control_components(outputs, target.trims, body, jnp)
        memory = remember(memory, asked, target.trims, jnp)
        after = end + jnp.einsum("bij,bj->bi", by_state, state - start)
        after = after + jnp.einsum("bij,bj->bi", by_components, asked - components)
        cost = segment_cost(after, goal, outputs, outputs - before, weights, target.postures)
        return (after, jnp.concatenate([state[None], past[:-1]]), memory, outputs), cost

    count = window.sound.shape[0]
    carry = (window.states[0], window.past, window.memory, window.memory.outputs[:, 0])
    (last, *_), costs = jax.lax.scan(segment, carry, (*flown, *shown, window.noise, window.record))
    arrival = weights.arrival * arrival_cost(last, window.velocities[-1], np.full(count, math.pi / 2))
    cost = costs.mean(axis=0) + arrival
    flights = jnp.log1p(cost / weights.calm) + weights.large * cost
    return (flights * window.sound).sum() / count


disturbed_cost_and_gradient = partial(jax.jit, static_argnames=("body",))(jax.value_and_grad(disturbed_cost))
