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
    last, costs = _segment_costs(parameters, window, weights, body, bounded_costate)
    count = window.sound.shape[0]
    arrival = weights.arrival * arrival_cost(last, window.velocities[-1], np.full(count, math.pi / 2))
    flights = _flight_costs(costs.mean(axis=0) + arrival, weights)
    return (flights * window.sound).sum() / count


def cost_until_lost(parameters: Parameters, window: DisturbedWindow, weights: CostWeights, body: MothBody) -> Any:
    """Mean cost of a window's flights, each counted until its moth is lost, with no bound on its gradient.

    Args:
        parameters: of the policy.
        weights: of the cost.
        body: the nominal one.
        window: flown `until_lost`, see `mothsim.controllers.policies.disturbed_flights.fly_on`.
    """
    _, costs = _segment_costs(parameters, window, weights, body, lambda state: state)
    return _flight_costs((costs * window.sound).mean(axis=0), weights).mean()


def _flight_costs(costs: Any, weights: CostWeights) -> Any:
    """What flights count for by the means of their segments' costs (B,)."""
    return jnp.log1p(costs / weights.calm) + weights.large * costs


def _segment_costs(
    parameters: Parameters, window: DisturbedWindow, weights: CostWeights, body: MothBody,
    bound: Callable[[Any], Any],
) -> tuple[Any, Any]:  # fmt: skip
    """States (B, 8) at a window's end and the costs (T, B) of its segments; `bound` is applied to every state."""
    flown = (window.states[:-1], window.states[1:], window.components, window.by_state, window.by_components)
    shown = (window.targets[:-1], window.velocities[:-1], window.ahead, window.targets[1:])

    def segment(carry: Any, inputs: Any) -> Any:
        state, past, memory, before = carry
        start, end, components, by_state, by_components, position, velocity, ahead, goal, noise, response = inputs
        state = bound(state)
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

    carry = (window.states[0], window.past, window.memory, window.memory.outputs[:, 0])
    (last, *_), costs = jax.lax.scan(segment, carry, (*flown, *shown, window.noise, window.record))
    return last, costs


disturbed_cost_and_gradient = partial(jax.jit, static_argnames=("body",))(jax.value_and_grad(disturbed_cost))


def moth_by_moth(cost: Callable[..., Any], parameters: Any, window: DisturbedWindow, *others: Any) -> Any:
    """What a function of parameters and a window, such as a cost's gradient, gives for each moth's flight, moths first.

    Args:
        cost: of parameters, a window and `others`.
        parameters: of the policy.
        window: of B moths.
        others: further arguments.
    """
    axes: Any = [_moth_axis(name, window) for name in DisturbedWindow._fields]

    def one(moth: DisturbedWindow) -> Any:
        parts = zip(moth, axes, strict=True)
        alone = [jax.tree.map(partial(jnp.expand_dims, axis=axis), part) for part, axis in parts]
        return cost(parameters, DisturbedWindow(*alone), *others)

    return jax.vmap(one, in_axes=(DisturbedWindow(*axes),))(window)


def _moth_axis(name: str, window: DisturbedWindow) -> int:
    """Which axis of an array of a window has the moths."""
    return 0 if name in ("shares", "memory") or (name == "sound" and window.sound.ndim == 1) else 1
