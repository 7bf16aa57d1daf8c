"""Does sparsity help or hurt where flights are disturbed? Pruned policies beside dense ones, in pairs.

Lost shares and errors stand beside one another: a lost flight has no error, and counts only as lost. A cell is a pair
of policies in a task under a perturbation. Where both always lose, or neither ever does, their shares of lost flights
compare nothing: such cells are counted and left out of the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.evaluation.robustness import WITHIN
from mothsim.controllers.evaluation.statistics import interval
from mothsim.tables import Row, grouped

ALL = "all"
"""In a table: all prunings, or all perturbations together."""


@dataclass(frozen=True)
class PolicyFlights:
    """The flights of a policy.

    Attributes:
        training: name of how it was trained.
        seed: of its training.
        pruning: name of the method, empty of a policy that was trained dense.
        level: sparsity aimed at, per cent, 0 of a dense one.
        weights: that are left.
        lost: (tasks, perturbations, starts), undisturbed flights first.
        errors: (tasks, perturbations, starts) rms errors, cm; of no meaning where lost.
    """

    training: str
    seed: int
    pruning: str
    level: float
    weights: int
    lost: NDArray[np.bool_]
    errors: NDArray[np.float64]

    def calm_error(self, task: int) -> float:
        """Median error undisturbed, cm, infinite where a flight is lost."""
        return float("inf") if self.lost[task, 0].any() else float(np.median(self.errors[task, 0]))


def lost_shares(flights: Sequence[PolicyFlights], tasks: Sequence[str]) -> list[Row]:
    """Summarise by training, pruning and size: errors undisturbed, and lost shares with their 90 % intervals.

    Columns:
        networks: seeds.
        weights: median over networks.
        TASK_cm: median over networks of the median error undisturbed; infinite where a flight of most is lost.
        lost_undisturbed, lost: shares of lost flights undisturbed, and disturbed, over all tasks and perturbations.
    """
    rows = []
    for (training, pruning, level, size), group in grouped(flights, _size_class).items():
        lost = np.array([one.lost for one in group], dtype=np.float64)  # (networks, tasks, perturbations, starts)
        row: Row = {"training": training, "pruning": pruning or "none", "level": level, "networks": len(group)}
        row["weights"] = float(np.median([one.weights for one in group]))
        for i, task in enumerate(tasks):
            row[f"{task}_cm"] = float(np.median([one.calm_error(i) for one in group]))
        row["lost_undisturbed"] = float(lost[:, :, 0].mean())
        flown = np.moveaxis(lost[:, :, 1:], -1, 1)
        found = interval(flown, _mean, f"lost {training} {pruning} {level} {size}")
        rows.append(row | dict(zip(("lost", "lost_low", "lost_high"), found, strict=True)))
    return rows


def compare_pairs(flights: Sequence[PolicyFlights], perturbations: Sequence[str]) -> list[Row]:
    """Compare pruned policies with dense ones, a row for each training, pairing and pruning, and each perturbation.

    Columns:
        pairs: of policies in a task.
        cells: pairs times perturbations; `always_lost` and `never_lost` of them are left out of `lost_more`.
        lost_more: share of lost flights of the pruned policy less that of the dense one, mean over the cells left.
        error_ratio: error of the pruned by that of the dense policy, geometric mean over the starts from which
            neither is lost.

    Both come with 90 % intervals, by a bootstrap over seeds and starts, and have no value where no cell is left.
    """
    rows = []
    for training, group in grouped(flights, lambda one: one.training).items():
        for pairing in WITHIN:
            pairs = _pairs(group, pairing)
            prunings = dict.fromkeys(sparse.pruning for sparse, _, _ in pairs)
            disturbed = slice(1, None)
            for pruning in (ALL, *prunings):
                members = [pair for pair in pairs if pruning in (ALL, pair[0].pruning)]
                head = {"training": training, "pairing": pairing, "pruning": pruning}
                rows.append(head | {"perturbation": ALL} | _compared(members, disturbed, f"{head}"))
                for i, name in enumerate(perturbations if pruning == ALL else ()):
                    rows.append(head | {"perturbation": name} | _compared(members, slice(i, i + 1), f"{head} {name}"))
    return rows


def summary_sentences(comparison: Sequence[Row]) -> list[str]:
    """Write for each training and pairing whether sparsity helps or hurts, and which perturbations could not tell."""
    sentences = []
    for (training, pairing), group in grouped(comparison, lambda row: (row["training"], row["pairing"])).items():
        every = [row for row in group if row["pruning"] == ALL]
        total = next(row for row in every if row["perturbation"] == ALL)
        parts = []
        if total["lost_more"] is not None:
            more, low, high = (100 * total[f"lost_more{end}"] for end in ("", "_low", "_high"))
            parts.append(f"of the pruned policy {more:+.1f} % more flights are lost ({low:+.1f} to {high:+.1f})")
        if total["error_ratio"] is not None:
            ratio, low, high = (total[f"error_ratio{end}"] for end in ("", "_low", "_high"))
            parts.append(f"where neither is lost it errs {ratio:.2f} times as far ({low:.2f} to {high:.2f})")
        said = ", and ".join(parts) if parts else "nothing to compare"
        out = f"{total['always_lost']} cells in which both always lose and {total['never_lost']} in which neither does"
        sentences.append(
            f"{training}, {pairing} ({total['pairs']} pairs, {total['cells']} cells): {said}. Left out of the first "
            f"mean: {out}.{_always(every)}"
        )
    return sentences


def _always(rows: Sequence[Row]) -> str:
    """Perturbations under which no cell is left."""
    names = [row["perturbation"] for row in rows if row["perturbation"] != ALL and row["cells"]
             and row["always_lost"] + row["never_lost"] == row["cells"]]  # fmt: skip
    return f" Nothing is left of: {', '.join(names)}." if names else ""


def _size_class(one: PolicyFlights) -> tuple[str, str, float, int]:
    # Pruned to one level, two policies may differ by a few weights.
    return one.training, one.pruning, one.level, 0 if one.pruning else one.weights


Pair = tuple[PolicyFlights, PolicyFlights, int]  # pruned, dense, task


def _pairs(flights: Sequence[PolicyFlights], pairing: str) -> list[Pair]:
    """Pairs of one training: each pruned policy with the dense one of its seed that is nearest, if near enough."""
    pairs = []
    for sparse in flights:
        dense = [one for one in flights if sparse.pruning and not one.pruning and one.seed == sparse.seed]
        for task in range(len(sparse.lost) if dense else 0):
            measures = [_measure(one, pairing, task) for one in (sparse, *dense)]
            with np.errstate(invalid="ignore", divide="ignore"):
                apart = np.nan_to_num(np.abs(np.log(measures[1:]) - np.log(measures[0])), nan=np.inf)
            nearest = int(np.argmin(apart))
            if apart[nearest] <= np.log(WITHIN[pairing]):
                pairs.append((sparse, dense[nearest], task))
    return pairs


def _measure(one: PolicyFlights, pairing: str, task: int) -> float:
    return float(one.weights) if pairing == "equal weights" else one.calm_error(task)


def _compared(pairs: Sequence[Pair], which: slice, key: str) -> Row:
    """Compare pairs under some perturbations."""
    row: Row = {"pairs": len(pairs), "cells": 0, "always_lost": 0, "never_lost": 0}
    by_seed: dict[int, list[tuple[Any, Any]]] = {}
    for sparse, dense, task in pairs:
        lost = np.stack([one.lost[task, which] for one in (sparse, dense)]).astype(np.float64)
        errors = np.stack([one.errors[task, which] for one in (sparse, dense)])
        share = lost.mean(axis=(0, 2))  # (perturbations,)
        row["cells"] += len(share)
        row["always_lost"] += int((share == 1).sum())
        row["never_lost"] += int((share == 0).sum())
        more = np.where(((share > 0) & (share < 1))[:, None], lost[0] - lost[1], np.nan)
        kept = (lost == 0).all(axis=0)
        logs = np.full(kept.shape, np.nan)
        logs[kept] = np.log(errors[0][kept] / errors[1][kept])
        by_seed.setdefault(sparse.seed, []).append((more, logs))
    for i, (name, statistic) in enumerate((("lost_more", _mean), ("error_ratio", _geometric_mean))):
        found = _with_interval([[pair[i] for pair in each] for each in by_seed.values()], statistic, f"{name} {key}")
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))
    return row


def _with_interval(seeds: list[list[Any]], statistic: Any, key: str) -> tuple[float | None, ...]:
    """A statistic with its interval of values (perturbations, starts), pair by pair, seed by seed."""
    seeds = [pairs for pairs in seeds if np.isfinite(pairs).any()]
    if not seeds:
        return (None,) * 3
    most, shape = max(map(len, seeds)), seeds[0][0].shape
    values = np.full((len(seeds), shape[1], most, shape[0]), np.nan)
    for i, pairs in enumerate(seeds):
        values[i, :, : len(pairs)] = np.moveaxis(np.array(pairs), -1, 0)
    return interval(values, statistic, key)


def _mean(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean over the last four axes of what is a number."""
    axes = (-4, -3, -2, -1)
    return np.nansum(values, axis=axes) / np.maximum(1, np.isfinite(values).sum(axis=axes))


def _geometric_mean(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.exp(_mean(values))
