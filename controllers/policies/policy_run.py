"""A policy's training on disk: killed at any moment, it goes on from its last checkpoint and ends in the same bits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network, pack, save_network, unpack
from mothsim.io import write_atomically

_SAVE_EVERY = 5.0  # s between checkpoints


@dataclass(frozen=True)
class PolicyProgress:
    """Progress of a training: steps done and in all, and the mean cost of the last hundred."""

    step: int
    steps: int
    cost: float


Callback = Callable[[PolicyProgress], None]


Train = Callable[[Network, Any, Path | None, Callback | None], Network]
"""A training, as `train_policy` or `refine_policy`: from a network, settings, a checkpoint's file and a callback."""


def run(train: Train, network: Network, settings: Any, file: Path, callback: Callback | None = None) -> Network:
    """Train a policy into a file, or go on with what was begun there; a finished one is loaded.

    Args:
        train: the training.
        network: where it begins.
        settings: of the training.
        file: of the policy; beside it lies a checkpoint while it is trained.
        callback: called after every step.

    Raises:
        ValueError: the file holds a policy of other settings.
    """
    if file.exists():
        found = load_network(file)
        if found.info.get("training") != as_json(settings):
            raise ValueError(f"{file}: holds a policy trained with other settings; choose another folder")
        return found
    checkpoint = file.with_name(f".{file.stem}.progress.safetensors")
    trained = train(network, settings, checkpoint, callback)
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
        ValueError: the checkpoint is of other settings, or damaged.
    """
    state, costs = start, np.empty(0, dtype=np.float32)
    if checkpoint is not None:
        state, costs = _resumed(checkpoint, settings, (state, costs))
    saved = time.monotonic()
    for step in range(len(costs), settings.steps):
        with jax.default_matmul_precision("highest"):  # a GPU's default would round to ten bits
            state, cost = advance(state, step)
        costs = np.append(costs, np.float32(cost))
        if callback:
            callback(PolicyProgress(step + 1, settings.steps, float(costs[-100:].mean())))
        if checkpoint is not None and time.monotonic() - saved > _SAVE_EVERY:
            write_atomically(checkpoint, _packed(settings, (state, costs)))
            saved = time.monotonic()
    return state, costs


def trained_info(network: Network, settings: Any, costs: NDArray[np.float32]) -> dict[str, Any]:
    """What a trained policy's file says of its training."""
    before = network.info.get("learning_curve", [])
    return {**network.info, "training": as_json(settings), "learning_curve": [*before, *curve_of(costs)]}


def curve_of(costs: NDArray[np.float32]) -> list[float]:
    """Mean costs of every hundred steps, of the costs (steps,)."""
    parts = np.array_split(costs, max(1, len(costs) // 100)) if len(costs) else []
    return [float(f"{part.mean():.4g}") for part in parts]


def as_json(settings: Any) -> dict[str, Any]:
    """Settings as reading them from JSON gives them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}


def _packed(settings: Any, state: Any) -> bytes:
    leaves = jax.tree.leaves(state)
    tensors = {f"leaf.{i:03d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
    return pack(tensors, {"training": as_json(settings)})


def _resumed(file: Path, settings: Any, start: Any) -> Any:
    """The state of an interrupted training, or where there is none the start."""
    if not file.exists():
        return start
    tensors, header = unpack(file)
    if header.get("training") != as_json(settings):
        raise ValueError(f"{file}: holds a training with other settings; choose another folder")
    return jax.tree.unflatten(jax.tree.structure(start), [tensors[name] for name in sorted(tensors)])
