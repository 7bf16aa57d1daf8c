"""How the cost of flights curves with a policy's parameters: its Gauss-Newton matrix, through the engine's Jacobians.

The cost is a sum of squares about the flight that was flown (Schraudolph 2002, Neural Computation), so the matrix is
the mean of J'J over the flights, J a flight's squared quantities by the parameters. J itself has some thousand rows a
flight. Its rows are added up with random signs, a few times over, before they are formed: that leaves the mean of J'J
as it is (Hutchinson 1990, Communications in Statistics), and each such sum is one pass back through the flight.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.flight_gradient import affine_flight
from mothsim.controllers.policies.flight_windows import Parameters, Window
from mothsim.controllers.policies.moth_by_moth import moth_by_moth
from mothsim.controllers.policies.segment_costs import (
    FAR,
    SPIN_UNIT,
    AffineFlight,
    CostWeights,
    leap_forces,
    segment_costs,
    spin_excess,
    swing_price,
    tilt_and_bend,
)

SQUARES = 12
"""Squares of a segment's cost: position (2), outputs (3) and their changes (3), angular rates (2), tilt and bend."""

_SUMS = 32  # of a flight's rows


def live_parameters(network: Network) -> NDArray[np.intp]:
    """Where the connections that are left, layer by layer, and then the biases lie among all parameters flattened."""
    parts, first = [], 0
    for weight, bias in zip(network.weights, network.biases, strict=True):
        parts.append((first + np.flatnonzero(weight), first + weight.size + np.arange(bias.size)))
        first += weight.size + bias.size
    return np.concatenate([weights for weights, _ in parts] + [biases for _, biases in parts])


def gauss_newton_matrix(
    network: Network, window: Window, weights: CostWeights, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Gauss-Newton matrix (P, P) of the mean cost of a window's segments, each counting by itself, see `flight_cost`.

    Args:
        network: the policy that flew the window, by whose `parameters` it is.
        window: the flights.
        weights: of the cost.
        rng: of signs.
    """
    segments, moths = window.components.shape[:2]
    signs = random_signs(rng, moths, _SUMS, segments)
    parameters = network.layers
    live = live_parameters(network)
    rows = signed_sums(parameters, window, weights, signs, MothBody())
    return np.asarray(mean_square(rows, segments))[np.ix_(live, live)]


def random_signs(rng: np.random.Generator, moths: int, sums: int, segments: int) -> NDArray[np.float32]:
    """Signs (B, K, T, 12) by which the rows of B moths' flights are added up, K times over."""
    return rng.choice(np.array([-1, 1], np.float32), (moths, sums, segments, SQUARES))


@partial(jax.jit, static_argnames=("body",))
def signed_sums(parameters: Parameters, window: Window, weights: CostWeights, signs: Any, body: MothBody) -> Any:
    """Derivatives (B, K, P) by all parameters of what is squared in each moth's cost, added up with signs.

    Args:
        parameters: of the policy that flew the window.
        window: the flights of B moths in T segments.
        weights: of the cost.
        signs: (B, K, T, 12) factors of the K sums.
        body: the nominal one.
    """

    def squared(parameters: Parameters, moth: Window) -> Any:
        return _squared(affine_flight(parameters, moth, body, lambda state: state), moth, weights, body)

    return sums_of_rows(squared, parameters, window, signs)


def sums_of_rows(squared: Callable[[Parameters, Any], Any], parameters: Parameters, window: Any, signs: Any) -> Any:
    """Derivatives (B, K, P) of each moth's rows, added up with signs.

    Args:
        squared: gives the rows (T, 1, 12) of a window of one moth, by the parameters.
        parameters: of the policy that flew the window.
        window: the flights of B moths in T segments.
        signs: (B, K, T, 12) factors of the K sums.
    """
    flat, unravel = ravel_pytree(parameters)

    def sums(flat: Any, moth: Any, signs: Any) -> Any:
        _, back = jax.vjp(lambda flat: squared(unravel(flat), moth)[:, 0], flat)
        return jax.vmap(lambda sign: back(sign)[0])(signs)

    return moth_by_moth(sums, flat, window, each=(signs,))


@jax.jit
def mean_square(rows: Any, segments: int) -> Any:
    """Matrix (P, P) of sums (B, K, P) of rows; by JAX, as NumPy's rounds otherwise with another number of threads."""
    rows = rows.reshape(-1, rows.shape[-1])
    return rows.T @ rows / (len(rows) * segments)


def _squared(flight: AffineFlight, window: Window, weights: CostWeights, body: MothBody) -> Any:
    """The rows (T, B, 12) of flights, those of leaps among them."""
    sound = jnp.sqrt(window.sound)[:, None]
    leap = jnp.concatenate([flight.states[..., :2], leap_forces(flight, body) * jnp.sqrt(weights.ease)], axis=-1)
    leap *= jnp.sqrt(2 * weights.leap)
    leap = jnp.pad(leap, ((0, 0), (0, 0), (0, SQUARES - leap.shape[-1])))
    return sound * jnp.where(
        window.leaping[:, None] > 0, leap, squared_rows(flight, window.goals, weights, window.slack, window.unhurried)
    )


def squared_rows(flight: AffineFlight, goals: Any, weights: CostWeights, slack: Any = 0.0, unhurried: Any = 0.0) -> Any:
    """Quantities (T, B, 12) whose squares curve as the cost does, by the parameters about the flight that was flown."""
    flown = jax.lax.stop_gradient(flight)
    share = 1 / (weights.calm + segment_costs(flown, goals, weights, slack, unhurried)) + weights.large
    force = weights.effort + weights.patience * jnp.broadcast_to(unhurried, share.shape)
    price = jnp.stack([force, force, jnp.full_like(force, weights.effort + weights.torque)], axis=-1)
    # The root of the slope of the bounded price by the price itself.
    swings = 1 / (1 + 2 * swing_price(flown, weights) / weights.huber) ** 0.25
    near = jnp.sqrt(distance_curvature(flown, goals, weights, slack))[..., None]
    thetadot, phidot = flight.states[..., 6], flight.states[..., 7]
    excess = spin_excess(flown)
    spins = jnp.where(excess > 0, jnp.sqrt(weights.spin) / (1 + excess**2) ** 0.25 / SPIN_UNIT, 0.0)
    rate = jnp.sqrt(2 * weights.rate / 25) * swings
    parts = (
        flight.states[..., :2] * near,
        flight.outputs * jnp.sqrt(2 * price),
        flight.changes * jnp.sqrt(2 * weights.change),
        jnp.stack([thetadot * jnp.hypot(rate, spins), (phidot - thetadot) * rate], axis=-1),
        jnp.stack(tilt_and_bend(flight), axis=-1) * jnp.sqrt(weights.posture) * swings[..., None],
    )
    return jnp.concatenate(parts, axis=-1) * jnp.sqrt(share)[..., None]


def distance_curvature(flight: AffineFlight, goals: Any, weights: CostWeights, slack: Any = 0.0) -> Any:
    """Curvature (T, B) of the cost of distance about flights, as if its error were squared."""
    square, precision = ((flight.states[..., :2] - goals) ** 2).sum(axis=-1), weights.precision + slack
    root = jnp.sqrt(square + precision**2)
    return 1 / (root * (1 + (root - precision) / FAR) ** 2)
