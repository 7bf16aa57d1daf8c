"""Train inverse models on through their flight, so that they fly alone: neither LQR nor the engine beside them.

`python -m mothsim.demos.reproduce.inverse_models_alone --networks sparse-93` makes the network `inverse-93` that ships
with the package, with its defaults. Killed at any moment, it goes on and ends in the same bits.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

import mothsim
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.learning.flight_run import train_through_flight
from mothsim.controllers.learning.flight_training import FlightSettings, FlightState
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network
from mothsim.demos.cli.output import wrote
from mothsim.demos.options import Count, Factor, Seed
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder

_TASKS = {"hover": 5.0, "sum-of-primes": 10.0, "figure-eight": 5.0, "forward": 5.0, "recover": 4.0}
_STARTS = 5000  # seed, apart from those of `mothsim evaluate`


@dataclass
class InverseModelsAlone:
    """Train inverse models on through their flight, then fly them alone from random starts."""

    networks: tuple[str, ...] = ("sparse-93",)
    """Names of shipped networks, or files."""
    steps: Count = 300
    """Training steps."""
    learning_rate: Factor = 6e-5
    """Learning rate at its peak."""
    flights: Count = 100
    """Number of flights of each task in the test."""
    seed: Seed = 0
    """Seed of training."""
    out: Path = Path("out/inverse")
    """Folder for the networks."""

    def run(self) -> None:
        """Train, fly, and print a table."""
        settings = FlightSettings(steps=self.steps, learning_rate=self.learning_rate, seed=self.seed)
        if not self.networks:
            raise ValueError("networks: expected at least one")
        files = {name: self.out / f"inverse-{Path(name).stem.removeprefix('sparse-')}.safetensors"
                 for name in self.networks}  # fmt: skip
        networks = {name: find_network(name) for name in files}
        open_folder(self.out)
        print(f"{'network':<16} {'weights':>8} {'loss':>8}" + "".join(f" {task:>13}" for task in _TASKS) + "  lost")
        for name, file in files.items():
            network = networks[name]
            with tqdm(total=self.steps, desc=file.stem, unit="step", file=sys.stderr) as bar:

                def report(state: FlightState, bar: tqdm = bar) -> None:
                    bar.update(len(state.curve) - bar.n)
                    bar.set_postfix(error=f"{state.curve[-50:, 0].mean():.3f}", refresh=False)

                trained = train_through_flight(network, file, settings, report)
            for label, flown in ((name, network), (file.stem, trained)):
                print(self._tested(label, flown), flush=True)
        wrote(*files.values())

    def _tested(self, name: str, network: Network) -> str:
        """A row: median errors in cm, of `recover` how many are back, and how many of all flights are lost."""
        controller, cells, lost = InverseModel(network, waypoint="kinematic"), [], 0
        for task, duration in _TASKS.items():
            flight = mothsim.fly(controller, task, duration=duration, moths=self.flights, seed=_STARTS)
            lost += int(flight.lost.sum())
            back = mothsim.metrics.recovered(flight).sum()
            cells.append(f"{back} back" if task == "recover" else f"{np.median(flight.rms_error):.4f}")
        loss = network.info.get("test_loss", np.nan)
        return (
            f"{name:<16} {network.connections:8,} {loss:8.1e}"
            + "".join(f" {cell:>13}" for cell in cells)
            + (f"  {lost}")
        )


if __name__ == "__main__":
    sys.exit(run_program(InverseModelsAlone, prog="inverse_models_alone"))
