"""Training one network at one level of sparsity, in JAX and optax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from controllers.learning.dataset import Dataset
from controllers.learning.protocols import Protocol

CHUNK = 100
"""Steps a compiled call; early stopping looks after each."""
_WINDOW = 500  # batches whose mean losses early stopping compares
_PATIENCE = 1000  # batches before it may stop

Parameters = tuple[tuple[jax.typing.ArrayLike, ...], tuple[jax.typing.ArrayLike, ...]]


@dataclass
class Progress:
    """Where a training stands: what it needs to go on in the same bits.

    Attributes:
        weights, biases: the network now.
        optimiser: the optimiser's state, as optax made it.
        losses: of every batch so far.
    """

    weights: tuple[NDArray, ...]
    biases: tuple[NDArray, ...]
    optimiser: Any
    losses: NDArray[np.float32]


def forward(parameters: Parameters, inputs: jax.typing.ArrayLike) -> jax.Array:
    """Scaled outputs (N, 7) for scaled inputs (N, 10)."""
    weights, biases = parameters
    hidden = jnp.asarray(inputs)
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        hidden = jnp.tanh(hidden @ weight + bias)
    return hidden @ weights[-1] + biases[-1]


def first_parameters(sizes: Sequence[int], protocol: Protocol, seed: np.random.SeedSequence, steps: int) -> Progress:
    """Random weights and zero biases for layers of these sizes (inputs and outputs included)."""
    rng = np.random.default_rng(seed)
    weights = []
    for layer, (before, after) in enumerate(pairwise(sizes)):
        spread = protocol.spread or (2.0 if layer == 0 else 1.0) / np.sqrt(before)
        weights.append((spread * rng.standard_normal((before, after))).astype(np.float32))
    biases = tuple(np.zeros(after, dtype=np.float32) for after in sizes[1:])
    return fresh(tuple(weights), biases, protocol, steps)


def fresh(weights: tuple[NDArray, ...], biases: tuple[NDArray, ...], protocol: Protocol, steps: int) -> Progress:
    """A training that starts from these weights."""
    state = optimiser(protocol, steps, 1).init((weights, biases))
    return Progress(weights, biases, state, np.empty(0, dtype=np.float32))


def optimiser(protocol: Protocol, steps: int, connections: int) -> optax.GradientTransformation:
    """Adam with the protocol's learning rate over so many steps, for so many weights."""
    if not protocol.warm_up:
        return optax.adam(protocol.peak)
    warm_up = min(protocol.warm_up, steps // 4)
    peak = protocol.peak_for(connections)
    return optax.adam(optax.warmup_cosine_decay_schedule(0.0, peak, warm_up, steps, 1e-6))


@partial(jax.jit, static_argnames=("protocol", "steps", "connections"))
def _chunk(parameters, state, masks, inputs, outputs, start, protocol: Protocol, steps: int, connections: int):
    """`CHUNK` steps of training; returns parameters, optimiser state and the batch losses."""
    update = optimiser(protocol, steps, connections).update
    batches = len(inputs) // protocol.batch

    def loss(parameters, x, y):
        weights, biases = parameters
        masked = tuple(weight * mask for weight, mask in zip(weights, masks, strict=True))
        return jnp.mean((forward((masked, biases), x) - y) ** 2)

    def step(carry, index):
        parameters, state = carry
        first = (index % batches) * protocol.batch
        x = jax.lax.dynamic_slice_in_dim(inputs, first, protocol.batch)
        y = jax.lax.dynamic_slice_in_dim(outputs, first, protocol.batch)
        value, gradient = jax.value_and_grad(loss)(parameters, x, y)
        change, state = update(gradient, state, parameters)
        return (optax.apply_updates(parameters, change), state), value

    (parameters, state), losses = jax.lax.scan(step, (parameters, state), start + jnp.arange(CHUNK))
    return parameters, state, losses


def train(
    progress: Progress,
    masks: Sequence[NDArray[np.bool_]],
    data: Dataset,
    protocol: Protocol,
    steps: int,
    *,
    offset: int = 0,
    watch: Callable[[Progress], None] | None = None,
) -> Progress:
    """Train until the protocol's end, from wherever `progress` stands.

    The data are independent draws, so batches are taken in order, around and around.

    Args:
        progress: a fresh or an interrupted training.
        masks: connections that exist; the others stay zero.
        data: scaled.
        protocol: how.
        steps: most steps, rounded up to a whole number of chunks.
        offset: the first batch.
        watch: called after every chunk.
    """
    connections = int(sum(np.count_nonzero(mask) for mask in masks))
    float_masks = tuple(jnp.asarray(mask, dtype=jnp.float32) for mask in masks)
    parameters = (tuple(map(jnp.asarray, progress.weights)), tuple(map(jnp.asarray, progress.biases)))
    state, losses = progress.optimiser, progress.losses
    inputs, outputs = jnp.asarray(data.inputs), jnp.asarray(data.outputs)
    while len(losses) < steps and not (protocol.early_stop and has_stopped(losses)):
        start = jnp.asarray(offset + len(losses))
        parameters, state, new = _chunk(
            parameters, state, float_masks, inputs, outputs, start, protocol, steps, connections
        )
        losses = np.concatenate([losses, np.asarray(new)])
        progress = Progress(
            tuple(np.asarray(w * m) for w, m in zip(parameters[0], float_masks, strict=True)),
            tuple(np.asarray(b) for b in parameters[1]),
            state,
            losses,
        )
        if watch:
            watch(progress)
    return progress


def has_stopped(losses: NDArray) -> bool:
    """Zahn et al.'s early stopping, on the batch losses so far."""
    if len(losses) < _PATIENCE:
        return False
    last, before = losses[-_WINDOW:].mean(), losses[-2 * _WINDOW : -_WINDOW].mean()
    return bool(abs(last - before) <= 0.01 * before)
