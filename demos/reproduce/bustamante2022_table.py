"""Reproduce the table of Bustamante et al. 2022: `python -m mothsim.demos.reproduce.bustamante2022_table`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from tqdm import tqdm

from mothsim.body import MothBody, Treatment
from mothsim.controllers.mpc.bustamante2022 import CASES, DECISIONS, measures, published_flight
from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Bounds, Count, Factor, Seed, each_once
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder, write_atomically

MEASURES = ("tracking_error", "work_mJ", "cost_of_transport")
PUBLISHED: dict[str, tuple[float, float, float]] = {
    "light-abdomen": (0.118032, 0.208686, 38.2616),
    "baseline": (0.0379567, 0.166477, 66.609),
    "long-petiole": (0.0231078, 0.151263, 71.5189),
    "large": (0.0199198, 6.5637, 241.55),
}
"""Published means at hand, fully actuated along the sum of primes, in the order of `MEASURES`."""

_VALUES = len(MEASURES) + 1  # of a moth: its measures, and whether it was lost
Share = Annotated[float, Bounds("a number from 0 to 100", 0, 100)]
Torque = Annotated[float, Bounds("a number from 0 on", 0)]


@dataclass
class PublishedMonteCarlo:
    """Fly the published cases, or one of your own, and print the means of the measures with 90 % intervals."""

    cases: tuple[str, ...] = tuple(PUBLISHED)
    """Cases by name, such as baseline, heavy-abdomen-soft-spring or small-long-petiole: an abdomen (light-, heavy-)
    with a spring (soft-, stiff-), or a size (small, large) with a petiole (long-, longest-). `all` is all 17 of the
    paper, `own` the case of the factors below. By default the four whose published figures are printed beside."""
    trajectory: Literal["sum-of-primes", "sine", "hover"] = "sum-of-primes"
    """What the flower does: vertical tracking along the sum of primes, as published, or along a single sine; or it
    stands still."""
    treatment: Treatment = "fa"
    """Treatment fa, fs, ua or us; the published figures are those of fa."""
    abdomen_mass_factor: Factor = 1.0
    """Factor on the abdomen's mass, in the case `own`."""
    spring_factor: Factor = 1.0
    """Factor on the spring's stiffness, in the case `own`."""
    length_scale: Factor = 1.0
    """Factor on all lengths, in the case `own`."""
    petiole_fraction: Share = 0.0
    """Added length of the petiole in body lengths, in the case `own`."""
    torque_limit: Torque = 1e5
    """Largest torques of every case, dyn cm, before scaling."""
    moths: Count = 40
    """Moths for each case, two at least."""
    decisions: Count = DECISIONS
    """Decisions of a flight, 5 ms each."""
    corrected: bool = False
    """Correct the clocks, the work and the mass, instead of computing them as published."""
    seed: Seed = 0
    """Seed of the first moth; the next has the next."""
    out: Path = Path("out/published_monte_carlo")
    """Folder for the measures of the moths flown so far, from which a killed run goes on."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Fly the moths that are missing, and print.

        Raises:
            ValueError: an unknown case, or a number out of range.
        """
        if self.moths < 2:
            raise ValueError(f"moths = {self.moths!r}: expected two or more")
        each_once("cases", self.cases, (*CASES, "own", "all"))
        open_folder(self.out)
        cases = dict.fromkeys(one for name in self.cases for one in (CASES if name == "all" else (name,)))
        rows = [self._row(name) for name in cases]
        if self.json:
            show(
                {
                    "treatment": self.treatment,
                    "trajectory": self.trajectory,
                    "as_published": not self.corrected,
                    "cases": rows,
                },
                True,
            )
            return
        for row in rows:
            print(
                f"{row['case']} ({self.treatment}, {self.trajectory}, {row['moths']} moths, {row['lost']} beyond 20 cm)"
            )
            for name in MEASURES:
                value = row[name]
                known = f", published {value['published']:.4g}: {100 * value['departure']:+.1f} %" if (
                    value["published"]) else ""  # fmt: skip
                print(f"  {name:18s} {value['mean']:.4g} [{value['low']:.4g}, {value['high']:.4g}]{known}")

    def _body(self, name: str) -> tuple[MothBody, tuple[float, float, float] | None]:
        own = {"abdomen_mass_factor": self.abdomen_mass_factor, "spring_factor": self.spring_factor,
               "length_scale": self.length_scale, "petiole_fraction": self.petiole_fraction}  # fmt: skip
        factors = {**CASES, "own": own}[name]
        published = PUBLISHED.get(name)
        comparable = self.treatment == "fa" and self.trajectory == "sum-of-primes" and not self.corrected
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
        """Return the measures of every moth by seed, flown or read from the folder."""
        key = {"body": repr(body), "treatment": self.treatment, "decisions": self.decisions,
               "as_published": not self.corrected}  # fmt: skip
        where = "" if self.trajectory == "sum-of-primes" else f"-{self.trajectory}"
        file = self.out / f"{name}-{self.treatment}{where}{'-corrected' if self.corrected else ''}.json"
        flown = _kept(file, key)
        wanted = [str(self.seed + moth) for moth in range(self.moths)]
        for seed in tqdm([seed for seed in wanted if seed not in flown], desc=name, unit="moth", leave=False):
            flight = published_flight(self.treatment, body, seed=int(seed), as_published=not self.corrected,
                                      decisions=self.decisions, trajectory=self.trajectory)  # fmt: skip
            found = measures(flight, as_published=not self.corrected)
            flown[seed] = [float(found.tracking_error), float(found.work), float(found.cost_of_transport),
                           float(flight.lost)]  # fmt: skip
            write_atomically(file, json.dumps({"key": key, "moths": flown}).encode())
        wrote(file)
        return flown


def _kept(file: Path, key: dict[str, Any]) -> dict[str, list[float]]:
    """Return the moths that a file holds of these settings, none where it is missing, damaged or of other settings."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        moths = kept["moths"] if kept["key"] == key else {}
        return {seed: [float(value) for value in values] for seed, values in moths.items() if len(values) == _VALUES}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        print(f"bustamante2022_table: {file}: damaged; its moths are flown again", file=sys.stderr)
        return {}


if __name__ == "__main__":
    sys.exit(run_program(PublishedMonteCarlo, prog="bustamante2022_table"))
