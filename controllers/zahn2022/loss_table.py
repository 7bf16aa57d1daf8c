"""The table of a study, one row for each network and level, as CSV, and statistics over the networks."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binomtest, quantile_test

from mothsim.controllers.learning.pruning import effective_connectivity
from mothsim.controllers.networks.ensemble import Ensemble
from mothsim.segments import INPUTS

TABLE = "networks.csv"
"""Name of the table in the folder of a study, or of several."""
Row = dict[str, float]
_COLUMNS = {"network", "level", "steps", "loss", "weights", "live"}
_CONFIDENCE = 0.9


def describe(percent: float, ensemble: Ensemble) -> list[Row]:
    """Return a row for each network of a level.

    Columns: `network`, `level` (per cent), `steps`, `loss` (on fresh segments, scaled), the fields of
    `pruning.EffectiveConnectivity` (dead outputs and lost inputs counted), `inputs_kept`, `layer_1` and so on (weights
    of each layer, inputs first) and `from_phi0` and so on (weights from each input).
    """
    rows = []
    for index, loss in enumerate(ensemble.losses):
        masks = [mask[index] for mask in ensemble.masks]
        live = effective_connectivity(masks)
        rows.append({
            "network": index,
            "level": percent,
            "steps": int(ensemble.steps[index]),
            "loss": float(loss),
            "weights": live.weights,
            "live": live.live,
            "paths": live.paths,
            "constant_nodes": live.constant_units,
            "silent_nodes": live.dead_end_units,
            "dead_outputs": len(live.dead_outputs),
            "lost_inputs": len(live.lost_inputs),
            "inputs_kept": len(INPUTS) - len(live.lost_inputs),
            **{f"layer_{i + 1}": int(np.count_nonzero(mask)) for i, mask in enumerate(masks)},
            **{f"from_{name}": int(np.count_nonzero(masks[0][i])) for i, name in enumerate(INPUTS)},
        })  # fmt: skip
    return rows


def read_table(folder: Path) -> list[Row]:
    """Return the rows of a study's table.

    Raises:
        ValueError: there is no table in the folder, or it is damaged: a line is cut or holds what is not a number.
    """
    file = folder / TABLE
    try:
        text = file.read_text(encoding="utf-8")
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))]
    except (OSError, TypeError, ValueError, csv.Error) as error:
        raise ValueError(f"{file}: not a study's table ({error})") from None
    if not text.endswith("\n") or not rows or not rows[0].keys() >= _COLUMNS:
        raise ValueError(f"{file}: not a study's table, or cut short")
    return rows


def last_passing(rows: Sequence[Row], threshold: float) -> dict[int, float | None]:
    """Return by network the highest level whose loss is within the threshold, `None` if none is.

    Zahn et al. 2022 select their sparse networks so: levels before may have failed.
    """
    last: dict[int, float | None] = {int(row["network"]): None for row in rows}
    for row in sorted(rows, key=lambda row: row["level"]):
        if row["loss"] <= threshold:
            last[int(row["network"])] = row["level"]
    return last


def passing_rows(rows: Sequence[Row], level: float, threshold: float) -> list[Row]:
    """Return the rows at a level of the networks that last pass there."""
    last = last_passing(rows, threshold)
    return [row for row in rows if row["level"] == level and last[int(row["network"])] == level]


def layer_table(rows: Sequence[Row], level: float, threshold: float) -> list[Row]:
    """Return the weights left in each layer of the networks that last pass at a level, as Table 1 of Zahn et al.

    Returns:
        A row a layer: `layer`, `dense` (weights of the dense network), `mean` and `variance` (of a sample) of the
        weights left, `percent` of the dense, and `networks`; no rows where no network last passes there.
    """
    chosen = passing_rows(rows, level, threshold)
    dense = min(rows, key=lambda row: row["level"])
    table = []
    for name in [name for name in dense if name.startswith("layer_")] if chosen else []:
        left = [row[name] for row in chosen]
        table.append({
            "layer": float(name.removeprefix("layer_")), "dense": dense[name], "mean": float(np.mean(left)),
            "variance": float(np.var(left, ddof=1)) if len(left) > 1 else math.nan,
            "percent": 100 * float(np.mean(left)) / dense[name], "networks": float(len(left)),
        })  # fmt: skip
    return table


def by_level(rows: Sequence[Row]) -> dict[float, list[Row]]:
    """Group rows by level, in rising order."""
    percents = sorted({row["level"] for row in rows})
    return {percent: [row for row in rows if row["level"] == percent] for percent in percents}


def summarise(rows: Sequence[Row], threshold: float) -> list[Row]:
    """Return a row for each level: medians, the loss with its 90 % interval, and how many networks last pass there."""
    last = list(last_passing(rows, threshold).values())
    table = []
    for percent, group in by_level(rows).items():
        weights, live = (float(np.median([row[name] for row in group])) for name in ("weights", "live"))
        loss, low, high = median([row["loss"] for row in group])
        table.append({
            "level": percent, "networks": len(group), "weights": weights, "live": live,
            "loss": loss, "loss_low": low, "loss_high": high, "last_passing": last.count(percent),
        })  # fmt: skip
    return table


def fewest_weights(rows: Sequence[Row], threshold: float) -> tuple[float, float, float]:
    """Return the median over networks of the fewest weights within the threshold, and its 90 % interval.

    A network that is never within it counts as infinitely many.
    """
    fewest = {int(row["network"]): math.inf for row in rows}
    for row in rows:
        if row["loss"] <= threshold:
            network = int(row["network"])
            fewest[network] = min(fewest[network], row["weights"])
    return median(list(fewest.values()))


def median(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median and its distribution-free 90 % interval, NaN for fewer than five; NaN counts as infinite."""
    numbers = np.where(np.isnan(values), np.inf, values)
    low, high = quantile_test(numbers, p=0.5).confidence_interval(_CONFIDENCE)
    return float(np.median(numbers)), float(low), float(high)


def share(count: int, of: int) -> tuple[float, float, float]:
    """Return a share and Wilson's 90 % interval, NaN for none of none."""
    if not of:
        return math.nan, math.nan, math.nan
    low, high = binomtest(count, of).proportion_ci(_CONFIDENCE, "wilson")
    return count / of, float(low), float(high)
