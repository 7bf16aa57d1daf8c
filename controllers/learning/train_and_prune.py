"""From random weights to a sparse network: dense training, then prune and retrain, level by level.

The folder of a run holds `settings.json`, one network a level (`00.safetensors` is the dense one), and while a
level trains `progress.safetensors`. Killed at any moment, a run goes on from there and ends in the same bits.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np

from mothsim.controllers.learning.data import TESTING, Dataset, make_dataset
from mothsim.controllers.learning.protocols import HIDDEN, Protocol, find_protocol
from mothsim.controllers.learning.pruning import LEVELS, METHODS, effective_connectivity
from mothsim.controllers.learning.training import TrainState, chunk_means, forward, fresh, init_params, train
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network, pack, save_network, unpack
from mothsim.io import write_atomically
from mothsim.segments import INPUTS, OUTPUTS
from mothsim.solver.jax_engine import solver

_SAVE_EVERY = 5.0  # s between writes of an unfinished level
WEIGHTS = 9
"""Stream of the first weights, beside those of the data."""
_TEST_SEGMENTS = 100_000
_TEST_SEED = 2022


@dataclass(frozen=True)
class Settings:
    """All that a run's result depends on.

    Attributes:
        protocol: of training, see `mothsim.controllers.learning.protocols`.
        method: of pruning, `global` or `layerwise`.
        hidden: nodes of the hidden layers.
        levels: sparsities in per cent after the dense network, rising.
        segments: in the training set.
        seed: of data and first weights.
        step_scale: times the protocol's steps; less trains less.
    """

    methods: ClassVar[tuple[str, ...]] = ("global", "layerwise")  # those that need no more than masks once a level

    protocol: str = "cosine"
    method: str = "global"
    hidden: tuple[int, ...] = HIDDEN
    levels: tuple[float, ...] = LEVELS
    segments: int = 4_000_000
    seed: int = 0
    step_scale: float = 1.0

    def __post_init__(self) -> None:
        find_protocol(self.protocol)
        if self.method not in self.methods:
            raise ValueError(f"method = {self.method!r}: expected one of {', '.join(self.methods)}")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden = {self.hidden!r}: expected one or more layers of at least one node")
        if any(not 0 < level < 100 for level in self.levels) or list(self.levels) != sorted(set(self.levels)):
            raise ValueError(f"levels = {self.levels!r}: expected rising percentages between 0 and 100")
        if self.segments < 1000:
            raise ValueError(f"segments = {self.segments!r}: expected 1000 or more")
        if not self.step_scale > 0:
            raise ValueError(f"step_scale = {self.step_scale!r}: expected a number above zero")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Nodes by layer, inputs first."""
        return (len(INPUTS), *self.hidden, len(OUTPUTS))

    def as_dict(self) -> dict[str, Any]:
        """The settings as the files have them, whose first release called the scale of the steps a share."""
        return {"step_share" if key == "step_scale" else key: value for key, value in dataclasses.asdict(self).items()}

    def steps(self, level: float) -> int:
        """Most steps for a level; level 0 is the dense network."""
        protocol = find_protocol(self.protocol)
        return max(1, round((protocol.level_steps if level else protocol.dense_steps) * self.step_scale))


@dataclass(frozen=True)
class TrainProgress:
    """What a run reports as it goes: a level (per cent), its steps so far and at most, and the last loss."""

    level: float
    step: int
    steps: int
    loss: float


def level_file(folder: Path, level: float) -> Path:
    """Where the network of a level (per cent; 0 is dense) is kept."""
    return folder / f"{level:04.1f}.safetensors".replace(".0.", ".")


def run(settings: Settings, folder: Path, callback: Callable[[TrainProgress], None] | None = None) -> list[Path]:
    """Train and prune, or go on with what the folder holds; returns the networks, dense first.

    Raises:
        ValueError: the folder holds a run with other settings, or a damaged file.
    """
    open_run_dir(settings, folder)
    files = [level_file(folder, level) for level in (0, *settings.levels)]
    if all(file.exists() for file in files):
        return files
    protocol = find_protocol(settings.protocol)
    data, tests = draw_data(settings)
    for index, (level, file) in enumerate(zip((0, *settings.levels), files, strict=True)):
        if not file.exists():
            before = load_network(files[index - 1]) if index else None
            network = _train_level(settings, protocol, level, before, data, tests, folder, callback)
            save_network(network, file)
            (folder / "progress.safetensors").unlink(missing_ok=True)
    return files


