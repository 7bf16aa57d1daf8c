"""The README's table: `python -m demos.headline`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tyro

import controllers
import mothsim
from controllers.airworthiness import airworthiness
from controllers.inverse_model import InverseModel
from controllers.learning.storage import find_network

NAMES = ("dense", "sparse-93", "sparse-98", "small")
JUDGING = 2000
"""Seed of the starts; no network was chosen on these."""


@dataclass
class Headline:
    """Fly LQR and every shipped network from random starts, and print a table of median errors."""

    flights: int = 100
    """Each on its own start."""
    hover_seconds: float = 5.0
    """Length of a hover."""
    primes_seconds: float = 10.0
    """Length of a flight along the sum of primes."""
    seed: int = JUDGING
    """Of the starts."""

    def run(self) -> None:
        """Fly and print, as Markdown."""
        print("| controller | weights | loss | spectral radius | hover, cm | sum of primes, cm | lost |")
        print("|---|---|---|---|---|---|---|")
        print(f"| LQR, no network | | | | {self._fly(controllers.make('lqr'))} |")
        for name in NAMES:
            network = find_network(name)
            radius = airworthiness(network).spectral_radius
            print(f"| `{name}` | {network.connections:,} | {network.info['test_loss']:.1e} | {radius:.3f} "
                  f"| {self._fly(InverseModel(network))} |", flush=True)  # fmt: skip

    def _fly(self, controller: mothsim.Controller) -> str:
        tasks = {"hover": self.hover_seconds, "sum-of-primes": self.primes_seconds}
        flown = [
            mothsim.fly(controller, task, duration=seconds, moths=self.flights, seed=self.seed)
            for task, seconds in tasks.items()
        ]
        medians = " | ".join(f"{np.median(flight.rms_error):.4f}" for flight in flown)
        lost = sum(int(flight.lost.sum()) for flight in flown)
        return f"{medians} | {lost} of {len(flown) * self.flights}"


if __name__ == "__main__":
    tyro.cli(Headline).run()
