"""Fly networks on a body that they were not pruned on, and fine-tune them for it, as they are connected.

Future work of Zahn et al. 2022: a moth that has fed is heavier by up to half. `python -m
mothsim.demos.reproduce.networks_on_other_bodies` tells for each network and mass its loss on segments of that body, and
how it flies, before and after some training on them; no connection is added.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

import mothsim
from mothsim.body import MothBody
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.learning.data import TESTING, Dataset, make_dataset
from mothsim.controllers.learning.jax_numerics import training_numerics
from mothsim.controllers.learning.protocols import COSINE
from mothsim.controllers.learning.train_and_prune import TEST_SEED
from mothsim.controllers.learning.training import fresh, train
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network, save_network
from mothsim.demos.cli.output import wrote
from mothsim.demos.options import Bounds, Count, Factor, Seed
from mothsim.demos.run import run as run_program
from mothsim.disturbances import after_drink
from mothsim.io import open_folder
from mothsim.tables import write_table

Masses = Annotated[tuple[float, ...], Bounds("factors from 0.5 to 3", 0.5, 3)]
SCHEMA = {"network": str, "weights": int, "mass_factor": float, "training": str, "loss": float, "task": str,
          "rms_error_cm": float, "lost": int, "flights": int}  # fmt: skip
"""Columns of the table."""
_TASKS = {"hover": 4.0, "sum-of-primes": 4.0, "recover": 4.0}
_STARTS = 7000  # seed of the starts


@dataclass
class NetworksOnOtherBodies:
    """Fly networks alone on heavier bodies, before and after fine-tuning on these; prints and writes a table."""

    networks: tuple[str, ...] = ("small", "inverse-93")
    """Names of shipped inverse models, files, or STUDY@LEVEL:INDEX."""
    mass_factors: Masses = (1.0, 1.5)
    """Factors on the whole moth's mass; what is added is in the abdomen."""
    segments: Count = 500_000
    """Segments of each body to fine-tune on."""
    steps: Count = 2000
    """Steps of fine-tuning."""
    learning_rate: Factor = 3e-4
    """Learning rate at its peak."""
    flights: Count = 40
    """Flights of each task."""
    seed: Seed = 0
    """Seed of the segments."""
    out: Path = Path("out/other_bodies")
    """Folder for the table and the fine-tuned networks."""

    def run(self) -> None:
        """Test, fine-tune, test again and print.

        Raises:
            ValueError: no network, an unknown one, or a fully actuated moth's.
        """
        if not self.networks:
            raise ValueError("networks = (): expected at least one")
        networks = {name: find_network(name) for name in self.networks}
        for name, network in networks.items():
            if network.kind != "inverse-model" or network.fully_actuated:
                raise ValueError(f"networks = {name!r}: expected an inverse model of three controls")
        open_folder(self.out)
        rows, files = [], []
        for factor in self.mass_factors:
            body = fed(factor)
            for name, network in tqdm(networks.items(), f"mass x {factor:g}", unit="network", file=sys.stderr):
                data = make_dataset(
                    self.segments, self.seed, near_flight=COSINE.near_flight, scaling=network.scaling, body=body
                )
                tests = make_dataset(20_000, TEST_SEED, TESTING, scaling=network.scaling, body=body)
                tuned = fine_tuned(network, data, self.steps, self.learning_rate)
                files.append(self.out / f"{Path(name).stem}-{factor:g}.safetensors")
                save_network(tuned, files[-1])
                for training, one in (("before", network), ("after", tuned)):
                    rows += self._tested(name, one, factor, training, body, tests)
        table = self.out / "other-bodies.csv"
        write_table(rows, table, SCHEMA)
        _print(rows)
        wrote(table, *files)

    def _tested(
        self, name: str, network: Network, factor: float, training: str, body: MothBody, tests: Dataset
    ) -> list[dict]:
        """Rows of a network on a body, one a task: median error of the flights that are not lost, and how many are."""
        scaling = network.scaling
        loss = network.loss(_unscaled(tests.inputs, scaling.input_min, scaling.input_max),
                            _unscaled(tests.outputs, scaling.output_min, scaling.output_max))  # fmt: skip
        rows = []
        for task, duration in _TASKS.items():
            controller = InverseModel(network, waypoint="kinematic")
            flight = mothsim.fly(controller, task, duration=duration, moths=self.flights, seed=_STARTS, body=body)
            lost = int(flight.lost.sum())
            error = float(np.median(flight.rms_error[~flight.lost])) if lost < self.flights else math.nan
            rows.append({"network": name, "weights": network.connections, "mass_factor": factor, "training": training,
                         "loss": loss, "task": task, "rms_error_cm": error, "lost": lost,
                         "flights": self.flights})  # fmt: skip
        return rows


def fed(mass_factor: float) -> MothBody:
    """Return Zahn et al.'s moth with its mass times a factor, by the density of the abdomen.

    Raises:
        ValueError: the abdomen would weigh nothing.
    """
    body = MothBody()
    if mass_factor <= body.head_mass / body.mass:
        raise ValueError(f"mass_factor = {mass_factor!r}: expected one above {body.head_mass / body.mass:.3f}")
    return after_drink(body, mass_factor - 1)


@training_numerics()
def fine_tuned(network: Network, data: Dataset, steps: int, learning_rate: float) -> Network:
    """Train a network's weights on, those that are not pruned, by the protocol `cosine` at another peak rate."""
    protocol = dataclasses.replace(COSINE, peak_learning_rate=learning_rate)
    state = train(fresh(network.weights, network.biases), network.masks, data, protocol, steps)
    info = {key: value for key, value in network.info.items() if key not in ("test_loss", "learning_curve")}
    return dataclasses.replace(network, weights=state.weights, biases=state.biases, info=info)


def _unscaled(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return (values.astype(np.float64) + 0.5) * (high - low) + low


def _print(rows: list[dict]) -> None:
    print(f"{'network':<14} {'weights':>8} {'mass x':>7} {'training':>8} {'loss':>8}"
          + "".join(f" {task + ', cm (lost)':>24}" for task in _TASKS))  # fmt: skip
    for first in range(0, len(rows), len(_TASKS)):
        row = rows[first]
        cells = [
            f"{one['rms_error_cm']:.3f} ({one['lost']} of {one['flights']})" for one in rows[first:][: len(_TASKS)]
        ]
        head = (
            f"{row['network']:<14} {row['weights']:8,} {row['mass_factor']:7g} {row['training']:>8} {row['loss']:8.1e}"
        )
        print(head + "".join(f" {cell:>24}" for cell in cells))


if __name__ == "__main__":
    sys.exit(run_program(NetworksOnOtherBodies, prog="networks_on_other_bodies"))
