"""Count the motifs of a study's networks by level: `python -m mothsim.demos.reproduce.motifs_of_a_study out/study`.

Motifs are future work of Zahn et al. 2022. Every network is compared with random ones, see
`mothsim.controllers.zahn2022.motifs`.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from tqdm import tqdm
from tyro.conf import Positional

from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.zahn2022.motif_figure import draw_motifs
from mothsim.controllers.zahn2022.motifs import MOTIFS, compare_motifs
from mothsim.controllers.zahn2022.study_files import study_networks
from mothsim.demos.cli.output import wrote
from mothsim.demos.options import Bounds, Count, Percents, Seed
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder
from mothsim.plotting.figures import save_figure
from mothsim.tables import write_table

Samples = Annotated[int, Bounds("a whole number from 2 on", 2, 1e6)]
SCHEMA = {"network": str, "level": float, "motif": str, "null": str, "count": float, "mean": float,
          "deviation": float, "z": float}  # fmt: skip
"""Columns of the table."""


@dataclass
class MotifsOfAStudy:
    """Count motifs by level and compare them with random networks; prints medians, writes a table and a picture."""

    study: Positional[Path]
    """Folder of a study, or of a sweep."""
    levels: Percents = ()
    """Sparsities, per cent; by default all of the study but 0, where every random network is the same."""
    networks: Count = 8
    """Number of networks of each level, the first ones."""
    samples: Samples = 500
    """Random networks that each network is compared with, for each of the two nulls."""
    seed: Seed = 0
    """Seed of the random networks."""
    out: Path = Path("out/motifs")
    """Folder for the table and the picture."""

    def run(self) -> None:
        """Count, compare, draw and print.

        Raises:
            ValueError: the folder holds no study, or has not finished a level.
        """
        chosen = self._chosen()
        open_folder(self.out)
        rows: list[dict[str, Any]] = []
        for name, key, level in tqdm(chosen, unit="network", file=sys.stderr):
            scores = compare_motifs(find_network(key).masks, self.samples, self.seed)
            rows += [{"network": name, "level": level, **asdict(score)} for score in scores]
        files = self.out / "motifs.csv", self.out / "motifs.png"
        write_table(rows, files[0], SCHEMA)
        save_figure(draw_motifs(rows), files[1])
        self._print(rows)
        wrote(*files)

    def _chosen(self) -> list[tuple[str, str, float]]:
        """Names, keys and levels of the networks to count in."""
        found = [(name, key, float(name.rsplit("@", 1)[1].split(":")[0])) for name, key in study_networks(self.study)]
        there = sorted({level for *_, level in found})
        levels = self.levels or tuple(level for level in there if level)
        if missing := [level for level in levels if level not in there]:
            raise ValueError(f"levels = {missing[0]:g}: expected of {', '.join(f'{level:g}' for level in there)}")
        return [one for level in levels for one in [one for one in found if one[2] == level][: self.networks]]

    def _print(self, rows: list[dict[str, Any]]) -> None:
        print(f"{'':>5}  {'median count':^62}  {'median z: kept degrees':^24}  {'median z: kept density':^61}")
        fixed = MOTIFS[:3]
        heads = [*MOTIFS, *[motif for motif in MOTIFS if motif not in fixed], *MOTIFS]
        print(f"{'level':>5}  " + " ".join(f"{head:>12}" for head in heads))
        for level in sorted({row["level"] for row in rows}):
            here = [row for row in rows if row["level"] == level]
            cells = [f"{_median(here, motif, 'density', 'count'):12,.0f}" for motif in MOTIFS]
            cells += [f"{_median(here, motif, 'degrees', 'z'):12.1f}" for motif in MOTIFS if motif not in fixed]
            cells += [f"{_median(here, motif, 'density', 'z'):12.1f}" for motif in MOTIFS]
            print(f"{level:5g}  " + " ".join(cells))


def _median(rows: list[dict[str, Any]], motif: str, null: str, column: str) -> float:
    values = [row[column] for row in rows if (row["motif"], row["null"]) == (motif, null)]
    finite = [value for value in values if np.isfinite(value)]
    return float(np.median(finite)) if finite else float("nan")


if __name__ == "__main__":
    sys.exit(run_program(MotifsOfAStudy, prog="motifs_of_a_study"))
