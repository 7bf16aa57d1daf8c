"""`mothsim study`: many networks trained and pruned side by side, their table and the paper's figures."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from demos.output import show, wrote
from demos.train import LevelBar


@dataclass
class Study:
    """Train and prune many networks side by side; killed at any moment, the same command goes on."""

    protocol: Literal["cosine", "zahn2022"] = "cosine"
    """Of training: ours, or Zahn et al.'s."""
    method: Literal["global", "layerwise", "manual", "gradual"] = "global"
    """Of pruning: by magnitude over all layers; layer by layer as Zahn et al., for good or with weights coming back
    (their Algorithm 1); or over all layers little by little while training."""
    rewind: bool = False
    """At every level, start what is left again from its first weights."""
    networks: int = 8
    """How many."""
    hidden: tuple[int, ...] = (50, 50, 50, 8)
    """Nodes of the hidden layers."""
    levels: tuple[float, ...] = (15, 25, 35, 45, 55, 65, 75, 85, 90, 91, 92, 93, 94, 95, 96, 97, 98)
    """Sparsities, per cent."""
    segments: int = 1_000_000
    """In the training set."""
    step_share: float = 1.0
    """Times the protocol's steps; less trains less."""
    seed: int = 0
    """Of data and first weights."""
    threshold: float = 1e-3
    """Loss that a network has to keep to."""
    level: float = 93
    """Sparsity at which sample networks, layers and inputs are drawn, per cent."""
    figures: bool = False
    """Only draw the figures of the study in the folder again."""
    out: Path = Path("out/study")
    """Folder of the study: settings, versions, checkpoints, table and figures."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Train, draw and print."""
        from controllers.learning.statistics import TABLE, last_passing, read_table
        from controllers.learning.study import StudySettings, run
        from controllers.learning.study_figures import draw_study

        if not self.figures:
            settings = StudySettings(
                self.protocol, self.method, self.hidden, self.levels, self.segments, self.seed, self.step_share,
                self.networks, self.rewind,
            )  # fmt: skip
            with LevelBar() as bar:
                run(settings, self.out, bar, say=lambda line: print(f"mothsim: {line}", file=sys.stderr))
        rows = read_table(self.out)
        last = list(last_passing(rows, self.threshold).values())
        table = []
        for level in sorted({row["level"] for row in rows}):
            of = [row for row in rows if row["level"] == level]
            medians = [float(np.median([row[name] for row in of])) for name in ("weights", "live", "loss")]
            table.append([level, *medians, last.count(level)])
        if self.json:
            columns = ("level", "weights", "live", "loss", "last_passing")
            found = {"out": self.out, "seed": self.seed, "networks": len(last), "threshold": self.threshold}
            show({**found, "never_passing": last.count(None), "columns": columns, "levels": table}, True)
        else:
            print(f"{'sparsity, %':>11} {'weights':>9} {'on paths':>9} {'loss':>9} {'last passing':>12}")
            for level, weights, live, loss, count in table:
                print(f"{level:11g} {weights:9,.0f} {live:9,.0f} {loss:9.2e} {count:12}")
        wrote(self.out / TABLE, *draw_study(self.out, threshold=self.threshold, level=self.level))
