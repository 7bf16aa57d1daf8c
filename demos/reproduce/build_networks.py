"""Makes the networks that ship with the package: `python -m mothsim.demos.reproduce.build_networks`.

Every kind is trained from several seeds; of those without a dead output the one that tracks best is shipped. What
the README says of it is judged on other starts (`mothsim evaluate`). Killed at any moment, it goes on.
"""

from __future__ import annotations

import math
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from tqdm import tqdm

import mothsim
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.learning.protocols import HIDDEN, SMALL
from mothsim.controllers.learning.train_and_prune import Settings, TrainProgress, level_file, run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network, save_network

_TASKS = {"hover": 5.0, "sum-of-primes": 10.0}
_SELECTION = 1000  # seed of the starts, apart from those of `mothsim evaluate`


@dataclass(frozen=True)
class Recipe:
    """How one shipped network is made."""

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
"""By name; the sparse ones start from the dense network of the same seed."""


@dataclass
class BuildNetworks:
    """Train and choose the networks that ship with the package."""

    names: tuple[str, ...] = tuple(RECIPES)
    """Which to make, the dense one before those that start from it."""
    seeds: tuple[int, ...] = (0, 1)
    """Of training."""
    flights: int = 20
    """Of each task, to choose by."""
    segments: int = 4_000_000
    """In the training set."""
    effort: float = 1.0
    """Times the steps of training."""
    runs: Path = Path("out/ship")
    """Folder for the runs."""
    out: Path = Path("out/networks")
    """Folder for the chosen networks."""

    def run(self) -> None:
        """Train all, fly all, print, and write the best of each kind."""
        for seed in self.seeds:
            for name in self.names:
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
            print(f"{name:<10} {best:4} is shipped")

    def _file(self, name: str, seed: int) -> Path:
        return level_file(self.runs / f"{name}-{seed}", (0, *RECIPES[name].levels)[-1])

    def _train(self, name: str, seed: int) -> None:
        recipe, folder = RECIPES[name], self.runs / f"{name}-{seed}"
        first = level_file(folder, 0)
        if recipe.levels and not first.exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(level_file(self.runs / f"dense-{seed}", 0), first)
        settings = Settings(
            method=recipe.method,
            hidden=recipe.hidden,
            levels=recipe.levels,
            segments=self.segments,
            seed=seed,
            step_scale=recipe.step_scale * self.effort,
        )
        with tqdm(desc=f"{name}, seed {seed}", unit="step", file=sys.stderr) as bar:

            def callback(event: TrainProgress) -> None:
                bar.set_postfix(level=event.level, loss=f"{event.loss:.1e}", refresh=False)
                bar.total = event.steps
                bar.update(event.step - bar.n)

            run(settings, folder, callback)

    def _fly(self, network: Network, task: str) -> float:
        """Median error (cm) over flights from random starts; infinite where half are lost."""
        flight = mothsim.fly(InverseModel(network), task, duration=_TASKS[task], moths=self.flights, seed=_SELECTION)
        return float(np.median(flight.rms_error))


if __name__ == "__main__":
    tyro.cli(BuildNetworks).run()
