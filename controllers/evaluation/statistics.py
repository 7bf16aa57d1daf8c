"""Medians and 90 % bootstrap intervals, over networks and not only over starts.

Flights of one network are more alike than those of two, so networks are drawn first, with replacement, then starts
within each (the two-stage bootstrap of Davison and Hinkley 1997, section 3.8). A lost flight's error is infinite:
it counts in every median, and one of them is infinite where most are lost.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.networks.network import CONTROLS
from mothsim.tables import Row, grouped

Array = NDArray[np.floating]

_DRAWS = 1000
_AT_ONCE = 100  # draws, to bound the memory
_TAILS = (0.05, 0.95)


def median_of_medians(values: Array) -> Array:
    """Take the median over networks (second axis from the end) of the medians over starts (the last axis): (...,)."""
    return np.median(np.median(values, axis=-1), axis=-1)


def mean_share(values: Array) -> Array:
    """Take the mean over networks and starts (the last two axes): (...,)."""
    return values.mean(axis=(-2, -1))


def interval(
    values: Array, statistic: Callable[[Array], Array], key: str, draws: int = _DRAWS
) -> tuple[float, float, float]:
    """Compute a statistic of values (networks, starts, ...) and its 90 % bootstrap interval.

    Args:
        values: one row a network; a single network is drawn over its starts alone.
        statistic: of values (..., networks, starts, ...), the last as given, to (...,).
        key: names the random stream.
        draws: of the bootstrap.
    """
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    networks, starts = values.shape[:2]
    which = rng.integers(networks, size=(draws, networks, 1))
    when = rng.integers(starts, size=(draws, networks, starts))
    parts = [slice(first, first + _AT_ONCE) for first in range(0, draws, _AT_ONCE)]
    drawn = np.concatenate([statistic(values[which[part], when[part]]) for part in parts])
    # An order statistic, since between a number and infinity there is nothing to interpolate.
    low, high = np.quantile(drawn, _TAILS, method="inverted_cdf")
    return float(statistic(values)), float(low), float(high)


def summarise(flights: Sequence[Row]) -> list[Row]:
    """Summarise flights by family, level, task and perturbation: error, share lost, share recovered, with intervals.

    `name` is that of the network where there is one; `degenerate` counts networks none of whose controls depends on
    its inputs.
    """
    kinds = network_kinds(flights)
    groups = grouped(flights, lambda row: (kinds[row["controller"]], row["task"], row["perturbation"]))
    rows = []
    for ((family, *size, _), task, perturbation), group in groups.items():
        key = f"{family} {size} {task} {perturbation}"
        level, weights = group[0]["level"], _middle(group, "weights")
        controllers = grouped(group, lambda row: row["controller"])
        name = next(iter(controllers)) if len(controllers) == 1 else f"{len(controllers)} networks"
        row: Row = {"family": family, "name": name, "help": group[0]["help"], "level": level, "weights": weights}
        row |= {"task": task, "perturbation": perturbation, "networks": len(controllers), "flights": len(group)}
        row["degenerate"] = sum(degenerate(flown[0]) for flown in controllers.values())
        row["loss"] = _middle(group, "loss")
        for name, column, statistic in (
            ("rms_error_cm", "rms_error_cm", median_of_medians),
            ("lost", "lost", mean_share),
            ("recovered", "recovered", mean_share),
        ):
            values = matrix(group, column)
            found = (None,) * 3 if values is None else interval(values, statistic, key)
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))
        rows.append(row)
    return rows


def network_kinds(flights: Iterable[Row]) -> dict[str, tuple]:
    """Return for each controller what it shares with those it is summarised with: family, level, size and name.

    Networks of one family, level and size that differ in their seed are repeats of one training and share an empty
    name. Where two have the same seed, or none, they were made in different ways: each keeps its own name.
    """
    networks = {row["controller"]: row for row in flights}
    kinds: dict[str, tuple] = {}
    for key, rows in grouped(networks.values(), lambda row: (row["family"], *_size(row))).items():
        repeats = len({row["run"] for row in rows}) == len(rows)
        kinds |= {row["controller"]: (*key, "" if repeats else row["controller"]) for row in rows}
    return kinds


def degenerate(row: Row) -> bool:
    """Return whether no control of a network depends on its inputs: whatever the moth does, it does the same."""
    return row["dead_controls"] == CONTROLS


def matrix(flights: Sequence[Row], column: str) -> Array | None:
    """Return a column as (networks, starts), or none where it has empty fields."""
    values = [[row[column] for row in group] for group in grouped(flights, lambda row: row["controller"]).values()]
    if any(value is None for row in values for value in row):
        return None
    return np.array(values, dtype=np.float64)


def _middle(flights: Sequence[Row], column: str) -> float | None:
    values = [row[column] for row in flights if row[column] is not None]
    return float(np.median(values)) if values else None


def _size(row: Row) -> tuple[float | None, int | None]:
    """Return what distinguishes networks of a family: their level, and for some their number of weights."""
    # Pruned layer by layer to one level, two networks differ by a few weights.
    return row["level"], row["weights"] if differs_in_size(row["family"]) else None


def differs_in_size(family: str) -> bool:
    """Return whether networks of a family differ in size, so that a row of a table stands for a number of weights."""
    return family.startswith(("small", "policy"))
