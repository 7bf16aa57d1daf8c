"""How many flights are lost under pairs and triples of perturbations, drawn at random from their whole ranges?

`python -m mothsim.demos.reproduce.combined_perturbations` flies policies that are informed of none of them. Flights
under one combination share its fate, so intervals are over combinations, of which there should be hundreds.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import mothsim
from mothsim.controllers.evaluation.statistics import interval
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policy import Policy
from mothsim.demos.cli.output import show_rows, wrote
from mothsim.demos.options import Count, Counts, Seconds, Seed, each_once
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder
from mothsim.perturbations import Perturbation
from mothsim.plotting.figures import save_figure
from mothsim.plotting.style import figure_style
from mothsim.tables import Row, grouped, write_table

RANGES = {"delay": (0.0, 0.06), "sensor_noise": (0.0, 0.05), "gusts": (0.0, 300.0), "size": (0.8, 1.25),
          "abdomen": (0.5, 2.0)}  # fmt: skip
"""Attributes of `Perturbation` and their ranges, those of `mothsim evaluate --robustness --harder`."""
_FACTORS = ("size", "abdomen")  # of which a half is as likely as a double
_TASKS = ("hover", "sum-of-primes")


@dataclass
class CombinedPerturbations:
    """Fly policies under perturbations drawn at random, several at once, and count what is lost."""

    policies: tuple[str, ...] = ("robust",)
    """Policies that ship, or their files."""
    at_once: Counts = (1, 2, 3)
    """How many perturbations at once."""
    combinations: Count = 200
    """Combinations of each number."""
    moths: Count = 4
    """Flights under each combination, in hover and in the sum of primes."""
    duration: Seconds = 5.0
    """Seconds of a flight."""
    seed: Seed = 0
    """Of combinations and starts."""
    out: Path = Path("out/combined-perturbations")
    """Folder for combinations.csv and combinations.png."""

    def run(self) -> None:
        """Fly, draw and print.

        Raises:
            ValueError: an option given twice or out of range, or a network that is no policy.
        """
        each_once("policies", self.policies)
        each_once("at_once", self.at_once)
        if max(self.at_once) > len(RANGES):
            raise ValueError(f"at_once = {self.at_once!r}: expected numbers from 1 to {len(RANGES)}")
        networks = {name: find_network(name) for name in self.policies}
        for name, network in networks.items():
            if network.kind != "policy":
                raise ValueError(f"policies: {name!r} is not a policy")
        open_folder(self.out)
        table, picture, rows = self.out / "combinations.csv", self.out / "combinations.png", []
        try:
            with tqdm(total=len(networks) * len(self.at_once) * self.combinations, file=sys.stderr) as bar:
                for name, network in networks.items():
                    for row in self._rows(name, network):
                        rows.append(row)
                        bar.update()
        finally:  # what has been flown is kept when it is interrupted
            if rows:
                write_table(rows, table)
        save_figure(draw(rows), picture)
        shares = summarise(rows)
        show_rows(shares, tuple(shares[0]), False)
        wrote(table, picture)

    def _rows(self, name: str, network: Network) -> Iterator[Row]:
        """A row a combination: what is drawn, flights, and how many of them are lost."""
        for at_once in self.at_once:
            rng = np.random.default_rng([self.seed, at_once])
            for i in range(self.combinations):
                drawn = draw_combination(rng, at_once)
                lost = 0
                for task in _TASKS:
                    flight = mothsim.fly(
                        Policy(network), task, duration=self.duration, moths=self.moths, seed=self.seed + i,
                        perturbation=drawn,
                    )  # fmt: skip
                    lost += int(flight.lost.sum())
                values = {attribute: getattr(drawn, attribute) for attribute in RANGES}
                yield {"policy": name, "at_once": at_once, **values, "flights": len(_TASKS) * self.moths, "lost": lost}


def draw_combination(rng: np.random.Generator, at_once: int) -> Perturbation:
    """Draw so many different perturbations, each from its range, sizes and masses evenly in their logarithm."""
    values = {}
    for name in rng.choice(list(RANGES), size=at_once, replace=False).tolist():
        low, high = RANGES[name]
        if name in _FACTORS:
            values[name] = math.exp(rng.uniform(math.log(low), math.log(high)))
        else:
            values[name] = rng.uniform(low, high)
    return Perturbation(f"{at_once} at once", **values)


def summarise(rows: Sequence[Row]) -> list[Row]:
    """Lost flights, per cent, by policy and number at once, with their 90 % intervals over combinations."""
    shares = []
    for (policy, at_once), group in grouped(rows, lambda row: (row["policy"], row["at_once"])).items():
        lost = np.array([[100 * row["lost"] / row["flights"]] for row in group])
        found = interval(lost, lambda values: values.mean(axis=(-2, -1)), f"lost {policy} {at_once}")
        head = {"policy": policy, "at_once": at_once, "combinations": len(group)}
        shares.append(head | dict(zip(("lost_percent", "low", "high"), found, strict=True)))
    return shares


@figure_style()
def draw(rows: Sequence[Row]) -> Figure:
    """Draw each combination as a point, by its delay and size, coloured where flights are lost."""
    panels = grouped(rows, lambda row: (row["policy"], row["at_once"]))
    policies, numbers = ({key[i]: None for key in panels} for i in (0, 1))
    shape = len(policies), len(numbers)
    figure = Figure(figsize=(0.8 + 3 * shape[1], 0.4 + 2.6 * shape[0]), layout="constrained")
    every = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False)
    for axes, ((policy, at_once), group) in zip(every.flat, panels.items(), strict=True):
        delay, size, lost = (np.array([row[name] for row in group]) for name in ("delay", "size", "lost"))
        share = 100 * lost / group[0]["flights"]
        axes.scatter(1000 * delay, size, s=4, color="#cfcac2")
        some = lost > 0
        points = axes.scatter(1000 * delay[some], size[some], s=22, c=share[some], cmap="plasma_r", vmin=0, vmax=100)
        axes.set_title(f"{policy}, {at_once} at once", fontsize=9)
        axes.grid(alpha=0.25)
    for axes in every[-1]:
        axes.set_xlabel("delay, ms")
    for axes in every[:, 0]:
        axes.set_ylabel("size")
    figure.colorbar(points, ax=list(every.flat)).set_label("lost flights, %")
    return figure


if __name__ == "__main__":
    sys.exit(run_program(CombinedPerturbations, prog="python -m mothsim.demos.reproduce.combined_perturbations"))
