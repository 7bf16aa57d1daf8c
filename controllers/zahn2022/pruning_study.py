"""Train and prune many networks side by side, as one batched program, for statistics as in Zahn et al. 2022.

The networks of a study differ by their initial weights alone, which are drawn from the seed and the network's index;
all see the same batches. A network's result does not depend on the others, unless the protocol stops all of them
together; on an accelerator this holds up to the rounding of batched matrix products. The folder of a study holds
`settings.json`, `versions.json`, one checkpoint a level (`00.safetensors` has the dense networks) and `networks.csv`,
see `mothsim.controllers.zahn2022.loss_table`. Killed at any moment, a study goes on in the middle of a level, from
where it stood within the last minute, and, on the CPU, ends in the same bits.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mothsim.controllers.learning.data import Dataset
from mothsim.controllers.learning.jax_numerics import training_numerics
from mothsim.controllers.learning.protocols import Protocol, find_protocol
from mothsim.controllers.learning.pruning import METHODS, PruningMethod
from mothsim.controllers.learning.run_folder import Log, open_run_dir
from mothsim.controllers.learning.train_and_prune import WEIGHTS, TrainProgress, draw_data
from mothsim.controllers.learning.training import (
    CHUNK,
    chunk,
    forward,
    has_stalled,
    has_stopped,
    init_params,
    learning_rates,
    optimiser_of,
)
from mothsim.controllers.networks.ensemble import Ensemble, Level, save_level
from mothsim.controllers.networks.storage import level_file
from mothsim.controllers.zahn2022.level_progress import PROGRESS, LevelProgress, ProgressFile, Writer
from mothsim.controllers.zahn2022.loss_table import TABLE, Row, describe
from mothsim.controllers.zahn2022.study_files import StudySettings, made_with, sound_levels
from mothsim.io import write_atomically
from mothsim.tables import write_table

_PACKAGES = ("mothsim", "numpy", "jax", "jaxlib", "optax")


@training_numerics()
def run(
    settings: StudySettings,
    folder: Path,
    callback: Callable[[TrainProgress], None] | None = None,
    log: Log | None = None,
) -> list[Path]:
    """Train and prune, or go on with what the folder holds; returns the levels' checkpoints, dense first.

    Args:
        settings: of the study.
        folder: where its files are kept.
        callback: called after every chunk of steps.
        log: called with one line for every damaged file; the study goes on from the level before.

    Raises:
        ValueError: the folder holds a study with other settings, or a checkpoint that was not made with these.
    """
    open_run_dir(settings.as_dict(), folder, log)
    if not (folder / "versions.json").exists():
        write_atomically(folder / "versions.json", json.dumps(_versions(), indent=2).encode())
    levels = (0, *settings.levels)
    files = [level_file(folder, level) for level in levels]
    rows: list[Row] = []
    before = None
    for before in sound_levels(folder, settings, log):
        rows += describe(before.percent, before.ensemble)
    done = len(rows) // settings.networks
    if before and find_protocol(settings.protocol).carry_optimiser and not before.ensemble.optimiser:
        if log:
            log(f"{folder}: of its last sound level the optimiser's state is not kept; beginning anew")
        before, done, rows = None, 0, []
    if done < len(levels):
        data, tests = draw_data(settings)
        with Writer() as writer:
            for percent in levels[done:]:
                made = {**made_with(settings, percent), "level": percent}
                kept_file = ProgressFile(folder / PROGRESS, made, writer)
                ensemble = _train_level(settings, percent, before, data, tests, kept_file, callback)
                level = Level(percent, ensemble, data.scaling, made_with(settings, percent))
                rows = rows + describe(percent, ensemble)
                writer(_keep, folder, before, level, rows)
                before = level
    write_table(rows, folder / TABLE)
    return files


def _keep(folder: Path, before: Level | None, level: Level, rows: list[Row]) -> None:
    """Write a level and the table, and let go of the optimiser's state, two thirds of a file, in the level before."""
    save_level(level, level_file(folder, level.percent))
    (folder / PROGRESS).unlink(missing_ok=True)
    write_table(rows, folder / TABLE)
    if before and before.ensemble.optimiser:
        light = replace(before, ensemble=replace(before.ensemble, optimiser=()))
        save_level(light, level_file(folder, before.percent))


