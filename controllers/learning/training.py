"""Training one network at one level of sparsity, in JAX and optax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from mothsim.controllers.learning.data import Dataset
from mothsim.controllers.learning.protocols import Protocol

CHUNK = 100
"""Training steps of one compiled call, after which early stopping is checked."""
_WINDOW = 500 // CHUNK  # chunks whose mean losses early stopping compares
ADAM = optax.scale_by_adam()
"""Adam without its learning rate (Kingma and Ba 2015)."""

Parameters = tuple[tuple[jax.typing.ArrayLike, ...], tuple[jax.typing.ArrayLike, ...]]


@dataclass
class TrainState:
    """State of a training, from which it resumes to the same bits.

    Attributes:
        weights, biases: of the network.
        optimiser: state of the optax optimiser.
        losses: loss of every batch so far.
    """

    weights: tuple[NDArray, ...]
    biases: tuple[NDArray, ...]
    optimiser: Any
    losses: NDArray[np.float32]


def forward(parameters: Parameters, inputs: jax.typing.ArrayLike) -> jax.Array:
    """Compute scaled outputs (N, 7) from scaled inputs (N, 10)."""
    weights, biases = parameters
    hidden = jnp.asarray(inputs)
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        hidden = jnp.tanh(hidden @ weight + bias)
    return hidden @ weights[-1] + biases[-1]


@lru_cache
def optimiser_of(protocol: Protocol) -> optax.GradientTransformation:
    """Return a protocol's optimiser without its learning rate."""
    if protocol.optimiser == "rmsprop":
        return optax.scale_by_rms(0.9, protocol.epsilon, eps_in_sqrt=False)
    return optax.scale_by_adam(eps=protocol.epsilon)


def init_params(sizes: Sequence[int], protocol: Protocol, seed: np.random.SeedSequence) -> TrainState:
    """Draw initial weights, with zero biases, for layers of these sizes (inputs and outputs included)."""
    rng = np.random.default_rng(seed)
    weights = []
    for layer, (before, after) in enumerate(pairwise(sizes)):
        if protocol.init_std == "glorot":
            drawn = np.sqrt(6 / (before + after)) * rng.uniform(-1, 1, (before, after))
        else:
            init_std = protocol.init_std or (2.0 if layer == 0 else 1.0) / np.sqrt(before)
            drawn = init_std * rng.standard_normal((before, after))
        weights.append(drawn.astype(np.float32))
    biases = tuple(np.zeros(after, dtype=np.float32) for after in sizes[1:])
    return fresh(tuple(weights), biases)


def fresh(weights: tuple[NDArray, ...], biases: tuple[NDArray, ...]) -> TrainState:
    """Return the state of a training that starts from these weights."""
    return TrainState(weights, biases, ADAM.init((weights, biases)), np.empty(0, dtype=np.float32))


