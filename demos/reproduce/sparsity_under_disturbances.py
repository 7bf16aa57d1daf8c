"""Does sparsity help or hurt where flights are disturbed? Policies that fly alone, dense and pruned by four methods.

`python -m mothsim.demos.reproduce.sparsity_under_disturbances` trains policies with and without disturbances, prunes
them level by level with a short retraining after each, and flies all of them under every perturbation of `mothsim
evaluate --robustness`, uninformed. Small dense policies, trained for as many steps, stand beside them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mothsim.controllers.learning.training_run import run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.policy_sparsifying import prune_to
from mothsim.controllers.policies.robust_training import RobustSettings, init_robust_policy, train_robust_policy
from mothsim.demos.options import Count, Factor
from mothsim.demos.reproduce.sparsity_study import TRAININGS, SparsityStudy, Stage
from mothsim.demos.run import run as run_program

_COST = {"effort": 1e-4, "change": 1e-3, "calm": 0.05, "large": 1.0}


@dataclass
class SparsityUnderDisturbances(SparsityStudy):
    """Train, prune and retrain policies with and without disturbances, fly them disturbed, and compare in pairs."""

    steps: Count = 400
    """Of training."""
    retraining_steps: Count = 25
    """After each level."""
    retraining_rate: Factor = 1e-3
    """Learning rate at first."""

    def trained(self, hidden: tuple[int, ...], longer: int, training: str, seed: int, file: Path) -> Network:
        """A policy with memory, trained through its flight."""
        steps = self.steps + longer * self.retraining_steps
        settings = self._settings(training, seed, hidden=hidden, steps=steps)
        return run(train_robust_policy, init_robust_policy(settings), settings, file)

    def pruned(self, dense: Network, pruning: str, stages: list[Stage], training: str, seed: int) -> Iterator[Network]:
        """The policy, pruned by what its connections are worth in flight."""
        network, settings = dense, self._settings(training, seed)
        for _, keep, file in stages:
            again = replace(settings, steps=self.retraining_steps, learning_rate=self.retraining_rate,
                            seed=1000 * (seed + 1) + keep)  # fmt: skip
            network = run(
                train_robust_policy, partial(prune_to, network, pruning, keep, settings, again.seed), again, file
            )
            yield network

    def _settings(self, training: str, seed: int, **others: Any) -> RobustSettings:
        settings = RobustSettings(
            self.hidden, self.steps, groups=8, moths=6, optimiser="adam", learning_rate=2e-3, last_rate=1 / 30,
            bobbing=1.0, precision=0.02, weights=_COST, disturbed=TRAININGS[training], seed=seed,
        )  # fmt: skip
        return replace(settings, **others)


if __name__ == "__main__":
    sys.exit(
        run_program(SparsityUnderDisturbances, prog="python -m mothsim.demos.reproduce.sparsity_under_disturbances")
    )
