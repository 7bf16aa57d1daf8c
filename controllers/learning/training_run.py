"""A training on disk: killed at any moment, it goes on from its last checkpoint and ends in the same bits."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.jax_numerics import training_numerics
from mothsim.controllers.learning.trees import named_leaves, tree_from_leaves
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network, pack, save_network, unpack
from mothsim.io import write_atomically

_SAVE_EVERY = 5.0  # s between checkpoints
_FROM = "trained_from"  # where a network's info has the checksum of the one that its training began with


@dataclass(frozen=True)
class StepProgress:
    """Progress of a training: steps done and in all, and the mean cost of the last hundred."""

    step: int
    steps: int
    cost: float


Callback = Callable[[StepProgress], None]


Train = Callable[[Network, Any, Path | None, Callback | None], Network]
"""A training, as `train_policy` or `refine_policy`: from a network, settings, a checkpoint's file and a callback."""


def run(
    train: Train, network: Network | Callable[[], Network], settings: Any, file: Path, callback: Callback | None = None
) -> Network:
    """Train a network into a file, or go on with what was begun there; a finished one is loaded.

    Args:
        train: the training.
        network: where it begins, or what makes that; then a finished one is taken, whatever it began with.
        settings: of the training.
        file: of the trained one; beside it lies a checkpoint meanwhile.
        callback: called after every step.

    Raises:
        ValueError: the file holds a network of other settings, or trained from another one.
    """
    if file.exists():
        found = load_network(file)
        if found.info.get("training") != as_json(settings):
            raise ValueError(f"{file}: holds a network trained with other settings; choose another folder")
        if isinstance(network, Network) and found.info.get(_FROM) != network.checksum:
            raise ValueError(f"{file}: holds a network trained from another one; choose another folder")
        return found
    checkpoint = file.with_name(f".{file.stem}.progress.safetensors")
    network = network if isinstance(network, Network) else network()
    trained = train(network, settings, checkpoint, callback)
    trained = replace(trained, info={**trained.info, _FROM: network.checksum})
    save_network(trained, file)
    checkpoint.unlink(missing_ok=True)
    return trained


def iterate(
    start: Any,
    advance: Callable[[Any, int], tuple[Any, float]],
    settings: Any,
    checkpoint: Path | None,
    callback: Callback | None,
) -> tuple[Any, NDArray[np.float32]]:
    """Advance a training through its steps, from its checkpoint where there is one.

    Args:
        start: a tree of arrays, the state of the training before its first step.
        advance: gives the state and the cost after a step, from the state before it and the step's number.
        settings: of the training, with its number of `steps`.
        checkpoint: file of the state, written every few seconds.
        callback: called after every step.

    Returns:
        The state after the last step, and the costs (steps,).

    Raises:
        ValueError: the checkpoint is of other settings, or another start, or damaged.
    """
    from threadpoolctl import threadpool_limits

    identity = {"training": as_json(settings), _FROM: _checksum_of(start)}
    state, costs = start, np.empty(0, dtype=np.float32)
    if checkpoint is not None and checkpoint.exists():
        state, costs = _resumed(checkpoint, identity, start)
    saved = time.monotonic()
    # Products by NumPy have other last bits with other numbers of threads, and on a GPU the default has ten bits.
    with training_numerics(), jax.default_matmul_precision("highest"), threadpool_limits(1, user_api="blas"):
        for step in range(len(costs), settings.steps):
            state, cost = advance(state, step)
            costs = np.append(costs, np.float32(cost))
            if callback:
                callback(StepProgress(step + 1, settings.steps, float(costs[-100:].mean())))
            if checkpoint is not None and time.monotonic() - saved > _SAVE_EVERY:
                write_atomically(checkpoint, pack({**named_leaves(state), "costs": costs}, identity))
                saved = time.monotonic()
    return state, costs


def trained_info(network: Network, settings: Any, costs: NDArray[np.float32]) -> dict[str, Any]:
    """What a trained policy's file says of its training, after what was said of the stages before."""
    before = network.info.get("learning_steps", [])
    begun, curve = before[-1] if before else 0, curve_of(costs)
    ends = np.linspace(0, len(costs), len(curve) + 1)[1:]
    return {
        **network.info, "training": as_json(settings),
        "learning_curve": [*network.info.get("learning_curve", [])[: len(before)], *curve],
        "learning_steps": [*before, *(begun + round(end) for end in ends)],
    }  # fmt: skip


def curve_of(costs: NDArray[np.float32]) -> list[float]:
    """Mean costs of every hundred steps, of the costs (steps,)."""
    parts = np.array_split(costs, max(1, len(costs) // 100)) if len(costs) else []
    return [float(f"{part.mean():.4g}") for part in parts]


def as_json(settings: Any) -> dict[str, Any]:
    """Settings as reading them from JSON gives them."""
    return json.loads(json.dumps(asdict(settings)))


def _checksum_of(tree: Any) -> int:
    value = 0
    for leaf in jax.tree.leaves(tree):
        value = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), value)
    return value


def _resumed(file: Path, identity: dict[str, Any], start: Any) -> tuple[Any, NDArray[np.float32]]:
    """State and costs of an interrupted training."""
    tensors, header = unpack(file)
    if header != identity:
        raise ValueError(f"{file}: holds a training with other settings, or from another start; choose another folder")
    return tree_from_leaves(tensors, start), tensors["costs"]
