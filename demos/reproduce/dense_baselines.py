"""Train small dense networks of as many weights as pruned ones.

`python -m mothsim.demos.reproduce.dense_baselines --weights 6610 3305`

A sparse network has shown its worth only beside a dense one of equal weights, equally long trained. A companion is
Zahn et al.'s network made narrower: as many layers, the last hidden one as wide. Killed at any moment, it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from mothsim.controllers.learning.protocols import dense_with
from mothsim.controllers.learning.train_and_prune import Settings, run
from mothsim.demos.cli.output import wrote
from mothsim.demos.cli.train import LevelBar


@dataclass
class DenseBaselines:
    """Train small dense networks, one a number of weights and seed."""

    weights: tuple[int, ...] = (33_051, 23_136, 6_610, 3_305, 1_650)
    """Of the networks to be matched; by default those of 90, 93, 98, 99 and 99.5 %."""
    seeds: tuple[int, ...] = (0, 1, 2, 3)
    """Of data and first weights."""
    step_scale: float = 3.0
    """Times the protocol's steps for a dense network; 3 is as long as a pruning to 98 % with its retrainings."""
    segments: int = 4_000_000
    """In the training set."""
    out: Path = Path("out/companions")
    """Folder for the networks, a folder each."""

    def run(self) -> None:
        """Train, and say where."""
        files = []
        for seed in self.seeds:
            for weights in self.weights:
                settings = Settings(
                    hidden=dense_with(weights), levels=(), segments=self.segments, seed=seed, step_scale=self.step_scale
                )
                with LevelBar() as bar:
                    files += run(settings, self.out / f"{weights}-{seed}", bar)
        wrote(*files)


if __name__ == "__main__":
    tyro.cli(DenseBaselines).run()
