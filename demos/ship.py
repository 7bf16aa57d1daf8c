"""Makes the networks that ship with the package: `python -m demos.ship`.

Every kind is trained from several seeds. The one that tracks best, over flights from one set of random starts,
is shipped; what is said of it is judged on flights from another set. Killed at any moment, it goes on.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from tqdm import tqdm

import mothsim
from controllers.inverse_model import InverseModel
from controllers.learning.network import Network
from controllers.learning.protocols import HIDDEN, SMALL
from controllers.learning.sequence import Event, Settings, level_file, run
from controllers.learning.storage import load_network, save_network

_TASKS = {"hover": 5.0, "sum-of-primes": 10.0}
_CHOOSING, _JUDGING = 1000, 2000  # seeds of the starts


@dataclass(frozen=True)
class Recipe:
    """How one shipped network is made."""

    method: str
    hidden: tuple[int, ...]
    levels: tuple[float, ...]
    step_share: float = 1.0


RECIPES = {
    "dense": Recipe("global", HIDDEN, ()),
    "sparse-93": Recipe("layerwise", HIDDEN, (50, 75, 85, 90, 93)),
    "sparse-98": Recipe("global", HIDDEN, (50, 75, 90, 95, 98)),
    "small": Recipe("global", SMALL, (), 3.0),
}
"""By name; the sparse ones start from the dense network of the same seed."""


@dataclass
class Ship:
    """Train, choose and judge the networks that ship with the package."""

    names: tuple[str, ...] = tuple(RECIPES)
    """Which to make, the dense one before those that start from it."""
    seeds: tuple[int, ...] = (0, 1)
    """Of training."""
    flights: int = 100
    """For the judging; a fifth of them for the choosing."""
    segments: int = 4_000_000
    """In the training set."""
    effort: float = 1.0
    """Times the steps of training."""
    runs: Path = Path("out/ship")
    """Folder for the runs."""
    out: Path = Path("out/networks")
    """Folder for the chosen networks."""

    def run(self) -> None:
        """Train all, then choose, judge, write and print."""
        for seed in self.seeds:
            for name in self.names:
                self._train(name, seed)
        print(f"{'network':<10} {'seed':>4} {'weights':>8} {'loss':>8}  task            median, cm    lost")
        for name in self.names:
            candidates = [load_network(self._file(name, seed)) for seed in self.seeds]
            best = min(candidates, key=lambda network: sum(self._fly(network, task, _CHOOSING)[0] for task in _TASKS))
            save_network(best, self.out / f"{name}.safetensors")
            for task in _TASKS:
                median, lost = self._fly(best, task, _JUDGING)
                print(f"{name:<10} {best.info['seed']:4} {best.connections:8,} {best.info['test_loss']:8.1e}  "
                      f"{task:<14} {median:11.4f} {lost:4}/{self.flights}", flush=True)  # fmt: skip

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
            step_share=recipe.step_share * self.effort,
        )
        with tqdm(desc=f"{name}, seed {seed}", unit="step", file=sys.stderr) as bar:

            def report(event: Event) -> None:
                bar.set_postfix(level=event.level, loss=f"{event.loss:.1e}", refresh=False)
                bar.total = event.steps
                bar.update(event.step - bar.n)

            run(settings, folder, report)

    def _fly(self, network: Network, task: str, seed: int) -> tuple[float, int]:
        """Median error (cm) and count of lost over flights from random starts."""
        flights = self.flights if seed == _JUDGING else max(1, self.flights // 5)
        flight = mothsim.fly(InverseModel(network), task, duration=_TASKS[task], moths=flights, seed=seed)
        return float(np.median(flight.rms_error)), int(flight.lost.sum())


if __name__ == "__main__":
    tyro.cli(Ship).run()
