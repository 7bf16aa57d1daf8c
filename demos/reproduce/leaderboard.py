"""Fly controllers and policies on what learners are compared by: `python -m mothsim.demos.reproduce.leaderboard`.

Prints and writes a Markdown table: training, weights, errors, lost flights, the share that is kept under perturbations
of which nobody is informed, and the time of a decision for one moth. A policy of one's own is named by its file.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import mothsim
from mothsim import controllers
from mothsim.demos.cli.output import wrote
from mothsim.demos.learnt_policy import label
from mothsim.demos.options import Count, Factor, Seed
from mothsim.demos.run import run
from mothsim.flight import Controller
from mothsim.io import write_atomically
from mothsim.metrics import RECOVERED_AFTER, recovered
from mothsim.perturbations import PERTURBATIONS

_HEADER = (
    "name", "training, s", "weights", "hover, cm", "sum of primes, cm", "recovered", "lost", "kept, perturbed",
    "decision, us",
)  # fmt: skip
_DURATIONS = {"hover": 5.0, "sum-of-primes": 10.0, "recover": 4.0}
_PERTURBED = {"hover": 5.0, "sum-of-primes": 4.0}  # s, under every perturbation
_SHIPPED_SECONDS = {"alone": 750.0, "robust": 7365.0}  # that training took; their files hold no times
_FEW = 5  # flights of a controller that samples at every decision, which takes milliseconds


@dataclass
class Leaderboard:
    """Fly controllers and policies on hover, the sum of primes and recovery, the first two under perturbations too."""

    controllers: tuple[str, ...] = ("lqr", "nmpc", "mppi")
    """Controllers without a network; mppi flies five times at most."""
    policies: tuple[str, ...] = ("alone", "robust", "alone-6")
    """Policies that ship, or their files."""
    moths: Count = 20
    """Flights of each task, and under each perturbation."""
    duration_scale: Factor = 1.0
    """Factor on the durations of the flights."""
    seed: Seed = 0
    """Seed of the random starts."""
    out: Path = Path("out/leaderboard")
    """Folder for leaderboard.md."""

    def run(self) -> None:
        """Fly, print and write."""
        if self.duration_scale * _DURATIONS["recover"] <= RECOVERED_AFTER:
            least = RECOVERED_AFTER / _DURATIONS["recover"]
            raise ValueError(f"duration_scale = {self.duration_scale!r}: expected above {least:g}, or none can recover")
        made = {name: controllers.make(name) for name in self.controllers}
        made |= {name: controllers.make("policy", network=name) for name in self.policies}
        rows = [self._row(name, one) for name, one in tqdm(made.items(), file=sys.stderr, unit="controller")]
        lines = [_HEADER, tuple("---" for _ in _HEADER), *rows]
        text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        print(text, end="")
        file = self.out / "leaderboard.md"
        write_atomically(file, text.encode())
        wrote(file)

    def _fly(self, controller: Controller, task: str, **options: Any) -> mothsim.Flight:
        moths = min(self.moths, _FEW) if hasattr(controller, "num_samples") else self.moths
        given = {"duration": _DURATIONS[task], "moths": moths, **options}
        given["duration"] *= self.duration_scale
        return mothsim.fly(controller, task, seed=self.seed, **given)

    def _row(self, name: str, controller: Any) -> tuple[str, ...]:
        flights = {task: self._fly(controller, task) for task in _DURATIONS}
        lost = [
            self._fly(controller, task, duration=duration, perturbation=one).lost.mean()
            for one in PERTURBATIONS.values()
            if one.name != "nominal"
            for task, duration in _PERTURBED.items()
        ]
        single = self._fly(controller, "hover", moths=None)
        network = getattr(controller, "network", None)
        errors = [f"{np.median(flights[task].rms_error):.4f}" for task in ("hover", "sum-of-primes")]
        seconds = network.info.get("training_seconds", _SHIPPED_SECONDS.get(name)) if network else None
        flown = [flight.lost for flight in flights.values()]
        return (
            f"`{label(name)}`",
            f"{seconds:.0f}" if seconds else "",
            f"{network.connections:,}" if network else "",
            *errors,
            f"{recovered(flights['recover']).mean():.0%}",
            f"{sum(int(lost.sum()) for lost in flown)} of {sum(lost.size for lost in flown)}",
            f"{1 - np.mean(lost):.0%}",
            f"{1e6 * single.decision_seconds:.1f}",
        )


if __name__ == "__main__":
    sys.exit(run(Leaderboard, prog="python -m mothsim.demos.reproduce.leaderboard"))
