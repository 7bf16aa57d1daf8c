"""How few connections does flight need? `python -m demos.fewest`

For each of three goals networks are pruned by the optimal brain surgeon for as long as they do what is asked: a loss
of 1e-3 on Zahn et al.'s segments, gentle flight, the whole envelope of flight. Beside them stand small dense networks,
as well trained. Killed at any moment, the same command goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from joblib import Parallel, delayed
from tqdm import tqdm

from controllers.evaluation.fewest import describe, path, prune, train_dense
from controllers.evaluation.fewest_picture import PANELS, draw_fewest
from controllers.evaluation.goals import GOALS
from controllers.evaluation.tables import Row, as_csv
from controllers.learning.storage import save_network, write_atomically
from demos.output import show, wrote
from mothsim.figures import save_figure


@dataclass
class Fewest:
    """Prune for the fewest weights that do what is asked, draw them, and print them."""

    goals: tuple[Literal["loss", "gentle", "envelope"], ...] = ("loss", "gentle", "envelope")
    """What is asked; for the numbers see `controllers/evaluation/goals.py`."""
    seeds: tuple[int, ...] = (0, 1, 2, 3)
    """Of first weights and segments, one pruning each."""
    dense: bool = True
    """Train small dense networks as well."""
    workers: int = os.cpu_count() or 1
    """Processes."""
    out: Path = Path("out/fewest")
    """Folder for the networks, the table and the picture."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Prune, judge, draw and print."""
        work = [delayed(_pruned)(goal, seed, self.out) for goal in self.goals for seed in self.seeds]
        if self.dense:
            work += [
                delayed(_dense)(goal, hidden, seed, self.out)
                for goal in self.goals for hidden in GOALS[goal].dense for seed in self.seeds
            ]  # fmt: skip
        parts: Any = Parallel(self.workers, return_as="generator", inner_max_num_threads=1, backend="loky")(work)
        rows = [row for part in tqdm(parts, total=len(work), desc="pruning", file=sys.stderr) for row in part]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        table, picture = self.out / "fewest.csv", self.out / "fewest.png"
        write_atomically(table, as_csv([{**dict.fromkeys(columns), **row} for row in rows], columns))
        save_figure(draw_fewest(rows), picture)
        self._print(rows)
        wrote(table, picture)

    def _print(self, rows: Sequence[Row]) -> None:
        found = []
        for goal in self.goals:
            judged = [row for row in rows if row["goal"] == goal and row["way"] == "fewest"]
            bound = [row for row in rows if row["goal"] == goal and row["way"] == "dense" and row["met"]]
            found.append({
                "goal": goal,
                "fewest": [row["weights"] for row in judged],
                "met": [row["met"] for row in judged],
                "measure": PANELS[goal][0],
                "measured": [row[PANELS[goal][0]] for row in judged],
                "fewest_dense": min((row["weights"] for row in bound), default=None),
            })  # fmt: skip
        if self.json:
            show({"out": self.out, "seeds": self.seeds, "goals": found}, True)
            return
        for one in found:
            measured = ", ".join(f"{value:.3g}" for value in one["measured"])
            print(f"{one['goal']}: {one['fewest']} weights, seed by seed; dense, {one['fewest_dense']}")
            print(f"    {one['measure']} on other starts {measured}; met: {one['met']}")


def _pruned(name: str, seed: int, out: Path) -> list[Row]:
    goal, folder = GOALS[name], out / name / f"seed-{seed}"
    network = prune(goal, seed, folder, lambda line: print(line, file=sys.stderr))
    rows = [describe(goal, one, seed, "pruned", one.info["measures"]) for one in path(folder)]
    if network is not None:
        rows.append(describe(goal, network, seed, "fewest"))
        save_network(network, out / f"{name}-{seed}.safetensors")
    return rows


def _dense(name: str, hidden: tuple[int, ...], seed: int, out: Path) -> list[Row]:
    goal = GOALS[name]
    return [describe(goal, train_dense(goal, hidden, seed, out / name), seed, "dense")]


if __name__ == "__main__":
    tyro.cli(Fewest).run()