def learning_rates(protocol: Protocol, steps: int, connections: int) -> NDArray[np.float32]:
    """Return the learning rate at each step, their number rounded up to whole chunks, for so many weights."""
    count = -(-steps // CHUNK) * CHUNK
    if not protocol.warmup_steps:
        return np.full(count, protocol.peak_learning_rate, dtype=np.float32)
    warmup_steps = min(protocol.warmup_steps, steps // 4)
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, protocol.peak_learning_rate_for(connections), warmup_steps, steps, 1e-6
    )
    return np.asarray(schedule(jnp.arange(count)), dtype=np.float32)


def chunk(
    parameters: Parameters, state: Any, masks: Any, inputs: Any, outputs: Any, start: Any, rates: Any, *,
    batch: int, regrow: bool = False, optimiser: optax.GradientTransformation = ADAM,
) -> tuple[Parameters, Any, jax.Array]:  # fmt: skip
    """Train for `CHUNK` steps; returns parameters, optimiser state and the batch losses (CHUNK,).

    Args:
        parameters: weights and biases; masked weights count as zero.
        state: of the optimiser.
        masks: 1 where a connection is, else 0.
        inputs: scaled (N, 10), of which batches are taken in order.
        outputs: scaled (N, 7), likewise.
        start: number of the first batch.
        rates: of learning (CHUNK,).
        batch: segments a step.
        regrow: masked weights are updated as well (see `pruning.METHODS`), else by what moments of theirs are left.
        optimiser: without its learning rate.
    """
    batches = len(inputs) // batch

    def loss(parameters, x, y):
        return jnp.mean((forward(parameters, x) - y) ** 2)

    def seen(weights):
        return tuple(weight * mask for weight, mask in zip(weights, masks, strict=True))

    def step(carry, now):
        (weights, biases), state = carry
        index, rate = now
        x = jax.lax.dynamic_slice_in_dim(inputs, (index % batches) * batch, batch)
        y = jax.lax.dynamic_slice_in_dim(outputs, (index % batches) * batch, batch)
        value, (slopes, bias_slopes) = jax.value_and_grad(loss)((seen(weights), biases), x, y)
        direction, state = optimiser.update((slopes if regrow else seen(slopes), bias_slopes), state)
        moved = jax.tree.map(lambda now, way: now - rate * way, (weights, biases), direction)
        return (moved, state), value

    (parameters, state), losses = jax.lax.scan(step, (parameters, state), (start + jnp.arange(CHUNK), rates))
    return parameters, state, losses


_compiled_chunk = partial(jax.jit, static_argnames="batch")(chunk)


def train(
    progress: TrainState,
    masks: Sequence[NDArray[np.bool_]],
    data: Dataset,
    protocol: Protocol,
    steps: int,
    *,
    offset: int = 0,
    callback: Callable[[TrainState], None] | None = None,
) -> TrainState:
    """Train from the state `progress` until the protocol ends.

    The data are independent draws, so batches are taken in order, and again from the first.

    Args:
        progress: a fresh or an interrupted training.
        masks: connections that exist; the others stay zero.
        data: scaled training set.
        protocol: hyperparameters.
        steps: maximum number of steps, rounded up to a whole number of chunks.
        offset: number of the first batch.
        callback: called after every chunk.
    """
    connections = int(sum(np.count_nonzero(mask) for mask in masks))
    float_masks = tuple(jnp.asarray(mask, dtype=jnp.float32) for mask in masks)
    parameters = (tuple(map(jnp.asarray, progress.weights)), tuple(map(jnp.asarray, progress.biases)))
    state, losses = progress.optimiser, progress.losses
    inputs, outputs = jnp.asarray(data.inputs), jnp.asarray(data.outputs)
    rates = learning_rates(protocol, steps, connections)
    while len(losses) < steps and not (protocol.stop != "never" and has_stopped(chunk_means(losses))):
        start = jnp.asarray(offset + len(losses))
        now = rates[len(losses) : len(losses) + CHUNK]
        parameters, state, new = _compiled_chunk(
            parameters, state, float_masks, inputs, outputs, start, now, batch=protocol.batch
        )
        losses = np.concatenate([losses, np.asarray(new)])
        progress = TrainState(
            tuple(np.asarray(w * m) for w, m in zip(parameters[0], float_masks, strict=True)),
            tuple(np.asarray(b) for b in parameters[1]),
            state,
            losses,
        )
        if callback:
            callback(progress)
    return progress


def chunk_means(losses: NDArray) -> NDArray:
    """Return the learning curve: the mean of each chunk's batch losses."""
    return losses.reshape(-1, CHUNK).mean(axis=1)


def has_stopped(curve: NDArray, one_sided: bool = False) -> NDArray[np.bool_]:
    """Evaluate Zahn et al.'s criterion of early stopping (...,) on the mean losses of chunks (..., chunks).

    Args:
        curve: mean losses.
        one_sided: as their JAX program: a rise stops too, and nothing does before 1100 batches.
    """
    if curve.shape[-1] < 2 * _WINDOW + one_sided:
        return np.zeros(curve.shape[:-1], dtype=bool)
    last, before = curve[..., -_WINDOW:].mean(axis=-1), curve[..., -2 * _WINDOW : -_WINDOW].mean(axis=-1)
    return before / last < 1.01 if one_sided else np.abs(last - before) <= 0.01 * before


def has_stalled(validation: NDArray, least: float = 0.01, patience: int = 1000 // CHUNK) -> NDArray[np.bool_]:
    """Evaluate Keras's early stopping (...,) on validation losses after each chunk (..., chunks).

    Args:
        validation: losses.
        least: a loss counts as lower only if it is lower than the lowest before by more than this.
        patience: chunks without a lower loss after which training stops.
    """
    lowest, waited = np.full(validation.shape[:-1], np.inf), np.zeros(validation.shape[:-1], dtype=int)
    stalled = np.zeros(validation.shape[:-1], dtype=bool)
    for loss in np.moveaxis(validation, -1, 0):
        lower = loss < lowest - least
        lowest, waited = np.where(lower, loss, lowest), np.where(lower, 0, waited + 1)
        stalled |= waited >= patience
    return stalled
