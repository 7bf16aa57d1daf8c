"""Training policies by the gradient through the flight: windows of random flights, Adam, a falling learning rate.

Every step draws its moths, targets and starts from the seed and its own number, so a run that is killed goes on from
its last checkpoint in the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
import optax
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.learning.flight_gradient import CostWeights, Parameters, cost_and_gradient, fly_window
from mothsim.controllers.learning.policy_targets import draw_starts, draw_targets
from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.networks.storage import load_network, pack, save_network, unpack
from mothsim.io import write_atomically
from mothsim.policy_interface import ENTRIES, OUTPUT_ENTRIES

_SAVE_EVERY = 5.0  # s between checkpoints
_OUTPUTS = len(OUTPUT_ENTRIES)
_FIRST_SHARE = 0.1  # of the steps, flown in short windows from calmer starts


@dataclass(frozen=True)
class PolicySettings:
    """All that a trained policy depends on.

    Attributes:
        hidden: nodes of the hidden layers; none is a linear policy.
        steps: of the optimiser.
        moths: flown side by side a step.
        segments: of a window; a quarter of it in the first tenth of the steps.
        learning_rate: of Adam, falling along a cosine to a hundredth of it.
        violence: starts are up to so many times as far off as those of `recover`.
        precision: cm, see `CostWeights`; it falls from ten times this over the first six tenths of the steps.
        weights: of the cost.
        seed: of first weights, targets and starts.
        refining: whether this goes on with a policy that flies: starts are as violent from the first step on,
            windows as long, `precision` is constant, and each segment counts by itself, see `flight_cost`.
    """

    hidden: tuple[int, ...] = (32, 32)
    steps: int = 1500
    moths: int = 128
    segments: int = 40
    learning_rate: float = 5e-3
    violence: float = 2.0
    precision: float = 0.01
    weights: dict[str, float] = field(default_factory=lambda: {"effort": 1e-3})
    seed: int = 0
    refining: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "moths", "segments"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)!r}: expected 1 or more")
        for name in ("learning_rate", "violence", "precision"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} = {getattr(self, name)!r}: expected a finite number above zero")
        if self.seed < 0:
            raise ValueError(f"seed = {self.seed!r}: expected 0 or more")
        if any(nodes < 1 for nodes in self.hidden):
            raise ValueError(f"hidden = {self.hidden!r}: expected layers of at least one node")


@dataclass(frozen=True)
class PolicyProgress:
    """What a training reports: steps done and wanted, and the mean cost of the last hundred."""

    step: int
    steps: int
    cost: float


def init_policy(settings: PolicySettings) -> Network:
    """A policy with random weights that hardly acts: outputs a tenth as large as its hidden layers would give."""
    rng = np.random.default_rng(settings.seed)
    sizes = (len(ENTRIES), *settings.hidden, _OUTPUTS)
    gains = [*(1.0 for _ in settings.hidden), 0.1]
    weights = tuple(
        (gain / np.sqrt(before) * rng.normal(size=(before, after))).astype(np.float32)
        for gain, (before, after) in zip(gains, pairwise(sizes), strict=True)
    )
    biases = tuple(np.zeros(after, dtype=np.float32) for after in sizes[1:])
    return Network(weights, biases, Scaling.identity(sizes[0], _OUTPUTS), kind="policy")


def train_policy(
    network: Network,
    settings: PolicySettings,
    checkpoint: Path | None = None,
    callback: Callable[[PolicyProgress], None] | None = None,
) -> Network:
    """Train a policy; connections that are pruned, that is zero, stay so.

    Args:
        network: where to begin.
        settings: of the training.
        checkpoint: file from which an interrupted training goes on.
        callback: called after every step.

    Raises:
        ValueError: the checkpoint is of other settings, or damaged.
    """
    masks = [np.asarray(weight != 0, np.float32) for weight in network.weights]
    rate = optax.cosine_decay_schedule(settings.learning_rate, settings.steps, 0.01)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate, b2=0.99))
    parameters: Parameters = tuple(zip(network.weights, network.biases, strict=True))
    state, costs = optimiser.init(parameters), np.empty(0, dtype=np.float32)
    if checkpoint is not None:
        parameters, state, costs = _resumed(checkpoint, settings, (parameters, state, costs))
    update = jax.jit(optimiser.update)
    saved = time.monotonic()
    for step in range(len(costs), settings.steps):
        cost, gradient = _gradient(parameters, settings, step)
        gradient = tuple((w * mask, b) for (w, b), mask in zip(gradient, masks, strict=True))
        if np.isfinite(float(optax.global_norm(gradient))):
            change, state = update(gradient, state, parameters)
            parameters = cast(Parameters, optax.apply_updates(parameters, change))
        costs = np.append(costs, np.float32(cost))
        if callback:
            callback(PolicyProgress(step + 1, settings.steps, float(costs[-100:].mean())))
        if checkpoint is not None and time.monotonic() - saved > _SAVE_EVERY:
            write_atomically(checkpoint, _packed(settings, (parameters, state, costs)))
            saved = time.monotonic()
    weights = tuple(np.asarray(w, np.float32) * m for (w, _), m in zip(parameters, masks, strict=True))
    info = {**network.info, "training": _plain(settings), "learning_curve": _curve(costs)}
    return Network(weights, tuple(np.asarray(b, np.float32) for _, b in parameters), network.scaling, info, "policy")


def run(
    settings: PolicySettings,
    file: Path,
    callback: Callable[[PolicyProgress], None] | None = None,
    start: Network | None = None,
) -> Network:
    """Train a policy into a file, or go on with what was begun there; a finished one is loaded.

    Args:
        settings: of the training.
        file: of the policy; beside it lies a checkpoint while it is trained.
        callback: called after every step.
        start: a policy to go on with, by default random weights.

    Raises:
        ValueError: the file holds a policy of other settings.
    """
    if file.exists():
        network = load_network(file)
        if network.info.get("training") != _plain(settings):
            raise ValueError(f"{file}: holds a policy trained with other settings; choose another folder")
        return network
    checkpoint = file.with_name(f".{file.stem}.progress.safetensors")
    network = train_policy(start or init_policy(settings), settings, checkpoint, callback)
    save_network(network, file)
    checkpoint.unlink(missing_ok=True)
    return network


def _gradient(parameters: Parameters, settings: PolicySettings, step: int) -> Any:
    """Cost and gradient of a step's window."""
    rng = np.random.default_rng([settings.seed, step])
    done = step / settings.steps
    first = done < _FIRST_SHARE and not settings.refining
    segments = max(1, settings.segments // 2) if first else settings.segments
    violence = settings.violence * (0.2 if first else 1.0 if settings.refining else min(1.0, 0.5 + done))
    positions, velocities = draw_targets(rng, settings.moths, segments)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], violence)
    window = fly_window(parameters, starts, positions, velocities, MothBody())
    precision = settings.precision * (1.0 if settings.refining else 10.0 ** max(0.0, 1 - done / 0.6))
    weights = CostWeights(precision=np.float32(precision), **settings.weights)
    return cost_and_gradient(parameters, window, weights, MothBody(), settings.refining)


def _plain(settings: PolicySettings) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}


def _curve(costs: NDArray[np.float32]) -> list[float]:
    """Mean costs of every hundred steps, or of all where there are fewer."""
    parts = np.array_split(costs, max(1, len(costs) // 100)) if len(costs) else []
    return [float(f"{part.mean():.4g}") for part in parts]


def _packed(settings: PolicySettings, state: Any) -> bytes:
    leaves = jax.tree_util.tree_leaves(state)
    tensors = {f"leaf.{i:03d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
    return pack(tensors, {"training": _plain(settings)})


def _resumed(file: Path, settings: PolicySettings, start: Any) -> Any:
    """The state of an interrupted training, or where there is none the start."""
    if not file.exists():
        return start
    tensors, header = unpack(file)
    if header.get("training") != _plain(settings):
        raise ValueError(f"{file}: holds a training with other settings; choose another folder")
    structure = jax.tree_util.tree_structure(start)
    return jax.tree_util.tree_unflatten(structure, [tensors[name] for name in sorted(tensors)])
