"""Small dense policies beside pruned ones: `python -m mothsim.demos.reproduce.small_policies --requirement envelope`.

Trained and refined as those that `build_policies` prunes, from as few hidden nodes as one, and tested on the same
starts. Pruning pays only where no dense policy of as few weights flies. Finished policies are not made again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mothsim.controllers.policies.make_policy import make_policy
from mothsim.controllers.policies.policy_flights import REQUIREMENTS, fly_all, fly_all_angles
from mothsim.demos.cli.output import show_rows, wrote
from mothsim.demos.cli.train_policy import StageBar
from mothsim.demos.options import Count, Factor, Seeds, each_once
from mothsim.demos.reproduce.build_policies import pruning_stages
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder
from mothsim.tables import Row, write_table

_TEST = 0  # seed of the starts, as of the pruned ones


@dataclass
class SmallPolicies:
    """Train small dense policies, and test whether they meet a requirement."""

    requirement: Literal["gentle", "all", "envelope"] = "all"
    """Requirement: near-hover flight (gentle), every task (all), or every body angle and cruises to 300 cm/s."""
    nodes: tuple[int, ...] = (1, 2, 3, 4, 0)
    """Nodes of the hidden layer, of each policy; 0 is a linear policy."""
    seeds: Seeds = (0, 1, 2, 3)
    """Seeds of the training."""
    flights: Count = 100
    """Flights of each task."""
    step_scale: Factor = 1.0
    """Factor on the steps of training and refining."""
    out: Path = Path("out/small-policies")
    """Folder for the policies and a table."""

    def run(self) -> None:
        """Train, fly, print and write.

        Raises:
            ValueError: an option given twice or out of range, or a folder with policies made otherwise.
        """
        each_once("nodes", self.nodes)
        each_once("seeds", self.seeds)
        if min(self.nodes, default=0) < 0:
            raise ValueError(f"nodes = {self.nodes!r}: expected 0, a linear policy, or more")
        open_folder(self.out)
        rows = [self._row(nodes, seed) for nodes in self.nodes for seed in self.seeds]
        file = self.out / f"{self.requirement}.csv"
        write_table(rows, file)
        show_rows(rows, tuple(rows[0]), False)
        wrote(file)

    def _row(self, nodes: int, seed: int) -> Row:
        training, refining, _ = pruning_stages(self.requirement, seed, self.step_scale)
        training = replace(training, hidden=(nodes,) if nodes else ())
        angles = "all-angles" if self.requirement == "envelope" else "upright"
        with StageBar() as bar:
            network = make_policy(training, refining, self.out / f"{angles}-{nodes}-{seed}.safetensors", bar)
        meets = REQUIREMENTS[self.requirement].met_by(network, self.flights, _TEST)
        flown = fly_all_angles if self.requirement == "envelope" else fly_all
        return {"nodes": nodes, "seed": seed, "weights": network.connections, "meets": meets,
                **flown(network, self.flights, _TEST)}  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_program(SmallPolicies, prog="python -m mothsim.demos.reproduce.small_policies"))
