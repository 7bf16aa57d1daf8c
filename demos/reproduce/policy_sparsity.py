"""How sparse may a policy be? Its tracking error against sparsity: `python -m mothsim.demos.reproduce.policy_sparsity`.

Policies that were trained by any learner, such as `python -m mothsim.demos.train_ppo`'s, are pruned by magnitude level
by level: with nothing trained again, and with a short training through the flight after every level. Policies that are
finished are files, so a killed run goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from mothsim.controllers.learning.pruning import METHODS
from mothsim.controllers.learning.training_run import run as run_training
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policies.policy_flights import fly_task
from mothsim.controllers.policies.policy_training import PolicySettings, train_policy
from mothsim.demos.cli.output import show_rows, wrote
from mothsim.demos.learnt_policy import label
from mothsim.demos.options import Count, Factor, Percents, Seed, each_once
from mothsim.demos.run import run
from mothsim.io import open_folder
from mothsim.plotting.figures import save_figure
from mothsim.plotting.style import SERIES, figure_style
from mothsim.tables import Row, write_table

TASKS = ("hover", "sum-of-primes")
COLUMNS = ("policy", "retrained", "level", "weights", *(f"{task}_{name}" for task in TASKS for name in ("cm", "lost")))


@dataclass
class PolicySparsity:
    """Prune policies level by level, fly them, and draw their errors against sparsity."""

    policies: tuple[str, ...] = ("alone",)
    """Policies that ship, or their files."""
    levels: Percents = (25.0, 50.0, 75.0, 85.0, 90.0, 95.0, 97.0, 98.0)
    """Sparsities, per cent of the weights."""
    retraining_steps: Count = 40
    """Steps of training through the flight after each level."""
    learning_rate: Factor = 1e-3
    """Of these steps, falling along a cosine at each level."""
    moths: Count = 20
    """Flights of each task."""
    seed: Seed = 0
    """Of the training and of the starts."""
    out: Path = Path("out/policy-sparsity")
    """Folder for the policies, policy-sparsity.csv and policy-sparsity.png."""

    def run(self) -> None:
        """Prune, train, fly, draw and print.

        Raises:
            ValueError: a network that is not a policy without memory, or options given twice.
        """
        each_once("levels", self.levels)
        each_once("policies", tuple(map(label, self.policies)))  # by which their files are named
        networks = {name: find_network(name) for name in self.policies}
        for name, network in networks.items():
            if network.kind != "policy" or network.has_memory:
                raise ValueError(f"policies: {name!r} is not a policy without memory")
        open_folder(self.out)
        rows = []
        with tqdm(total=len(networks) * (1 + 2 * len(self.levels)), unit="policy", file=sys.stderr) as bar:
            for name, network in networks.items():
                for row in self._rows(label(name), network):
                    rows.append(row)
                    bar.update()
        table, picture = self.out / "policy-sparsity.csv", self.out / "policy-sparsity.png"
        write_table(rows, table)
        save_figure(draw(rows), picture)
        show_rows(rows, COLUMNS, False)
        wrote(table, picture)

    def _rows(self, name: str, network: Network) -> Iterator[Row]:
        """Rows of a policy, the dense one's first, then of every level pruned alone and trained again."""
        yield self._flown(name, False, 0.0, network)
        trained = network
        for level in sorted(self.levels):
            yield self._flown(name, False, level, METHODS["global"].prune(network, level))
            settings = PolicySettings(
                tuple(network.sizes[1:-1]), self.retraining_steps, learning_rate=self.learning_rate, seed=self.seed
            )
            file = self.out / name / f"{level:g}.safetensors"
            trained = run_training(train_policy, METHODS["global"].prune(trained, level), settings, file)
            yield self._flown(name, True, level, trained)

    def _flown(self, name: str, retrained: bool, level: float, network: Network) -> Row:
        row: Row = {"policy": name, "retrained": retrained, "level": level, "weights": network.connections}
        for task in TASKS:
            error, lost, _ = fly_task(network, task, self.moths, self.seed)
            row |= {f"{task}_cm": error, f"{task}_lost": lost}
        return row


@figure_style()
def draw(rows: Sequence[Row]) -> Figure:
    """Draw errors against sparsity, a panel a task; where moths are lost there is a cross."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, task in zip(figure.subplots(1, len(TASKS)), TASKS, strict=True):
        for colour, name in zip(SERIES, dict.fromkeys(row["policy"] for row in rows), strict=False):
            for retrained, style in ((False, "--"), (True, "-")):
                curve = [
                    row for row in rows if row["policy"] == name and (row["retrained"] == retrained or not row["level"])
                ]
                errors = np.array([row[f"{task}_cm"] if np.isfinite(row[f"{task}_cm"]) else np.nan for row in curve])
                levels, lost = [row["level"] for row in curve], np.array([row[f"{task}_lost"] for row in curve])
                text = f"{name}{', trained again' if retrained else ', only pruned'}"
                axes.plot(levels, errors, style, marker="o", ms=3, color=colour, label=text)
                axes.plot(levels, np.where(lost > 0, errors, np.nan), "x", ms=8, color=colour)
        axes.set(title=task, xlabel="sparsity, %", ylabel="rms error, cm", yscale="log")
        axes.grid(alpha=0.25)
    figure.axes[0].legend(fontsize="small")
    return figure


if __name__ == "__main__":
    sys.exit(run(PolicySparsity, prog="python -m mothsim.demos.reproduce.policy_sparsity"))
