"""Build the networks that ship with the package: `python -m mothsim.demos.reproduce.build_networks`.

Every kind is trained from several seeds; of those without a dead output the one that tracks best is selected. The
errors that the README reports are measured from other starts (`mothsim evaluate`). Killed at any moment, it goes on.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

import mothsim
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.learning.protocols import HIDDEN, SMALL
from mothsim.controllers.learning.train_and_prune import Settings, TrainProgress, level_file, run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network, save_network
from mothsim.demos.options import Count, Factor, Seeds, each_once
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder, write_atomically

_TASKS = {"hover": 5.0, "sum-of-primes": 10.0}
_SELECTION = 1000  # seed of the starts, apart from those of `mothsim evaluate`


@dataclass(frozen=True)
class Recipe:
    """Training of one shipped network: pruning method, hidden layers, levels in per cent, factor on the steps."""

    method: str
    hidden: tuple[int, ...]
    levels: tuple[float, ...]
    step_scale: float = 1.0


RECIPES = {
    "dense": Recipe("global", HIDDEN, ()),
    "sparse-93": Recipe("layerwise", HIDDEN, (35, 55, 75, 85, 90, 91, 92, 93)),
    "sparse-98": Recipe("global", HIDDEN, (35, 55, 75, 85, 90, 93, 95, 96, 97, 98)),
    "small": Recipe("global", SMALL, (), 3.0),
}
"""Recipes by name; the sparse networks are pruned from the dense one of the same seed."""


@dataclass
class BuildNetworks:
    """Train networks from several seeds and select the one of each kind that tracks best."""

    names: tuple[str, ...] = tuple(RECIPES)
    """Networks to build; the sparse ones need the dense one, which is then trained first."""
    seeds: Seeds = (0, 1)
    """Seeds of training."""
    flights: Count = 20
    """Flights of each task by which a network is selected."""
    segments: Count = 4_000_000
    """Segments in the training set."""
    step_scale: Factor = 1.0
    """Factor on the steps of training."""
    runs: Path = Path("out/build-networks")
    """Folder for the runs."""
    out: Path = Path("out/networks")
    """Folder for the selected networks."""

    def run(self) -> None:
        """Train and fly all, print their errors, and write the best of each kind."""
        each_once("names", self.names, tuple(RECIPES))
        each_once("seeds", self.seeds)
        settings = {(name, seed): self._settings(name, seed) for seed in self.seeds for name in self.names}
        open_folder(self.out)
        for name, seed in settings:
            self._train(name, seed)
        tasks = "".join(f"{task:>15}, cm" for task in _TASKS)
        print(f"{'network':<10} {'seed':>4} {'weights':>8} {'loss':>8}{tasks}")
        for name in self.names:
            scores = {}
            for seed in self.seeds:
                network = load_network(self._file(name, seed))
                medians = [self._fly(network, task) for task in _TASKS]
                # An output without a connection may not matter to flight, but then it is no inverse model.
                scores[seed] = math.inf if network.info["dead_outputs"] else sum(medians)
                row = f"{name:<10} {seed:4} {network.connections:8,} {network.info['test_loss']:8.1e}"
                print(row + "".join(f"{median:19.4f}" for median in medians), flush=True)
            best = min(scores, key=lambda seed: scores[seed])
            save_network(load_network(self._file(name, best)), self.out / f"{name}.safetensors")
            print(f"{name:<10} {best:4} is selected")

    def _file(self, name: str, seed: int) -> Path:
        return level_file(self.runs / f"{name}-{seed}", (0, *RECIPES[name].levels)[-1])

    def _settings(self, name: str, seed: int) -> Settings:
        recipe = RECIPES[name]
        return Settings(
            method=recipe.method,
            hidden=recipe.hidden,
            levels=recipe.levels,
            segments=self.segments,
            seed=seed,
            step_scale=recipe.step_scale * self.step_scale,
        )

    def _train(self, name: str, seed: int) -> None:
        recipe, folder = RECIPES[name], self.runs / f"{name}-{seed}"
        first, dense = level_file(folder, 0), level_file(self.runs / f"dense-{seed}", 0)
        if recipe.levels and not first.exists():
            if not dense.exists():
                self._train("dense", seed)
            write_atomically(first, dense.read_bytes())
        with tqdm(desc=f"{name}, seed {seed}", unit="step", file=sys.stderr) as bar:

            def callback(event: TrainProgress) -> None:
                bar.set_postfix(level=event.level, loss=f"{event.loss:.1e}", refresh=False)
                bar.total = event.steps
                bar.update(event.step - bar.n)

            run(self._settings(name, seed), folder, callback)

    def _fly(self, network: Network, task: str) -> float:
        """Return the median error (cm) over flights from random starts; infinite where half are lost."""
        flight = mothsim.fly(InverseModel(network), task, duration=_TASKS[task], moths=self.flights, seed=_SELECTION)
        return float(np.median(flight.rms_error))


if __name__ == "__main__":
    sys.exit(run_program(BuildNetworks, prog="build_networks"))
