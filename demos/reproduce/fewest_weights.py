"""Search for the fewest connections that flight needs: `python -m mothsim.demos.reproduce.fewest_weights`.

For each requirement, networks are pruned by the optimal brain surgeon for as long as they meet it: a loss of 1e-3 on
Zahn et al.'s segments, near-hover flight (a network with a hidden layer, and a linear one), or the whole envelope of
flight. Small dense networks with the same training are listed for comparison. Killed at any moment, the same command
goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from mothsim.controllers.minimal_networks.minimal_figure import PANELS, draw_minimal
from mothsim.controllers.minimal_networks.requirements import REQUIREMENTS
from mothsim.controllers.minimal_networks.search import describe, find_minimum, path, train_dense
from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import DaskAddress, Seeds, Workers, each_once
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder, write_atomically
from mothsim.plotting.figures import save_figure
from mothsim.solver.threads import available_cpus
from mothsim.tables import Row, as_csv
from mothsim.workers import places_to_work, run_tasks


@dataclass
class FewestWeights:
    """Prune to the fewest weights that meet each requirement, draw a figure and print a table."""

    requirements: tuple[Literal["loss", "gentle", "linear", "envelope"], ...] = ("loss", "gentle", "linear", "envelope")
    """Requirements on the networks: near-hover flight is called gentle; for the bounds see
    `mothsim.controllers.minimal_networks.requirements`."""
    seeds: Seeds = (0, 1, 2, 3)
    """Seeds of initial weights and segments, one pruning each."""
    removals: tuple[Literal["surgeon", "magnitude"], ...] = ("surgeon",)
    """Order of removal: by the rise of the loss (optimal brain surgeon), or the smallest first."""
    dense: bool = True
    """Train small dense networks as well."""
    workers: Workers = field(default_factory=available_cpus)
    """Number of processes."""
    dask: DaskAddress = None
    out: Path = Path("out/fewest")
    """Folder for the networks, the table and the picture."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Prune, test, draw and print."""
        each_once("requirements", self.requirements, tuple(REQUIREMENTS))
        each_once("removals", self.removals)
        each_once("seeds", self.seeds)
        open_folder(self.out)
        out = self.out.absolute()  # the same folder for every process
        work = [
            (_pruned, requirement, removal, seed, out)
            for requirement in self.requirements for removal in self.removals for seed in self.seeds
        ]  # fmt: skip
        if self.dense:
            work += [
                (_dense, requirement, hidden, seed, out)
                for requirement in self.requirements
                for hidden in REQUIREMENTS[requirement].dense for seed in self.seeds
            ]  # fmt: skip
        with places_to_work(self.workers, self.dask) as workers:
            parts = run_tasks(_call, work, workers, threads=1, ordered=True)
            rows = [row for part in tqdm(parts, total=len(work), desc="pruning", file=sys.stderr) for row in part]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        table, picture = self.out / "fewest.csv", self.out / "fewest.png"
        write_atomically(table, as_csv([{**dict.fromkeys(columns), **row} for row in rows], columns))
        save_figure(draw_minimal(rows), picture)
        self._print(rows)
        wrote(table, picture)

    def _print(self, rows: Sequence[Row]) -> None:
        found = []
        for requirement in self.requirements:
            for removal in self.removals:
                tested = [
                    row for row in rows if (row["requirement"], row["removal"]) == (requirement, f"{removal}, test")
                ]
                measure = PANELS[requirement][0]
                found.append({
                    "requirement": requirement, "removal": removal, "measure": measure,
                    "weights": [row["weights"] for row in tested],
                    "measured": [row[measure] for row in tested], "met": [row["met"] for row in tested],
                })  # fmt: skip
            dense = [
                row["weights"]
                for row in rows
                if row["requirement"] == requirement and row["removal"] == "dense" and row["met"]
            ]
            found.append({"requirement": requirement, "removal": "dense", "weights": sorted(dense)[:1]})
        if self.json:
            show({"out": self.out, "seeds": self.seeds, "fewest": found}, True)
            return
        for one in found:
            tested = ", ".join(f"{value:.3g}" for value in one.get("measured", ()))
            test = f"; {one['measure']} on other starts {tested}; met: {one['met']}" if tested else ""
            print(f"{one['requirement']}, {one['removal']}: {one['weights']} weights{test}")


def _call(function: Callable[..., list[Row]], *arguments: Any) -> list[Row]:
    return function(*arguments)


def _pruned(name: str, removal: str, seed: int, out: Path) -> list[Row]:
    requirement, folder = REQUIREMENTS[name], out / name / f"{removal}-{seed}"
    network = find_minimum(requirement, seed, folder, removal=removal, log=lambda line: print(line, file=sys.stderr))
    rows = [describe(requirement, one, seed, removal, one.info["measures"]) for one in path(folder)]
    return rows if network is None else [*rows, describe(requirement, network, seed, f"{removal}, test")]


def _dense(name: str, hidden: tuple[int, ...], seed: int, out: Path) -> list[Row]:
    requirement = REQUIREMENTS[name]
    return [describe(requirement, train_dense(requirement, hidden, seed, out / name), seed, "dense")]


if __name__ == "__main__":
    sys.exit(run_program(FewestWeights, prog="fewest_weights"))
