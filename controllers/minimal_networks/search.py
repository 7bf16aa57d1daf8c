"""Search for the fewest weights that meet a requirement, seed by seed, and dense networks for comparison.

The folder of a requirement holds, for each seed, every network that pruning accepted (`surgeon-0/0418.safetensors` has
418 weights), the smallest that also meets it on the validation starts (`surgeon-0/fewest.safetensors`), and the small
dense networks. Killed at any moment, the search goes on and ends in the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from mothsim.controllers.learning import optimal_brain_surgeon
from mothsim.controllers.learning.levenberg_marquardt import RegressionTask, levenberg_marquardt
from mothsim.controllers.learning.protocols import COSINE
from mothsim.controllers.learning.train_and_prune import WEIGHTS
from mothsim.controllers.learning.training import init_params
from mothsim.controllers.minimal_networks.requirements import (
    SELECTION,
    TEST,
    VALIDATION,
    Measures,
    Requirement,
    scaling,
)
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network, save_network
from mothsim.segments import INPUTS, OUTPUTS
from mothsim.tables import Row

_ROUNDS, _AT_A_TIME = 200, 20  # of fitting the first network; so many between writes
_FEWEST = "fewest.safetensors"


def find_minimum(
    requirement: Requirement,
    seed: int,
    folder: Path,
    *,
    removal: str = "surgeon",
    log: Callable[[str], None] | None = None,
) -> Network | None:
    """Prune to the fewest weights of a seed that meet a requirement; `None` where not even the first network does.

    Args:
        requirement: to be met.
        seed: of initial weights and segments.
        folder: of the seed and the removal.
        removal: method of removing weights, one of `optimal_brain_surgeon.REMOVALS`.
        log: called with one line for every network that meets the requirement.
    """
    if not (folder / _FEWEST).exists():
        task, measured = requirement.task(seed), {}

        def meets(network: Network) -> bool:
            measured.update(requirement.measure(network, SELECTION))
            return requirement.met(measured)

        def keep(network: Network) -> None:
            network = replace(network, info={**network.info, "measures": dict(measured)})
            save_network(network, folder / f"{network.connections:04d}.safetensors")
            if log:
                log(
                    f"{requirement.name}, by {removal}, seed {seed}: {network.connections} weights, "
                    f"cost {task.cost(network):.2e}"
                )

        taken = _taken(folder)
        if taken:
            network = load_network(taken[0])
        else:
            network = _first(requirement, requirement.hidden, seed, task, folder.parent / f"first-{seed}")
            if not meets(network):
                return None
            keep(network)
        optimal_brain_surgeon.prune_to_minimum(network, task, meets, removal=removal, callback=keep)
        validated = (
            file
            for file in _taken(folder)
            if requirement.validated(requirement.measure(load_network(file), VALIDATION))
        )
        file = next(validated, None)
        if file is None:
            return None
        save_network(load_network(file), folder / _FEWEST)
    return load_network(folder / _FEWEST)


def train_dense(requirement: Requirement, hidden: tuple[int, ...], seed: int, folder: Path) -> Network:
    """Train a dense network in the same way, without pruning."""
    return _first(
        requirement, hidden, seed, requirement.task(seed), folder / f"dense-{'-'.join(map(str, hidden))}-{seed}"
    )


def describe(
    requirement: Requirement, network: Network, seed: int, removal: str, measures: Measures | None = None
) -> Row:
    """Return a row of the table: how a network was made, and its measures, by default on the test starts."""
    found = requirement.measure(network, TEST) if measures is None else measures
    return {"requirement": requirement.name, "removal": removal, "seed": seed,
            "weights": network.connections, "met": requirement.met(found),
            **found}  # fmt: skip


def path(folder: Path) -> list[Network]:
    """Load the networks that pruning accepted in a seed's folder, the most weights first."""
    return [load_network(file) for file in reversed(_taken(folder))]


def _taken(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]*.safetensors"))


def _first(requirement: Requirement, hidden: tuple[int, ...], seed: int, task: RegressionTask, name: Path) -> Network:
    """Train a network from random weights, and write it every few rounds."""
    file = name.with_suffix(".safetensors")
    network = load_network(file) if file.exists() else _random(requirement, hidden, seed)
    for rounds in range(network.info["rounds"], _ROUNDS, _AT_A_TIME):
        network = levenberg_marquardt(network, task, _AT_A_TIME)
        network = replace(network, info={**network.info, "rounds": rounds + _AT_A_TIME})
        save_network(network, file)
    return network


def _random(requirement: Requirement, hidden: tuple[int, ...], seed: int) -> Network:
    sizes = (len(INPUTS), *hidden, len(OUTPUTS))
    first = init_params(sizes, COSINE, np.random.SeedSequence([seed, WEIGHTS]))
    last = first.weights[-1].copy()
    last[:, requirement.outputs :] = 0
    info = {"requirement": requirement.name, "seed": seed, "rounds": 0}
    return Network((*first.weights[:-1], last), first.biases, scaling(), info)
