"""The table of a study: one row a network and level, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from controllers.learning.ensemble import Ensemble
from controllers.learning.pruning import live_paths
from mothsim.segments import INPUTS

TABLE = "networks.csv"
"""Name of the table in a study's folder."""
Row = dict[str, float]


def describe(percent: float, ensemble: Ensemble) -> list[Row]:
    """A row for each network of a level.

    Columns: `network`, `level` (per cent), `steps`, `loss` (on fresh segments, scaled), the fields of
    `pruning.LivePaths` (dead outputs and lost inputs counted), `inputs_kept`, `layer_1` and so on (weights of each
    layer, inputs first) and `from_phi0` and so on (weights from each input).
    """
    rows = []
    for index, loss in enumerate(ensemble.losses):
        masks = [mask[index] for mask in ensemble.masks]
        live = live_paths(masks)
        rows.append({
            "network": index,
            "level": percent,
            "steps": int(ensemble.steps[index]),
            "loss": float(loss),
            "weights": live.weights,
            "live": live.live,
            "paths": live.paths,
            "constant_nodes": live.constant_nodes,
            "silent_nodes": live.silent_nodes,
            "dead_outputs": len(live.dead_outputs),
            "lost_inputs": len(live.lost_inputs),
            "inputs_kept": len(INPUTS) - len(live.lost_inputs),
            **{f"layer_{i + 1}": int(np.count_nonzero(mask)) for i, mask in enumerate(masks)},
            **{f"from_{name}": int(np.count_nonzero(masks[0][i])) for i, name in enumerate(INPUTS)},
        })  # fmt: skip
    return rows


def as_csv(rows: Sequence[Row]) -> bytes:
    """Rows as the content of a CSV file; numbers come back to the bit."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read_table(folder: Path) -> list[Row]:
    """The rows of a study's table.

    Raises:
        ValueError: there is no table in the folder, or it holds what is not a number.
    """
    file = folder / TABLE
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(stream)]
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: not a study's table ({error})") from None


def last_passing(rows: Sequence[Row], threshold: float) -> dict[int, float | None]:
    """By network, the highest level up to which every level's loss is within the threshold; `None` if none is."""
    last: dict[int, float | None] = {}
    failed = set()
    for row in sorted(rows, key=lambda row: row["level"]):
        index = int(row["network"])
        if not row["loss"] <= threshold:
            failed.add(index)
        last[index] = row["level"] if index not in failed else last.get(index)
    return last
