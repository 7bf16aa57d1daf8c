"""Train small dense networks of as many weights as pruned ones.

`python -m mothsim.demos.reproduce.dense_baselines --weights 6610 3305`

Pruning pays only where a sparse network does better than a dense one of equally many weights, trained equally long. A
baseline is Zahn et al.'s network made narrower: as many layers, the last hidden one as wide. Killed at any moment, it
goes on.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from mothsim.controllers.learning.protocols import dense_with
from mothsim.controllers.learning.train_and_prune import Settings, run
from mothsim.demos.cli.output import wrote
from mothsim.demos.cli.train_inverse_model import LevelBar
from mothsim.demos.options import Count, Counts, Factor, Seeds, each_once
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder


@dataclass
class DenseBaselines:
    """Train small dense networks, one for each number of weights and seed."""

    weights: Counts = (33_051, 23_136, 6_610, 3_305, 1_650)
    """Numbers of weights to match; by default those left at 90, 93, 98, 99 and 99.5 %."""
    seeds: Seeds = (0, 1, 2, 3)
    """Seeds of data and initial weights."""
    step_scale: Factor = 3.0
    """Factor on the protocol's steps for a dense network; 3 takes as long as pruning to 98 % with its retraining."""
    segments: Count = 4_000_000
    """Segments in the training set."""
    out: Path = Path("out/dense-baselines")
    """Folder for the networks, a folder each."""

    def run(self) -> None:
        """Train, and print the files."""
        each_once("weights", self.weights)
        each_once("seeds", self.seeds)
        wanted = {
            f"{weights}-{seed}": Settings(
                hidden=dense_with(weights), levels=(), segments=self.segments, seed=seed, step_scale=self.step_scale
            )
            for seed in self.seeds for weights in self.weights
        }  # fmt: skip
        open_folder(self.out)
        files = []
        for name, settings in wanted.items():
            with LevelBar() as bar:
                files += run(settings, self.out / name, bar)
        wrote(*files)


if __name__ == "__main__":
    sys.exit(run_program(DenseBaselines, prog="dense_baselines"))
