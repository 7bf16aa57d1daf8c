"""Does sparsity help or hurt where flights are disturbed? Policies that fly alone, dense and pruned by four methods.

`python -m mothsim.demos.reproduce.sparsity_under_disturbances` trains policies with and without disturbances, prunes
them level by level with a short retraining after each, and flies all of them under every perturbation of `mothsim
evaluate --robustness`, uninformed. Small dense policies, trained for as many steps, stand beside them. Finished
policies and flights are files and are not made again, so more networks may be added, and a killed run goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from mothsim.controllers.learning.pruning import LEVELS
from mothsim.controllers.learning.training_run import run
from mothsim.controllers.policies.policy_sparsifying import PRUNINGS, prune_to
from mothsim.controllers.policies.robust_training import RobustSettings, init_robust_policy, train_robust_policy
from mothsim.demos.options import Count, Factor, Percents, each_once
from mothsim.demos.reproduce.sparsity_tables import Made, compare_flown, fly_made
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder

TRAININGS: dict[str, dict[str, float]] = {
    "with disturbances": {},
    "without": {"delay": 0.0, "noise": 0.0, "gusts": 0.0, "size": 1.0, "abdomen": 1.0},
}
"""Trainings by name, with what is drawn otherwise than `Disturbed` has it."""
_COST = {"effort": 1e-4, "change": 1e-3, "calm": 0.05, "large": 1.0}


@dataclass
class SparsityUnderDisturbances:
    """Train, prune and retrain policies with and without disturbances, fly them disturbed, and compare in pairs."""

    networks: Count = 4
    """Networks of each training; the first is trained from seed 0."""
    hidden: Count = 20
    """Nodes of the hidden layer."""
    steps: Count = 400
    """Of training."""
    levels: Percents = tuple(map(float, LEVELS))
    """Sparsities to prune to, per cent, one after another."""
    prunings: tuple[str, ...] = PRUNINGS
    """How to prune: layerwise, global, spread, surgeon."""
    retraining_steps: Count = 25
    """After each level."""
    retraining_rate: Factor = 1e-3
    """Learning rate at first."""
    dense_levels: Percents = (75.0, 90.0)
    """Sparsities at which a small dense policy of as many weights is trained, for as many steps in all."""
    starts: Count = 8
    """Flights in each task under each perturbation."""
    out: Path = Path("out/sparsity")
    """Folder for the policies, the tables and the picture."""

    def run(self) -> None:
        """Make what is missing, compare, draw and print.

        Raises:
            ValueError: an option given twice or out of range, or a folder with policies made otherwise.
        """
        each_once("prunings", self.prunings, PRUNINGS)
        each_once("levels", self.levels)
        open_folder(self.out)
        flown, count = [], 1 + len(self.dense_levels) + len(self.prunings) * len(self.levels)
        with tqdm(total=count * self.networks * len(TRAININGS), unit="policy", file=sys.stderr) as bar:
            for seed in range(self.networks):
                for training in TRAININGS:
                    for made in self._policies(training, seed):
                        flown.append(fly_made(made, training, seed, self.starts))
                        bar.update()
        compare_flown(flown, self.out)

    def _settings(self, training: str, seed: int) -> RobustSettings:
        hidden = (self.hidden,)
        return RobustSettings(
            hidden, self.steps, groups=8, moths=6, optimiser="adam", learning_rate=2e-3, last_rate=1 / 30,
            bobbing=1.0, precision=0.02, weights=_COST, disturbed=TRAININGS[training], seed=seed,
        )  # fmt: skip

    def _policies(self, training: str, seed: int) -> Iterator[Made]:
        """Train and prune the policies of a training and a seed."""
        folder, settings = self.out / training.replace(" ", "-") / f"seed-{seed}", self._settings(training, seed)
        whole = folder / "dense.safetensors"
        dense = run(train_robust_policy, init_robust_policy(settings), settings, whole)
        yield Made(dense, "", 0.0, whole)
        for level in self.dense_levels:
            nodes = max(1, round(self.hidden * (1 - level / 100)))
            steps = self.steps + self.retraining_steps * sum(one <= level for one in self.levels)
            small = replace(settings, hidden=(nodes,), steps=steps)
            file = folder / f"dense-{nodes}.safetensors"
            yield Made(run(train_robust_policy, init_robust_policy(small), small, file), "", 0.0, file)
        size = sum(weight.size for weight in dense.weights)
        for pruning in self.prunings:
            network = dense
            for level in sorted(self.levels):
                file, keep = folder / f"{pruning}-{level:g}.safetensors", max(1, round(size * (1 - level / 100)))
                again = replace(settings, steps=self.retraining_steps, learning_rate=self.retraining_rate,
                                seed=1000 * (seed + 1) + keep)  # fmt: skip
                network = run(
                    train_robust_policy, partial(prune_to, network, pruning, keep, settings, again.seed), again, file
                )
                yield Made(network, pruning, level, file)


if __name__ == "__main__":
    sys.exit(
        run_program(SparsityUnderDisturbances, prog="python -m mothsim.demos.reproduce.sparsity_under_disturbances")
    )
