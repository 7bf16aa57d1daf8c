"""Pruning policies with memory, by what their connections are worth in flight.

What a connection carries, and what the flights lose without it, is measured on flights after random targets, disturbed
as the policy is trained for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.learning.sparsifying import sparsify
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.disturbed_flights import DisturbedWindow, begin, fly_on
from mothsim.controllers.policies.disturbed_gradient import disturbed_cost
from mothsim.controllers.policies.disturbed_scenarios import Disturbed, draw_scenario
from mothsim.controllers.policies.flight_curvature import live_parameters
from mothsim.controllers.policies.flight_windows import Parameters
from mothsim.controllers.policies.moth_by_moth import moth_by_moth
from mothsim.controllers.policies.policy_in_flight import PolicyInFlight
from mothsim.controllers.policies.robust_training import RobustSettings
from mothsim.controllers.policies.segment_costs import CostWeights

_WINDOWS = 8  # of flights, over which is measured
_DAMPING = 0.01  # of the mean diagonal of the second moments, whose rank is below the number of parameters


def prune_to(network: Network, pruning: str, keep: int, settings: RobustSettings, seed: int) -> Network:
    """The policy by `mothsim.controllers.learning.sparsifying.sparsify`.

    Spreads are those in flight. In place of the Hessian the surgeon has the second moments of the flights' gradients
    (Singh and Alistarh 2020, NeurIPS).

    Args:
        network: a policy with memory.
        pruning: one of `mothsim.controllers.learning.sparsifying.PRUNINGS`.
        keep: connections that may stay.
        settings: of the policy's training, whose flights and cost define what a connection is worth.
        seed: of the flights.

    Raises:
        ValueError: an unknown pruning, no connection to keep, or a policy without memory.
    """
    if not network.has_memory:
        raise ValueError(f"network has {network.sizes[0]} inputs: expected a policy with memory")
    spreads = partial(input_spreads, settings=settings, seed=seed)
    return sparsify(network, pruning, keep, spreads, partial(gradient_moments, settings=settings, seed=seed))


def input_spreads(network: Network, settings: RobustSettings, seed: int) -> list[NDArray[np.float64]]:
    """Standard deviations (n,) in flight of what each layer is given: of the observation, and of the hidden nodes."""
    layers: list[list[Any]] = [[] for _ in network.weights]
    for window in _windows(network, settings, seed):
        shown = window.record[:, window.sound > 0].reshape(-1, window.record.shape[-1])
        if len(shown):
            for i, (weight, bias) in enumerate(network.layers):
                layers[i].append(shown)
                shown = np.tanh(shown @ weight + bias)
    return [np.concatenate(each).astype(np.float64).std(axis=0) for each in layers]


def gradient_moments(network: Network, settings: RobustSettings, seed: int) -> NDArray[np.float64]:
    """Second moments (P, P), damped, of the gradients of single flights' cost by the policy's parameters.

    The parameters are in the order of `mothsim.controllers.learning.levenberg_marquardt.parameters`.
    """
    weights = CostWeights(precision=np.float32(settings.precision), **settings.weights)
    live = live_parameters(network)
    gradients = []
    for window in _windows(network, settings, seed):
        parts = jax.tree.leaves(_gradients(network.layers, window, weights, MothBody()))
        flat = np.concatenate([np.asarray(part).reshape(len(part), -1) for part in parts], axis=1)
        gradients.append(flat[np.isfinite(flat).all(axis=1)][:, live])
    rows = np.concatenate(gradients).astype(np.float64)
    matrix = rows.T @ rows / max(1, len(rows))
    return matrix + _DAMPING * np.diag(matrix).mean() * np.eye(len(live))


def _windows(network: Network, settings: RobustSettings, seed: int) -> Iterator[DisturbedWindow]:
    """Windows of flights as they are trained with, all disturbances there, each begun anew."""
    for i in range(_WINDOWS // 2):
        scenarios = [
            draw_scenario(seed, group, i, settings.moths, settings.segments, settings.violence,
                        settings.bobbing, 1.0, Disturbed(**settings.disturbed))
            for group in range(settings.groups)
        ]  # fmt: skip
        policy, rng = PolicyInFlight(network.layers, MothBody()), np.random.default_rng([seed, i])
        flights = begin(scenarios, policy)
        for first in (0, settings.segments):
            firsts = np.full(len(scenarios), first)
            window, flights = fly_on(policy, flights, scenarios, firsts, settings.segments, rng)
            yield window


@partial(jax.jit, static_argnames=("body",))
def _gradients(parameters: Parameters, window: DisturbedWindow, weights: CostWeights, body: MothBody) -> Any:
    """Gradients of the cost of each moth's flight, moths first."""
    return moth_by_moth(jax.grad(disturbed_cost), parameters, window, weights, body)
