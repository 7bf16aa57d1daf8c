"""Train inverse models on through their flight, so that they fly alone: neither LQR nor the engine beside them.

`python -m mothsim.demos.reproduce.inverse_models_alone --networks sparse-93` makes the network `inverse-93` that ships
with the package, with its defaults. Of folders of pruned networks it draws the curve that Zahn et al. 2022 could not:
how well they fly alone against their sparsity. Killed at any moment, it goes on and ends in the same bits; networks
that flew do not fly again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm import tqdm

import mothsim
from mothsim.controllers.evaluation.rollouts import pruning_level
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.learning.flight_run import train_through_flight
from mothsim.controllers.learning.flight_training import FlightSettings, FlightState
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network, shipped_networks
from mothsim.controllers.policies.policy_flights import DURATIONS
from mothsim.demos.cli.output import wrote
from mothsim.demos.options import Count, Factor, Seed
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder
from mothsim.plotting.figures import save_figure
from mothsim.plotting.style import SERIES, figure_style
from mothsim.tables import Row, Schema, read_table, write_table

SCHEMA: Schema = {
    "curve": str, "network": str, "trained_in_flight": bool, "level": float, "weights": int, "loss": float,
    **{f"{task}_cm": float for task in DURATIONS}, "recovered": int, "lost": int, "flights": int,
}  # fmt: skip
"""Columns of the table: the folder and the name of a network, its sparsity in per cent, its loss on Zahn et al.'s
segments, median errors, how many of `recover` are back, and how many of all flights are lost."""
_PANELS = {"hover_cm": "hover, rms error, cm", "sum-of-primes_cm": "sum of primes, rms error, cm",
           "recovered": "back on target in recover, %", "loss": "loss on Zahn et al.'s segments"}  # fmt: skip
_PASSES = 1e-3  # Zahn et al.'s threshold of the loss
_STARTS = 5000  # seed, apart from those of `mothsim evaluate`


class Source(NamedTuple):
    """A network to be trained in flight: the folder it is from, if any, its name, and the file for the result."""

    curve: str
    name: str
    file: Path


@dataclass
class InverseModelsAlone:
    """Train inverse models on through their flight, then fly them alone from random starts."""

    networks: tuple[str, ...] = ("sparse-93",)
    """Names of shipped networks, files, or folders of files, such as `mothsim train inverse-model` writes; of these
    flights are drawn against sparsity, a curve a folder."""
    steps: Count = 300
    """Training steps."""
    learning_rate: Factor = 6e-5
    """Learning rate at its peak."""
    flights: Count = 100
    """Number of flights of each task in the test."""
    seed: Seed = 0
    """Seed of training."""
    out: Path = Path("out/inverse")
    """Folder for the networks, for inverse-models-alone.csv and, of folders, inverse-models-alone.png."""

    def run(self) -> None:
        """Train, fly, and print a table."""
        if not self.networks:
            raise ValueError("networks: expected at least one")
        sources = [source for name in self.networks for source in self._sources(name)]
        if len({source.file for source in sources}) < len(sources):
            raise ValueError(f"networks = {self.networks!r}: expected folders and files of different names")
        networks = [find_network(source.name) for source in sources]
        open_folder(self.out)
        table, picture = (self.out / f"inverse-models-alone.{kind}" for kind in ("csv", "png"))
        print(f"{'network':<16} {'weights':>8} {'loss':>8}" + "".join(f" {task:>13}" for task in DURATIONS)
              + f" {'back':>4} lost of {len(DURATIONS) * self.flights}")  # fmt: skip
        rows = []
        for source, network in zip(sources, networks, strict=True):
            for row in self._rows(source, network):
                rows.append(row)
                print(_line(row), flush=True)
        write_table(rows, table, SCHEMA)
        curves = [row for row in rows if row["curve"]]
        if curves:
            save_figure(draw(curves), picture)
        wrote(*(source.file for source in sources), table, *([picture] if curves else []))

    def _sources(self, name: str) -> Iterator[Source]:
        """The network of this name, or those of the folder."""
        if name in shipped_networks() or not Path(name).is_dir():
            yield Source("", name, self.out / f"inverse-{Path(name).stem.removeprefix('sparse-')}.safetensors")
            return
        files = sorted(Path(name).glob("*.safetensors"))
        if not files:
            raise ValueError(f"networks: {name!r} has no .safetensors file; expected a folder of networks")
        curve = Path(name).resolve().name
        if (self.out / curve).resolve() == Path(name).resolve():
            raise ValueError(f"out = {str(self.out)!r}: expected a folder that does not hold {name!r}")
        for file in files:
            yield Source(curve, str(file), self.out / curve / f"inverse-{file.name}")

    def _rows(self, source: Source, network: Network) -> list[Row]:
        """Rows of a network before and after, from their file where they flew already."""
        trained = self._trained(source.file, network)
        file = source.file.with_suffix(".csv")
        if file.exists():
            rows = read_table(file, SCHEMA)
            if all(row["flights"] == len(DURATIONS) * self.flights for row in rows):
                return rows
        rows = [
            {"curve": source.curve, "network": name, "trained_in_flight": flown is trained, **self._flown(flown)}
            for name, flown in ((Path(source.name).stem, network), (source.file.stem, trained))
        ]
        write_table(rows, file, SCHEMA)
        return rows

    def _trained(self, file: Path, network: Network) -> Network:
        settings = FlightSettings(steps=self.steps, learning_rate=self.learning_rate, seed=self.seed)
        with tqdm(total=self.steps, desc=file.stem, unit="step", file=sys.stderr) as bar:

            def report(state: FlightState) -> None:
                bar.update(len(state.curve) - bar.n)
                bar.set_postfix(error=f"{state.curve[-50:, 0].mean():.3f}", refresh=False)

            return train_through_flight(network, file, settings, report)

    def _flown(self, network: Network) -> Row:
        """What a network is, and how it flies alone."""
        row: Row = {"level": pruning_level(network), "weights": network.connections,
                    "loss": float(network.info.get("test_loss", np.nan)), "recovered": 0, "lost": 0,
                    "flights": len(DURATIONS) * self.flights}  # fmt: skip
        controller = InverseModel(network, waypoint="kinematic")
        for task, duration in DURATIONS.items():
            flight = mothsim.fly(controller, task, duration=duration, moths=self.flights, seed=_STARTS)
            row[f"{task}_cm"] = float(np.median(flight.rms_error))
            row["lost"] += int(flight.lost.sum())
            if task == "recover":
                row["recovered"] = int(mothsim.metrics.recovered(flight).sum())
        return row


def _line(row: Row) -> str:
    """A row of the printed table: median errors in cm, of `recover` how many are back, and all that are lost."""
    errors = "".join(f" {row[f'{task}_cm']:13.4f}" for task in DURATIONS)
    name = "/".join(part for part in (row["curve"], row["network"]) if part)
    return f"{name:<16} {row['weights']:8,} {row['loss']:8.1e}{errors} {row['recovered']:4} {row['lost']}"


@figure_style()
def draw(rows: Sequence[Row]) -> Figure:
    """Draw errors, moths that recover and loss against sparsity, a colour a curve; dashed before training in flight."""
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    for axes, (column, title) in zip(figure.subplots(2, 2).flat, _PANELS.items(), strict=True):
        for colour, curve in zip(SERIES, dict.fromkeys(row["curve"] for row in rows), strict=False):
            for trained, style in ((False, "--"), (True, "-")):
                some = [row for row in rows if (row["curve"], row["trained_in_flight"]) == (curve, trained)]
                values = np.array([row[column] for row in some], dtype=float)
                if column == "recovered":
                    values *= 100 * len(DURATIONS) / np.array([row["flights"] for row in some])
                left = [100 - row["level"] for row in some]
                text = f"{curve}, {'trained in flight' if trained else 'as trained on segments'}"
                axes.plot(left, np.where(np.isfinite(values), values, np.nan), style, marker="o", ms=3, color=colour,
                          label=text)  # fmt: skip
        axes.set(title=title, yscale="linear" if column == "recovered" else "log")
        _by_sparsity(axes)
    figure.axes[-1].axhline(_PASSES, color="0.5", lw=0.8)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small")
    return figure


def _by_sparsity(axes: Axes) -> None:
    """Spread sparsities by the logarithm of the weights that are left, so that the sparsest do not crowd."""
    ticks = (0, 25, 50, 75, 85, 90, 93, 95, 97, 98)
    axes.set_xscale("log")
    axes.set_xticks([100 - level for level in ticks], [str(level) for level in ticks])
    axes.minorticks_off()
    axes.invert_xaxis()
    axes.set_xlabel("sparsity, %")
    axes.grid(alpha=0.25)


if __name__ == "__main__":
    sys.exit(run_program(InverseModelsAlone, prog="inverse_models_alone"))
