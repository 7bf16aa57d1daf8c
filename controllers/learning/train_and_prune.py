"""Train a dense network from random weights, then prune and retrain it, level by level.

The folder of a run holds `settings.json`, one network a level (`00.safetensors` is the dense one), and while a
level trains `progress.safetensors`. Killed at any moment, a run goes on from there and ends in the same bits.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np

from mothsim.body import make_body
from mothsim.controllers.learning.data import TESTING, Dataset, make_dataset, with_noise
from mothsim.controllers.learning.jax_numerics import training_numerics
from mothsim.controllers.learning.protocols import HIDDEN, find_protocol
from mothsim.controllers.learning.pruning import LEVELS, METHODS, effective_connectivity
from mothsim.controllers.learning.run_folder import Log, open_run_dir, plain, require_same
from mothsim.controllers.learning.training import TrainState, chunk_means, forward, fresh, init_params, train
from mothsim.controllers.learning.trees import named_leaves, tree_from_leaves
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import level_file, load_network, save_network
from mothsim.controllers.networks.tensor_file import DamagedFileError, pack, unpack
from mothsim.io import write_atomically
from mothsim.segments import INPUTS, output_names
from mothsim.solver.jax_engine import solver

_PROGRESS = "progress.safetensors"
_BODY = "zahn2022"
_SAVE_EVERY = 5.0  # s between writes of an unfinished level
WEIGHTS = 9
"""Random stream of the initial weights, apart from those of the data."""
TEST_SEGMENTS, TEST_SEED = 100_000, 2022
"""Of the segments that every network is tested on."""


@dataclass(frozen=True)
class Settings:
    """Everything that the result of a run depends on.

    Attributes:
        protocol: of training, see `mothsim.controllers.learning.protocols`.
        method: of pruning, `global` or `layerwise`; by default the protocol's own.
        hidden: nodes of the hidden layers.
        levels: sparsities in per cent after the dense network, rising.
        segments: in the training set.
        seed: of data and initial weights.
        step_scale: factor on the protocol's numbers of steps.
        body: of the moth, by name; one with a wing torque has it among the network's outputs.
        input_noise: standard deviation of noise on the inputs in training, in parts of each input's range.

    Raises:
        ValueError: an unknown name, a number out of range, or a level that would leave a layer without a connection.
    """

    # Those that need no more than masks once a level, and one network's own losses.
    methods: ClassVar[tuple[str, ...]] = ("global", "layerwise")
    stops: ClassVar[tuple[str, ...]] = ("never", "network")

    protocol: str = "cosine"
    method: str = ""
    hidden: tuple[int, ...] = HIDDEN
    levels: tuple[float, ...] = LEVELS
    segments: int = 4_000_000
    seed: int = 0
    step_scale: float = 1.0
    body: str = field(default=_BODY, kw_only=True)
    input_noise: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        make_body(self.body)
        protocol = find_protocol(self.protocol)
        if protocol.stop not in self.stops:
            raise ValueError(f"protocol = {self.protocol!r}: expected one of a single network, such as 'cosine'")
        if not self.method:
            object.__setattr__(self, "method", protocol.method)
        if self.method not in self.methods:
            raise ValueError(f"method = {self.method!r}: expected one of {', '.join(self.methods)}")
        if not self.hidden:
            raise ValueError(f"hidden = {self.hidden!r}: expected one layer or more")
        self._set_whole("hidden", *self.hidden, least=1)
        self._set_whole("segments", self.segments, least=max(1000, round(protocol.batch / (1 - protocol.validation))))
        self._set_whole("seed", self.seed, least=0)
        if not (math.isfinite(self.step_scale) and self.step_scale > 0):
            raise ValueError(f"step_scale = {self.step_scale!r}: expected a finite number above zero")
        if not (math.isfinite(self.input_noise) and self.input_noise >= 0):
            raise ValueError(f"input_noise = {self.input_noise!r}: expected a finite number from 0 on")
        if any(not 0 < level < 100 for level in self.levels) or list(self.levels) != sorted(set(self.levels)):
            raise ValueError(f"levels = {self.levels!r}: expected rising percentages between 0 and 100")
        for level in self.levels:
            try:
                METHODS[self.method].keep(self.layer_weights, level)
            except ValueError as error:
                raise ValueError(f"levels = {self.levels!r}: {error}") from None

    def _set_whole(self, name: str, *values: Any, least: int) -> None:
        """Check a field of whole numbers, and keep it as Python's own."""
        try:
            whole = tuple(operator.index(value) for value in values)
        except TypeError:
            whole = ()
        given = getattr(self, name)
        if not whole or min(whole) < least:
            raise ValueError(f"{name} = {given!r}: expected whole numbers from {least} on")
        object.__setattr__(self, name, whole if isinstance(given, Sequence) else whole[0])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Nodes by layer, inputs first."""
        return (len(INPUTS), *self.hidden, len(output_names(make_body(self.body))))

    @property
    def layer_weights(self) -> list[int]:
        """Number of weights of each layer when dense."""
        return [before * after for before, after in pairwise(self.sizes)]

    def as_dict(self) -> dict[str, Any]:
        """Return the settings by their names in files, without the usual body and no noise."""
        fields = dataclasses.asdict(self)
        for name, usual in (("body", _BODY), ("input_noise", 0.0)):
            if fields[name] == usual:  # files of before there were others do not hold it
                del fields[name]
        return {"step_share" if key == "step_scale" else key: value for key, value in fields.items()}

    def steps(self, level: float) -> int:
        """Return the greatest number of training steps for a level; level 0 is the dense network."""
        protocol = find_protocol(self.protocol)
        return max(1, round((protocol.level_steps if level else protocol.dense_steps) * self.step_scale))


@dataclass(frozen=True)
class TrainProgress:
    """Progress of a run.

    Attributes:
        level: that is being trained, per cent.
        step, steps: of the level so far, and at most.
        loss: mean training loss of the last 100 batches, scaled.
    """

    level: float
    step: int
    steps: int
    loss: float


@training_numerics()
def run(
    settings: Settings,
    folder: Path,
    callback: Callable[[TrainProgress], None] | None = None,
    log: Log | None = None,
) -> list[Path]:
    """Train and prune, or go on with what the folder holds; returns the networks' files, dense first.

    Args:
        settings: of the run.
        folder: where its files are kept.
        callback: called after every chunk of steps.
        log: called with one line for every damaged file; the run goes on from the level before.

    Raises:
        ValueError: the folder holds a run with other settings, or a network that was not made with these.
    """
    open_run_dir(settings.as_dict(), folder, log)
    levels = (0, *settings.levels)
    files = [level_file(folder, level) for level in levels]
    before, done = None, 0
    for level, file in zip(levels, files, strict=True):
        network = _kept(settings, level, file, log)
        if network is None:
            break
        before, done = network, done + 1
    if done < len(levels):
        data, tests = draw_data(settings)
        for level, file in zip(levels[done:], files[done:], strict=True):
            before = _train_level(settings, level, before, data, tests, folder, callback)
            save_network(before, file)
            (folder / _PROGRESS).unlink(missing_ok=True)
    return files


def _kept(settings: Settings, level: float, file: Path, log: Log | None) -> Network | None:
    """Return the network of a level where the folder holds it, sound and made with these settings."""
    if not file.exists():
        return None
    try:
        network = load_network(file)
    except DamagedFileError as error:
        if log:
            log(f"{error}; going on from the level before")
        return None
    require_same(file, {**network.info, "sizes": network.sizes}, _made_with(settings, level))
    return network


def _made_with(settings: Settings, level: float) -> dict[str, Any]:
    """Return what the header of a level's network says of how it was made; a dense one does not depend on pruning."""
    unused = ("levels",) if level else ("levels", "method")
    kept = {key: value for key, value in settings.as_dict().items() if key not in unused}
    return {**kept, "level": level, "sizes": settings.sizes}


