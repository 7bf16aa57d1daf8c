"""Descent of a policy's parameters by an optimiser, in which connections that are pruned stay so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
import optax

from mothsim.controllers.learning.training_run import Callback, iterate, trained_info
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.flight_windows import Parameters

Gradient = Callable[[Parameters, Any, int], tuple[tuple[Any, Any], Any]]
"""From the parameters, the flights under way and a step's number: cost, its gradient, and the flights after it."""


def descend(
    network: Network, optimiser: optax.GradientTransformation, gradient: Gradient, settings: Any, flights: Any = (), *,
    checkpoint: Path | None = None, callback: Callback | None = None,
) -> Network:  # fmt: skip
    """Train a policy by an optimiser; zero weights stay zero, and a step whose gradient is not finite is left out.

    Args:
        network: where to begin.
        optimiser: of optax.
        gradient: of a step.
        settings: of the training, with its number of `steps`.
        flights: under way before the first step, a tree of arrays; none where every step flies its own.
        checkpoint: file from which an interrupted training goes on.
        callback: called after every step.

    Raises:
        ValueError: the checkpoint is of other settings, or damaged.
    """
    masks = [np.asarray(weight != 0, np.float32) for weight in network.weights]
    update = jax.jit(optimiser.update)

    def advance(state: Any, step: int) -> tuple[Any, float]:
        parameters, moments, flights = state
        (cost, slopes), flights = gradient(parameters, flights, step)
        slopes = tuple((w * mask, b) for (w, b), mask in zip(slopes, masks, strict=True))
        if np.isfinite(float(optax.global_norm(slopes))):
            change, moments = update(slopes, moments, parameters)
            change = tuple((w * mask, b) for (w, b), mask in zip(change, masks, strict=True))
            parameters = cast(Parameters, optax.apply_updates(parameters, change))
        return (parameters, moments, flights), float(cost)

    first: Parameters = network.layers
    start = (first, optimiser.init(first), flights)
    (parameters, *_), costs = iterate(start, advance, settings, checkpoint, callback)
    weights = tuple(np.asarray(w, np.float32) * m for (w, _), m in zip(parameters, masks, strict=True))
    biases = tuple(np.asarray(b, np.float32) for _, b in parameters)
    return Network(weights, biases, network.scaling, trained_info(network, settings, costs), "policy")
