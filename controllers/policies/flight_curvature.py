"""How the cost of flights curves with a policy's parameters: its Gauss-Newton matrix, through the engine's Jacobians.

The derivatives of the states by all parameters go forward along the flight, `S' = A S + B (U + K S)`, with the engine's
Jacobians A and B of every segment and the policy's own, U by its parameters and K by the state. The cost is a sum of
squares about the flight that was flown (Schraudolph 2002, Neural Computation), so the matrix is that of the squares'
derivatives. To form it at a sixth of the price, the squares of a segment's end are added with random signs first, which
leaves its mean as it is.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.flight_gradient import (
    CostWeights,
    Parameters,
    Window,
    distance_curvature,
    policy_answer,
    segment_cost,
)
from mothsim.policy_interface import PolicyTarget, to_control_components

SQUARES = 9
"""Squares of a segment's cost: position (2), outputs (3), angular rates (2), tilt and bend."""


def live_parameters(network: Network) -> NDArray[np.intp]:
    """Where the connections that are left, layer by layer, and then the biases lie among all parameters flattened."""
    parts, first = [], 0
    for weight, bias in zip(network.weights, network.biases, strict=True):
        parts.append((first + np.flatnonzero(weight), first + weight.size + np.arange(bias.size)))
        first += weight.size + bias.size
    return np.concatenate([weights for weights, _ in parts] + [biases for _, biases in parts])


@partial(jax.jit, static_argnames=("body",))
def gauss_newton_matrix(
    parameters: Parameters, live: Any, window: Window, weights: CostWeights, signs: Any, body: MothBody
) -> Any:
    """Gauss-Newton matrix (P, P) of the mean cost of a window's segments, each counting by itself, see `flight_cost`.

    Args:
        parameters: of the policy that flew the window.
        live: (P,) places of the parameters by which to derive, see `live_parameters`.
        window: the flights of B moths in T segments.
        weights: of the cost.
        signs: (T, B, 9) random, of one and minus one.
        body: that flew.
    """
    flat, unravel = ravel_pytree(parameters)

    def answer(moved: Any, state: Any, *motion: Any) -> Any:
        target = PolicyTarget(*(each[None] for each in motion))
        outputs = policy_answer(unravel(flat.at[live].add(moved)), state[None], target)
        return outputs[0], to_control_components(outputs, target.trims, body, jnp)[0]

    axes = (None, 0, *(0 for _ in PolicyTarget._fields))
    derive = jax.vmap(jax.jacrev(answer, argnums=(0, 1)), in_axes=axes)
    outputs_of = jax.vmap(answer, in_axes=axes)

    def segment(carry: Any, inputs: Any) -> Any:
        slopes, matrix = carry
        start, end, by_state, by_components, goal, sign, *motion = inputs
        motion = (*motion, window.postures, window.trims)
        (outputs_by, outputs_at), (components_by, components_at) = derive(still, start, *motion)
        outputs_by += outputs_at @ slopes
        components_by += components_at @ slopes
        slopes = by_state @ slopes + by_components @ components_by
        outputs, _ = outputs_of(still, start, *motion)
        squares = _squares(slopes, outputs_by, end, goal, outputs, window, weights)
        rows = jnp.einsum("bk,bkp->bp", sign, squares)
        return (slopes, matrix + rows.T @ rows), None

    moths, count = len(window.sound), len(live)
    still = jnp.zeros(count)
    along = (window.states[:-1], window.states[1:], window.by_state, window.by_components, window.targets[1:], signs)
    shown = (window.targets[:-1], window.velocities[:-1], window.ahead)
    start = (jnp.zeros((moths, 8, count)), jnp.zeros((count, count)))
    (_, matrix), _ = jax.lax.scan(segment, start, (*along, *shown))
    return matrix / (moths * len(signs))


def _squares(
    slopes: Any, outputs_by: Any, end: Any, goal: Any, outputs: Any, window: Window, weights: CostWeights
) -> Any:
    """Derivatives (B, 9, P) of what is squared in a segment's cost, by the parameters."""
    cost = segment_cost(end, goal, outputs, jnp.zeros_like(outputs), weights, window.postures)
    share = window.sound * (1 / (weights.calm + cost) + weights.large)
    price = weights.effort + jnp.array([0.0, 0.0, weights.torque])
    thetadot, phidot = slopes[:, 6], slopes[:, 7]
    tilt, bend = slopes[:, 2], slopes[:, 3] - slopes[:, 2]
    parts = (
        slopes[:, :2] * jnp.sqrt(distance_curvature(end, goal, weights))[:, None, None],
        outputs_by * jnp.sqrt(2 * price)[:, None],
        jnp.stack([thetadot, phidot - thetadot], axis=1) * jnp.sqrt(2 * weights.rate / 25),
        jnp.stack([tilt, bend], axis=1) * jnp.sqrt(weights.posture),
    )
    return jnp.concatenate(parts, axis=1) * jnp.sqrt(share)[:, None, None]