def draw_data(settings: Settings) -> tuple[Dataset, Dataset]:
    """Draw and solve the training and the test segments, on an accelerator where JAX has one."""
    body = make_body(settings.body)
    solve = None if jax.default_backend() == "cpu" and find_spec("numba") else solver(body)
    near_flight = find_protocol(settings.protocol).near_flight
    data = make_dataset(settings.segments, settings.seed, near_flight=near_flight, body=body, solver=solve)
    if settings.input_noise:
        data = with_noise(data, settings.input_noise, settings.seed)
    return data, make_dataset(TEST_SEGMENTS, TEST_SEED, TESTING, scaling=data.scaling, body=body, solver=solve)


def _train_level(
    settings: Settings,
    level: float,
    before: Network | None,
    data: Dataset,
    tests: Dataset,
    folder: Path,
    callback: Callable[[TrainProgress], None] | None,
) -> Network:
    protocol, steps = find_protocol(settings.protocol), settings.steps(level)
    if before:
        masks = METHODS[settings.method](before.weights, before.masks, level)
        pruned = tuple(np.where(mask, weight, 0) for mask, weight in zip(masks, before.weights, strict=True))
        start = fresh(pruned, before.biases)
    else:
        start = init_params(settings.sizes, protocol, np.random.SeedSequence([settings.seed, WEIGHTS]))
        masks = [np.ones(weight.shape, dtype=bool) for weight in start.weights]
    file, header = folder / _PROGRESS, plain(_made_with(settings, level))
    saved = time.monotonic()

    def save(progress: TrainState) -> None:
        nonlocal saved
        if callback:
            callback(TrainProgress(level, len(progress.losses), steps, float(progress.losses[-100:].mean())))
        if time.monotonic() - saved > _SAVE_EVERY:
            write_atomically(file, _packed(progress, header))
            saved = time.monotonic()

    progress = _resumed(file, header, start)
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


def _packed(progress: TrainState, header: dict[str, Any]) -> bytes:
    return pack({**named_leaves(_trained(progress)), "losses": progress.losses}, header)


def _resumed(file: Path, header: dict[str, Any], start: TrainState) -> TrainState:
    """Return an interrupted training where the file holds a sound one of this level and run, else the start."""
    try:
        tensors, found = unpack(file)
        weights, biases, optimiser = tree_from_leaves(tensors, _trained(start))
    except ValueError:
        return start
    if found != header or "losses" not in tensors:
        return start
    return TrainState(weights, biases, optimiser, tensors["losses"])


def _trained(progress: TrainState) -> Any:
    return progress.weights, progress.biases, progress.optimiser