def draw_data(settings: Settings) -> tuple[Dataset, Dataset]:
    """Segments to train on and, apart from those, to test on; on an accelerator they are solved there."""
    solve = None if jax.default_backend() == "cpu" and find_spec("numba") else solver()
    near_flight = find_protocol(settings.protocol).near_flight
    data = make_dataset(settings.segments, settings.seed, near_flight=near_flight, solver=solve)
    return data, make_dataset(_TEST_SEGMENTS, _TEST_SEED, TESTING, scaling=data.scaling, solver=solve)


def open_run_dir(settings: Settings, folder: Path) -> None:
    """Make the folder this run's, or see that it is.

    Raises:
        ValueError: it holds a run with other settings, or damaged ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "settings.json"
    wanted = json.loads(json.dumps(settings.as_dict()))
    if not file.exists():
        write_atomically(file, json.dumps(wanted, indent=2).encode())
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: damaged ({error}); delete the folder to start again") from None
    if found != wanted:
        other = {key for key in wanted if found.get(key) != wanted[key]}
        raise ValueError(f"{folder}: holds a run with another {', '.join(sorted(other))}; choose another folder")


def _train_level(
    settings: Settings,
    protocol: Protocol,
    level: float,
    before: Network | None,
    data: Dataset,
    tests: Dataset,
    folder: Path,
    callback: Callable[[TrainProgress], None] | None,
) -> Network:
    steps = settings.steps(level)
    if before:
        masks = METHODS[settings.method](before.weights, before.masks, level)
        pruned = tuple(np.where(mask, weight, 0) for mask, weight in zip(masks, before.weights, strict=True))
        start = fresh(pruned, before.biases)
    else:
        start = init_params(settings.sizes, protocol, np.random.SeedSequence([settings.seed, WEIGHTS]))
        masks = [np.ones(weight.shape, dtype=bool) for weight in start.weights]
    file = folder / "progress.safetensors"
    saved = time.monotonic()

    def save(progress: TrainState) -> None:
        nonlocal saved
        if callback:
            callback(TrainProgress(level, len(progress.losses), steps, float(progress.losses[-100:].mean())))
        if time.monotonic() - saved > _SAVE_EVERY:
            write_atomically(file, _packed(progress, level))
            saved = time.monotonic()

    progress = _resumed(file, level, start)
    progress = train(progress, masks, data, protocol, steps, callback=save)
    network = Network(progress.weights, progress.biases, data.scaling)
    info = {
        **{key: value for key, value in settings.as_dict().items() if key != "levels"},
        "level": level,
        "steps": len(progress.losses),
        "test_loss": float(
            np.mean((tests.outputs - np.asarray(forward((network.weights, network.biases), tests.inputs))) ** 2)
        ),
        "dead_outputs": list(effective_connectivity(network.masks).dead_outputs),
        "learning_curve": [float(f"{loss:.4g}") for loss in chunk_means(progress.losses)],
    }
    return dataclasses.replace(network, info=info)


def _packed(progress: TrainState, level: float) -> bytes:
    leaves = jax.tree_util.tree_leaves((progress.weights, progress.biases, progress.optimiser))
    tensors = {f"leaf.{i:03d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
    return pack({**tensors, "losses": progress.losses}, {"level": level})


def _resumed(file: Path, level: float, start: TrainState) -> TrainState:
    """An interrupted training of this level where there is a sound one, else the start."""
    try:
        tensors, header = unpack(file)
    except ValueError:
        return start
    if header.get("level") != level:
        return start
    structure = jax.tree_util.tree_structure((start.weights, start.biases, start.optimiser))
    leaves = [tensors[name] for name in sorted(tensors) if name != "losses"]
    weights, biases, state = jax.tree_util.tree_unflatten(structure, leaves)
    return TrainState(weights, biases, state, tensors["losses"])
