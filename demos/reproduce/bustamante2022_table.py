"""Bustamante et al. 2022's Monte Carlo figures again: `python -m mothsim.demos.reproduce.bustamante2022_table`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from tqdm import tqdm

from mothsim.body import MothBody, Treatment
from mothsim.controllers.mpc.bustamante2022 import DECISIONS, measures, published_flight
from mothsim.demos.cli.output import show, wrote
from mothsim.io import write_atomically

MEASURES = ("tracking_error", "work_mJ", "cost_of_transport")
CASES: dict[str, tuple[dict[str, float], tuple[float, float, float] | None]] = {
    "light-abdomen": ({"abdomen_mass_factor": 0.1}, (0.118032, 0.208686, 38.2616)),
    "baseline": ({}, (0.0379567, 0.166477, 66.609)),
    "long-petiole": ({"petiole_fraction": 0.2}, (0.0231078, 0.151263, 71.5189)),
    "large": ({"length_scale": 2.0}, (0.0199198, 6.5637, 241.55)),
}
"""How each published case departs from the moth, and its published means, in the order of `MEASURES`."""


@dataclass
class PublishedMonteCarlo:
    """Fly the published cases, or one of your own, and print their means with 90 % intervals."""

    cases: tuple[str, ...] = tuple(CASES)
    """Of light-abdomen, baseline, long-petiole, large; own is the case of the factors below."""
    treatment: Treatment = "fa"
    """fa, fs, ua or us; the published figures are those of fa."""
    abdomen_mass_factor: float = 1.0
    """Of the case own, as the three below."""
    spring_factor: float = 1.0
    """Times the spring."""
    length_scale: float = 1.0
    """Times all lengths."""
    petiole_fraction: float = 0.0
    """Longer petiole, in body lengths."""
    torque_limit: float = 1e5
    """Largest torques of every case, dyn cm, before scaling."""
    moths: int = 40
    """A case."""
    decisions: int = DECISIONS
    """A flight, 5 ms each."""
    corrected: bool = False
    """With the clocks, the work and the mass put right, instead of as published."""
    seed: int = 0
    """Of the first moth; the next has the next."""
    out: Path = Path("out/published_monte_carlo")
    """Folder for the moths flown so far: a killed run goes on."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Fly what is not flown yet, and print.

        Raises:
            ValueError: an unknown case, or a number out of range.
        """
        if self.moths < 2:
            raise ValueError(f"moths = {self.moths!r}: expected two or more")
        rows = [self._row(name) for name in self.cases]
        if self.json:
            show({"treatment": self.treatment, "as_published": not self.corrected, "cases": rows}, True)
            return
        for row in rows:
            print(f"{row['case']} ({self.treatment}, {row['moths']} moths, {row['lost']} beyond 20 cm)")
            for name in MEASURES:
                value = row[name]
                known = f", published {value['published']:.4g}: {100 * value['departure']:+.1f} %" if (
                    value["published"]) else ""  # fmt: skip
                print(f"  {name:18s} {value['mean']:.4g} [{value['low']:.4g}, {value['high']:.4g}]{known}")

    def _body(self, name: str) -> tuple[MothBody, tuple[float, float, float] | None]:
        own = {"abdomen_mass_factor": self.abdomen_mass_factor, "spring_factor": self.spring_factor,
               "length_scale": self.length_scale, "petiole_fraction": self.petiole_fraction}  # fmt: skip
        known = {**CASES, "own": (own, None)}
        if name not in known:
            raise ValueError(f"cases = {name!r}: expected one of {', '.join(known)}")
        factors, published = known[name]
        comparable = self.treatment == "fa" and not self.corrected
        body = MothBody.bustamante2022(self.treatment, torque_limit=self.torque_limit, **factors)
        return body, published if comparable else None

    def _row(self, name: str) -> dict[str, Any]:
        from scipy.stats import t

        body, published = self._body(name)
        flown = self._flown(name, body)
        values = np.array([flown[str(self.seed + moth)] for moth in range(self.moths)])
        row: dict[str, Any] = {"case": name, "moths": self.moths, "lost": int(values[:, 3].sum())}
        for column, measure in enumerate(MEASURES):
            mean = float(values[:, column].mean())
            if not np.isfinite(mean):
                row[measure] = {"mean": mean, "low": mean, "high": mean, "published": None, "departure": None}
                continue
            half = float(t.ppf(0.95, self.moths - 1) * values[:, column].std(ddof=1) / np.sqrt(self.moths))
            goal = published[column] if published else None
            row[measure] = {"mean": mean, "low": mean - half, "high": mean + half, "published": goal,
                            "departure": mean / goal - 1 if goal else None}  # fmt: skip
        return row

    def _flown(self, name: str, body: MothBody) -> dict[str, list[float]]:
        """The measures of every moth by seed, flown or read from the folder."""
        key = {"body": repr(body), "treatment": self.treatment, "decisions": self.decisions,
               "as_published": not self.corrected}  # fmt: skip
        file = self.out / f"{name}-{self.treatment}{'-corrected' if self.corrected else ''}.json"
        kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        flown = kept.get("moths", {}) if kept.get("key") == key else {}
        wanted = [str(self.seed + moth) for moth in range(self.moths)]
        for seed in tqdm([seed for seed in wanted if seed not in flown], desc=name, unit="moth", leave=False):
            flight = published_flight(self.treatment, body, seed=int(seed), as_published=not self.corrected,
                                      decisions=self.decisions)  # fmt: skip
            found = measures(flight, as_published=not self.corrected)
            flown[seed] = [float(found.tracking_error), float(found.work), float(found.cost_of_transport),
                           float(flight.lost)]  # fmt: skip
            write_atomically(file, json.dumps({"key": key, "moths": flown}).encode())
        wrote(file)
        return flown


if __name__ == "__main__":
    try:
        tyro.cli(PublishedMonteCarlo).run()
    except ValueError as error:
        sys.exit(f"published_monte_carlo: {error}")
