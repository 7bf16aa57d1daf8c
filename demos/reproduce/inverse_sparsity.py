"""Does sparsity help or hurt inverse models that fly alone, where flights are disturbed?

`python -m mothsim.demos.reproduce.inverse_sparsity` trains inverse models on Zahn et al.'s segments and prunes them
level by level. Each is then trained on through its own flight, on kinematic waypoints, with disturbances and without,
and flown under every perturbation of `mothsim evaluate --robustness`, uninformed. Small dense networks, trained for as
many steps, stand beside them. Finished networks and flights are files and are not made again: a killed run goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mothsim.controllers.learning.disturbed_flight_training import DisturbedFlightSettings, train_disturbed
from mothsim.controllers.learning.protocols import SMALL, find_protocol
from mothsim.controllers.learning.train_and_prune import Settings
from mothsim.controllers.learning.train_and_prune import run as train_and_prune
from mothsim.controllers.learning.training_run import run
from mothsim.controllers.networks.storage import level_file, load_network
from mothsim.demos.options import Count, Counts, Factor, Percents, each_once
from mothsim.demos.reproduce.sparsity_tables import Made, compare_flown, fly_made
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder, write_atomically

TRAININGS: dict[str, dict[str, float]] = {
    "with disturbances": {"delay": 0.0},
    "without": {"delay": 0.0, "noise": 0.0, "gusts": 0.0, "size": 1.0, "abdomen": 1.0},
}
"""Trainings by name, with what is not drawn as for policies. Without memory no gains of kinematic waypoints are stable
under a delay of a decision, so neither draws one."""


@dataclass
class InverseSparsity:
    """Train and prune inverse models, train them on through flight with and without disturbances, fly and compare."""

    networks: Count = 2
    """Networks that are pruned; the first is trained from seed 0."""
    hidden: Counts = SMALL
    """Nodes of the hidden layers."""
    segments: Count = 1_000_000
    """Segments in the training set."""
    step_scale: Factor = 2.0
    """Factor on the steps of training on segments, dense and after each level."""
    levels: Percents = (25.0, 50.0, 65.0, 75.0)
    """Sparsities to prune to, per cent, one after another."""
    prunings: tuple[str, ...] = Settings.methods
    """How to prune: layerwise, global."""
    dense_levels: Percents = (50.0, 75.0)
    """Sparsities at which a small dense network of about as many weights is trained, for as many steps in all."""
    flight_steps: Count = 800
    """Of the training through flight, of every network."""
    starts: Count = 8
    """Flights in each task under each perturbation."""
    out: Path = Path("out/inverse-sparsity")
    """Folder for the networks, the tables and the picture."""

    def run(self) -> None:
        """Make what is missing, compare, draw and print.

        Raises:
            ValueError: an option given twice or out of range, or a folder with networks made otherwise.
        """
        each_once("prunings", self.prunings, Settings.methods)
        each_once("levels", self.levels)
        open_folder(self.out)
        flown, count = [], 1 + len(self.dense_levels) + len(self.prunings) * len(self.levels)
        with tqdm(total=count * self.networks * len(TRAININGS), unit="network", file=sys.stderr) as bar:
            for seed in range(self.networks):
                for made in self._on_segments(seed):
                    for training in TRAININGS:
                        flown.append(fly_made(self._through_flight(made, training, seed), training, seed, self.starts))
                        bar.update()
        compare_flown(flown, self.out)

    def _on_segments(self, seed: int) -> Iterator[Made]:
        """The networks of a seed as they are trained on segments: the dense one, small dense ones, pruned ones."""
        folder, levels = self.out / "on-segments" / f"seed-{seed}", tuple(sorted(self.levels))
        dense = folder / self.prunings[0]
        for i, pruning in enumerate(self.prunings):
            first = level_file(folder / pruning, 0)
            if i and not first.exists():  # all are pruned from one network
                write_atomically(first, level_file(dense, 0).read_bytes())
            files = train_and_prune(self._settings(self.hidden, seed, levels, pruning), folder / pruning)
            if not i:
                yield Made(load_network(files[0]), "", 0.0, Path("dense"))
            for level, file in zip(levels, files[1:], strict=True):
                yield Made(load_network(file), pruning, level, Path(f"{pruning}-{level:g}"))
        protocol, weights = find_protocol("cosine"), load_network(level_file(dense, 0)).connections
        for level in self.dense_levels:
            hidden = narrower(self.hidden, weights * (1 - level / 100))
            longer = 1 + sum(one <= level for one in levels) * protocol.level_steps / protocol.dense_steps
            name = "dense-" + "-".join(map(str, hidden))
            (file,) = train_and_prune(self._settings(hidden, seed, (), "", longer), folder / name)
            yield Made(load_network(file), "", 0.0, Path(name))

    def _settings(
        self, hidden: tuple[int, ...], seed: int, levels: tuple[float, ...], pruning: str, longer: float = 1.0
    ) -> Settings:
        scale = longer * self.step_scale
        return Settings(
            method=pruning, hidden=hidden, levels=levels, segments=self.segments, seed=seed, step_scale=scale
        )

    def _through_flight(self, made: Made, training: str, seed: int) -> Made:
        """The network, trained on through its flight."""
        file = self.out / training.replace(" ", "-") / f"seed-{seed}" / f"{made.file}.safetensors"
        settings = DisturbedFlightSettings(steps=self.flight_steps, disturbed=TRAININGS[training], seed=seed)
        return made._replace(network=run(train_disturbed, made.network, settings, file), file=file)


def narrower(hidden: tuple[int, ...], weights: float) -> tuple[int, ...]:
    """Hidden layers, all narrower by one factor, of an inverse model of about so many weights."""
    shares = [tuple(max(1, round(share * nodes)) for nodes in hidden) for share in np.linspace(0.02, 1.0, 197)]

    def apart(nodes: tuple[int, ...]) -> float:
        sizes = (10, *nodes, 7)
        return abs(np.log(sum(a * b for a, b in pairwise(sizes)) / weights))

    return min(shares, key=apart)


if __name__ == "__main__":
    sys.exit(run_program(InverseSparsity, prog="python -m mothsim.demos.reproduce.inverse_sparsity"))
