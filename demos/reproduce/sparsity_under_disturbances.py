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
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import mothsim
from mothsim.body import MothBody
from mothsim.controllers.evaluation.report.lost_share_map import draw_lost_shares
from mothsim.controllers.evaluation.sparse_pairs import (
    ALL,
    PolicyFlights,
    compare_pairs,
    lost_shares,
    summary_sentences,
)
from mothsim.controllers.learning.pruning import LEVELS
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.policy_run import run
from mothsim.controllers.policies.policy_sparsifying import PRUNINGS, prune_to
from mothsim.controllers.policies.robust_training import RobustSettings, init_robust_policy, train_robust_policy
from mothsim.controllers.policy import Policy
from mothsim.demos.cli.output import show_rows, wrote
from mothsim.demos.options import Count, Factor, Percents, each_once
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder
from mothsim.perturbations import PERTURBATIONS
from mothsim.plotting.figures import save_figure
from mothsim.tables import Schema, read_table, write_table

TRAININGS: dict[str, dict[str, float]] = {
    "with disturbances": {},
    "without": {"delay": 0.0, "noise": 0.0, "gusts": 0.0, "size": 1.0, "abdomen": 1.0},
}
"""Trainings by name, with what is not drawn as `mothsim train policy --robust` draws it."""
TASKS = {"hover": 3.0, "sum-of-primes": 4.0}
"""Seconds of a flight of each task."""
SCHEMA: Schema = {"task": str, "perturbation": str, "start": int, "lost": bool, "rms_error_cm": float}
"""Columns of the flights of a policy."""
_STARTS = 9000  # seed of the starts
_COLUMNS = ("training", "pairing", "pruning", "pairs", "cells", "always_lost", "never_lost", "lost_more",
            "lost_more_low", "lost_more_high", "error_ratio", "error_ratio_low", "error_ratio_high")  # fmt: skip


class Made(NamedTuple):
    """A policy, what it is called, and its file."""

    network: Network
    pruning: str
    level: float
    file: Path


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
                        flown.append(self._flown(made, training, seed))
                        bar.update()
        comparison = compare_pairs(flown, list(PERTURBATIONS))
        tables = {"lost-shares": lost_shares(flown, list(TASKS)), "pairs": comparison}
        files = [self.out / f"{name}.csv" for name in tables]
        for file, rows in zip(files, tables.values(), strict=True):
            write_table(rows, file)
        picture = self.out / "lost-shares.png"
        save_figure(draw_lost_shares(flown, list(PERTURBATIONS)), picture)
        show_rows([row for row in comparison if row["perturbation"] == ALL], _COLUMNS, False)
        print(*summary_sentences(comparison), sep="\n")
        wrote(*files, picture)

    def _settings(self, training: str, seed: int) -> RobustSettings:
        hidden = (self.hidden,)
        return RobustSettings(hidden, self.steps, groups=8, moths=6, disturbed=TRAININGS[training], seed=seed)

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
                if not file.exists():
                    network = prune_to(network, pruning, keep, settings, again.seed)
                network = run(train_robust_policy, network, again, file)
                yield Made(network, pruning, level, file)

    def _flown(self, made: Made, training: str, seed: int) -> PolicyFlights:
        """The flights of a policy, from its file where there is one."""
        file = made.file.with_name(f"{made.file.stem}-flights.csv")
        if not file.exists():
            write_table(self._fly(made.network), file, SCHEMA)
        rows = read_table(file, SCHEMA)
        shape = (len(TASKS), len(PERTURBATIONS), -1)
        lost, errors = (np.array([row[name] for row in rows]).reshape(shape) for name in ("lost", "rms_error_cm"))
        if lost.shape[-1] != self.starts:
            raise ValueError(f"starts = {self.starts!r}: {file} has {lost.shape[-1]}; choose another folder")
        return PolicyFlights(training, seed, made.pruning, made.level, made.network.connections, lost, errors)

    def _fly(self, network: Network) -> list[mothsim.tables.Row]:
        """Fly a policy in all tasks under all perturbations, of which it is not informed; a row a flight."""
        policy, body, rows = Policy(network), MothBody(), []
        for task, duration in TASKS.items():
            for name, perturbation in PERTURBATIONS.items():
                flight = mothsim.fly(
                    policy, task, duration=duration, moths=self.starts, seed=_STARTS, body=perturbation.body(body),
                    nominal_body=body, disturbances=perturbation.disturbances,
                )  # fmt: skip
                for start in range(self.starts):
                    lost, error = bool(flight.lost[start]), float(flight.rms_error[start])
                    rows.append({"task": task, "perturbation": name, "start": start, "lost": lost,
                                 "rms_error_cm": error})  # fmt: skip
        return rows


if __name__ == "__main__":
    sys.exit(
        run_program(SparsityUnderDisturbances, prog="python -m mothsim.demos.reproduce.sparsity_under_disturbances")
    )