def _train_level(
    settings: StudySettings,
    percent: float,
    before: Level | None,
    data: Dataset,
    tests: Dataset,
    kept_file: ProgressFile,
    callback: Callable[[TrainProgress], None] | None,
) -> Ensemble:
    protocol, method = find_protocol(settings.protocol), METHODS[settings.method]
    left = round(sum(settings.layer_weights) * (1 - percent / 100))
    rates = learning_rates(protocol, settings.steps(percent), left).reshape(-1, CHUNK)
    at = _start(settings, before, len(rates))
    at = at.resumed(kept_file.file, kept_file.made_with, partial(_spread, networks=settings.networks))
    trained_on = round(len(data.inputs) * (1 - protocol.validation))
    inputs, outputs = _copied((data.inputs[:trained_on], data.outputs[:trained_on]), settings.networks)
    held = jnp.asarray(data.inputs[trained_on:]), jnp.asarray(data.outputs[trained_on:])
    epoch = max(1, trained_on // protocol.batch // CHUNK)  # chunks a pass through the data
    while at.chunks < len(rates) and at.running.any():
        i = at.chunks
        wanted = method.percent_at(before.percent if before else 0.0, percent, (i + 1) / len(rates))
        if wanted != at.sparsity or (method.zeroed and percent and i % epoch == 0):
            _prune(settings, at, wanted, before)
        at.parameters, at.optimiser, losses = _advance(
            at.parameters, at.optimiser, jax.tree.map(jnp.ones_like, at.masks) if method.zeroed else at.masks,
            at.running, inputs, outputs, i * CHUNK, rates[i],
            batch=protocol.batch, regrow=method.regrow, optimiser=optimiser_of(protocol),
            fused=_fused_epsilon(settings),
        )  # fmt: skip
        at.curve[at.running, i] = np.asarray(losses)[at.running]
        at.steps[at.running] += CHUNK
        if protocol.validation:
            at.validation[:, i] = _losses(
                (_tested_weights(method, at.parameters[0], at.masks), at.parameters[1]), *held
            )
        if callback:
            callback(TrainProgress(percent, (i + 1) * CHUNK, len(rates) * CHUNK, float(np.nanmedian(losses))))
        at.running &= np.isfinite(losses)
        at.running &= ~_stops(
            protocol, at.curve[:, at.reached : i + 1], at.validation[:, at.reached : i + 1], at.running
        )
        at.chunks += 1
        kept_file.save(at)
    return _finished(settings, percent, at, tests)


def _prune(settings: StudySettings, at: LevelProgress, percent: float, before: Level | None) -> None:
    """Prune the networks to a sparsity; those of a level's start by the weights of the level before."""
    method = METHODS[settings.method]
    weights = before.ensemble.weights if before and not at.chunks else at.parameters[0]
    keep = jnp.asarray(method.keep(settings.layer_weights, percent))
    at.masks = _revised_masks(weights, at.masks, keep, settings.method)
    at.sparsity = percent
    if method.zeroed:
        at.parameters = (_visible(at.parameters[0], at.masks), at.parameters[1])
    else:
        at.reached = at.chunks


def _finished(settings: StudySettings, percent: float, at: LevelProgress, tests: Dataset) -> Ensemble:
    """Test the networks of a level and return what is kept of them."""
    protocol, method = find_protocol(settings.protocol), METHODS[settings.method]
    weights, biases = at.parameters
    losses = _losses((_tested_weights(method, weights, at.masks), biases), tests.inputs, tests.outputs)
    masks = at.masks
    if method.zeroed and percent:
        keep = jnp.asarray(method.keep(settings.layer_weights, percent))
        masks = _revised_masks(weights, masks, keep, settings.method)
    kept = weights if method.keeps_pruned else _visible(weights, masks)
    kept, biases, masks = jax.tree.map(np.asarray, (kept, biases, masks))
    moments = tuple(map(np.asarray, jax.tree.leaves(at.optimiser))) if protocol.carry_optimiser else ()
    return Ensemble(kept, biases, masks, at.curve, at.steps, np.asarray(losses), moments)


def _start(settings: StudySettings, before: Level | None, chunks: int) -> LevelProgress:
    """Return the state with which a level of so many chunks at most begins."""
    protocol = find_protocol(settings.protocol)
    if before and not settings.rewind:
        weights, biases = before.ensemble.weights, before.ensemble.biases
    else:
        weights, biases = _first_weights(settings)
    masks = before.ensemble.masks if before else tuple(np.ones(weight.shape, dtype=bool) for weight in weights)
    parameters, masks = _spread(((weights, biases), masks), settings.networks)
    state = jax.vmap(optimiser_of(protocol).init)(parameters)
    if before and protocol.carry_optimiser:
        state = _spread(jax.tree.unflatten(jax.tree.structure(state), before.ensemble.optimiser), settings.networks)
    curve = np.full((settings.networks, chunks), np.nan, dtype=np.float32)
    running, steps = np.ones(settings.networks, dtype=bool), np.zeros(settings.networks, dtype=np.int64)
    sparsity = before.percent if before else 0.0
    return LevelProgress(parameters, masks, state, running, steps, curve, np.full_like(curve, np.nan), 0, 0, sparsity)


def _stops(protocol: Protocol, curve: Any, validation: Any, running: Any) -> Any:
    """Which networks (N,) stop now, by their losses so far (N, chunks)."""
    if protocol.stop == "network":
        return has_stopped(curve)
    if protocol.stop == "validation":
        return has_stalled(validation)
    if protocol.stop == "never" or not running.any():
        return np.zeros_like(running)
    mean = curve[running].mean(axis=0)
    return np.full_like(running, has_stopped(mean, one_sided=protocol.stop == "group-one-sided"))


def _visible(weights: Any, masks: Any) -> Any:
    """Weights with those that are pruned set to zero."""
    return tuple(jnp.where(mask, weight, 0) for weight, mask in zip(weights, masks, strict=True))


def _tested_weights(method: PruningMethod, weights: Any, masks: Any) -> Any:
    """Weights by which a network is measured: with those that came back, where training masks none."""
    return weights if method.zeroed else _visible(weights, masks)


def _fused_epsilon(settings: StudySettings) -> float | None:
    """Adam's epsilon where a GPU trains by kernels that do all that is done to a weight at once, else `None`."""
    protocol = find_protocol(settings.protocol)
    if jax.default_backend() != "gpu" or protocol.optimiser != "adam" or METHODS[settings.method].regrow:
        return None
    try:
        from mothsim.controllers.learning.fused_training import fits
    except ImportError:  # older JAX has not, later JAX may not have this way of writing kernels
        return None

    return protocol.epsilon if fits(protocol.batch, settings.sizes) else None


@partial(jax.jit, static_argnames=("batch", "regrow", "optimiser", "fused"))
def _advance(
    parameters, state, masks, running, inputs, outputs, start, rates, *, batch: int, regrow: bool, optimiser, fused
):
    """A chunk of steps of every network that runs, the others stay; returns the mean losses (N,) too."""
    go_on = partial(chunk, batch=batch, regrow=regrow, optimiser=optimiser)

    def advance(networks, *data):
        def one(network):
            parameters, state, masks, runs = network

            def stay():
                return parameters, state, jnp.full(CHUNK, jnp.nan, rates.dtype)

            *new, losses = jax.lax.cond(runs, lambda: go_on(parameters, state, masks, *data), stay)
            return *new, losses.mean()

        if fused is not None:
            parameters, state, masks, runs = networks
            from mothsim.controllers.learning.fused_training import fused_chunk

            *new, losses = fused_chunk(parameters, state, masks, *data, batch=batch, epsilon=fused)
            kept = jax.tree.map(partial(_where, runs), new, [parameters, state])
            return *kept, losses.mean(axis=1)
        # One after the other, a network has a core's caches to itself, and costs nothing once it has stopped; an
        # accelerator is filled only by all at once.
        return jax.lax.map(one, networks) if jax.default_backend() == "cpu" else jax.vmap(one)(networks)

    spread, shared = PartitionSpec("network"), PartitionSpec()
    share = jax.shard_map(
        advance, mesh=_mesh(len(running)), in_specs=(spread, *[shared] * 4), out_specs=spread, check_vma=False
    )
    return share((parameters, state, masks, running), inputs, outputs, start, rates)


def _where(runs, new, old):
    return jnp.where(runs.reshape(-1, *[1] * (new.ndim - 1)), new, old)


@partial(jax.jit, static_argnames="method")
def _revised_masks(weights, masks, keep, method: str):
    return tuple(jax.vmap(METHODS[method].masks, in_axes=(0, 0, None))(weights, masks, keep))


@jax.jit
def _losses(parameters, inputs, outputs):
    """Mean squared error of each network (N,), one after the other, since all at once may not fit."""
    return jax.lax.map(lambda one: jnp.mean((forward(one, inputs) - outputs) ** 2), parameters)


def _first_weights(settings: StudySettings) -> tuple[Any, Any]:
    """Weights and biases of all the networks, each from its own stream."""
    protocol = find_protocol(settings.protocol)
    seeds = [np.random.SeedSequence([settings.seed, WEIGHTS, index]) for index in range(settings.networks)]
    every = [init_params(settings.sizes, protocol, seed) for seed in seeds]
    return jax.tree.map(lambda *parts: np.stack(parts), *[(first.weights, first.biases) for first in every])


def _mesh(networks: int) -> Mesh:
    """As many devices as share the networks out evenly."""
    devices = jax.devices()
    return Mesh(np.array(devices[: math.gcd(len(devices), networks)]), ("network",))


def _spread(tree: Any, networks: int) -> Any:
    """Arrays with the networks shared out over the devices."""
    return jax.device_put(tree, NamedSharding(_mesh(networks), PartitionSpec("network")))


def _copied(tree: Any, networks: int) -> Any:
    """Arrays that every device holds wholly."""
    return jax.device_put(tree, NamedSharding(_mesh(networks), PartitionSpec()))


def _versions() -> dict[str, str]:
    """What the study's bits may depend on beside its settings."""
    packages = {package: version(package) for package in _PACKAGES}
    return {"python": platform.python_version(), **packages, "device": jax.devices()[0].device_kind}
