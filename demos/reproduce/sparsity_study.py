"""Networks trained with disturbances and without, pruned level by level, flown, and compared with small dense ones.

What the studies of policies and of inverse models have in common. Finished networks and flights are files and are not
made again, so more networks may be added, and a killed run goes on.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from mothsim.controllers.learning.pruning import LEVELS
from mothsim.controllers.learning.sparsifying import PRUNINGS
from mothsim.controllers.networks.network import Network
from mothsim.demos.options import Count, Counts, Percents, each_once
from mothsim.demos.reproduce.sparsity_tables import Made, compare_flown, fly_made
from mothsim.io import open_folder

TRAININGS: dict[str, dict[str, float]] = {
    "with disturbances": {},
    "without": {"delay": 0.0, "noise": 0.0, "gusts": 0.0, "size": 1.0, "abdomen": 1.0},
}
"""Trainings by name, with what is drawn otherwise than `Disturbed` has it."""


class Stage(NamedTuple):
    """A level of pruning, per cent, connections that may stay, and the network's file."""

    level: float
    keep: int
    file: Path


@dataclass
class SparsityStudy(ABC):
    """Options of a study, and its course."""

    networks: Count = 4
    """Networks of each training; the first is trained from seed 0."""
    hidden: Counts = (20,)
    """Nodes of the hidden layers."""
    levels: Percents = tuple(map(float, LEVELS))
    """Sparsities to prune to, per cent, one after another."""
    prunings: tuple[str, ...] = PRUNINGS
    """How to prune: layerwise, global, spread, surgeon."""
    dense_levels: Percents = (75.0, 90.0)
    """Sparsities at which a small dense network of as many weights is trained, for as long in all."""
    starts: Count = 8
    """Flights in each task under each perturbation."""
    out: Path = Path("out/sparsity")
    """Folder for the networks, the tables and the picture."""

    def run(self) -> None:
        """Make what is missing, compare, draw and print.

        Raises:
            ValueError: an option given twice or out of range, or a folder with networks made otherwise.
        """
        each_once("prunings", self.prunings, PRUNINGS)
        each_once("levels", self.levels)
        open_folder(self.out)
        flown, count = [], 1 + len(self.dense_levels) + len(self.prunings) * len(self.levels)
        with tqdm(total=count * self.networks * len(TRAININGS), unit="network", file=sys.stderr) as bar:
            for seed in range(self.networks):
                for training in TRAININGS:
                    for made in self._networks(training, seed):
                        flown.append(fly_made(made, training, seed, self.starts))
                        bar.update()
        compare_flown(flown, self.out)

    @abstractmethod
    def trained(self, hidden: tuple[int, ...], longer: int, training: str, seed: int, file: Path) -> Network:
        """A dense network of these hidden layers, trained as long as one pruned to so many levels, or from its file."""

    @abstractmethod
    def pruned(self, dense: Network, pruning: str, stages: list[Stage], training: str, seed: int) -> Iterator[Network]:
        """The network pruned to one stage after another, trained again after each, or from the stages' files."""

    def _networks(self, training: str, seed: int) -> Iterator[Made]:
        """Train and prune the networks of a training and a seed."""
        folder = self.out / training.replace(" ", "-") / f"seed-{seed}"
        whole = folder / "dense.safetensors"
        dense = self.trained(self.hidden, 0, training, seed, whole)
        yield Made(dense, "", 0.0, whole)
        size = sum(weight.size for weight in dense.weights)
        for level in self.dense_levels:
            hidden = narrower(dense.sizes, size * (1 - level / 100))
            file = folder / f"dense-{'-'.join(map(str, hidden))}.safetensors"
            longer = sum(one <= level for one in self.levels)
            yield Made(self.trained(hidden, longer, training, seed, file), "", 0.0, file)
        for pruning in self.prunings:
            stages = [
                Stage(level, max(1, round(size * (1 - level / 100))), folder / f"{pruning}-{level:g}.safetensors")
                for level in sorted(self.levels)
            ]
            networks = self.pruned(dense, pruning, stages, training, seed)
            for stage, network in zip(stages, networks, strict=True):
                yield Made(network, pruning, stage.level, stage.file)


def narrower(sizes: tuple[int, ...], weights: float) -> tuple[int, ...]:
    """Hidden layers, all narrower by one factor than a network's of these `sizes`, that have about so many weights."""
    inputs, *hidden, outputs = sizes
    shares = [tuple(max(1, round(share * nodes)) for nodes in hidden) for share in np.linspace(0.02, 1.0, 197)]

    def apart(nodes: tuple[int, ...]) -> float:
        return abs(np.log(sum(a * b for a, b in pairwise((inputs, *nodes, outputs))) / weights))

    return min(shares, key=apart)
