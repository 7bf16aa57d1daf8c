"""Does sparsity help or hurt where the world is not what the controller was told? Dense against sparse, in pairs.

A pair is a pruned network and the dense one that it was pruned from (same seed), on the same starts and the same
noise. Their ratio of errors under a condition says how they bear it only beside their ratio undisturbed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controllers.evaluation.summary import Array, interval, matrix, mean_share
from controllers.evaluation.tables import Row, grouped


def ratio(values: Array) -> Array:
    """Sparse by dense error: over pairs, the geometric mean of the ratio of medians; values (..., pairs, 2 starts)."""
    starts = values.shape[-1] // 2
    medians = [np.median(half, axis=-1) for half in (values[..., :starts], values[..., starts:])]
    with np.errstate(invalid="ignore"):
        quotients = np.where(np.isinf(medians[0]) & np.isinf(medians[1]), 1.0, medians[0] / medians[1])
    with np.errstate(divide="ignore"):
        return np.exp(np.log(quotients).mean(axis=-1))


def compare(flights: Sequence[Row]) -> list[Row]:
    """A row for each family, level, task and condition: sparse by dense error, and the shares that each lost.

    `ratio` has an interval over pairs and starts; below one, sparse is nearer to its target. Where both lose most of
    their flights it is one.
    """
    dense = grouped((row for row in flights if row["family"] == "dense"), _flown)
    sparse = grouped((row for row in flights if row["family"] in ("global", "layerwise")), _flown)
    rows = []
    for (family, level, task, condition), group in sparse.items():
        runs = {row["run"] for row in group}
        mates = [row for row in dense.get(("dense", 0.0, task, condition), []) if row["run"] in runs]
        group = [row for row in group if row["run"] in {mate["run"] for mate in mates}]
        if not mates:
            continue
        errors, lost = _pairs(group, mates, "rms_error_cm"), _pairs(group, mates, "lost")
        key = f"{family} {level} {task} {condition}"
        found = dict(zip(("ratio", "ratio_low", "ratio_high"), _paired_interval(errors, key), strict=True))
        starts = lost.shape[1] // 2
        shares = {"sparse_lost": mean_share(lost[:, :starts]), "dense_lost": mean_share(lost[:, starts:])}
        rows.append(
            {"family": family, "level": level, "task": task, "condition": condition, "pairs": len(errors), **found}
            | {name: float(share) for name, share in shares.items()}
        )
    return rows


def _flown(row: Row) -> tuple:
    return row["family"], row["level"], row["task"], row["condition"]


def _pairs(sparse: Sequence[Row], dense: Sequence[Row], column: str) -> Array:
    """(pairs, 2 starts): a sparse network's flights, then its dense one's."""
    halves = []
    for rows in (sparse, dense):
        values = matrix(sorted(rows, key=lambda row: (row["run"], row["start"])), column)
        assert values is not None  # these columns are never empty
        halves.append(values)
    return np.concatenate(halves, axis=1)


def _paired_interval(values: Array, key: str) -> tuple[float, float, float]:
    """Of the ratio: a start drawn for one of a pair is drawn for both."""
    starts = values.shape[1] // 2
    both = np.stack([values[:, :starts], values[:, starts:]], axis=-1)  # (pairs, starts, 2)
    index = np.arange(both.size // 2, dtype=np.float64).reshape(both.shape[:2])
    flat = both.reshape(-1, 2)

    def of_drawn(drawn: Array) -> Array:
        chosen = flat[drawn.astype(np.intp)]
        return ratio(np.concatenate([chosen[..., 0], chosen[..., 1]], axis=-1))

    return interval(index, of_drawn, key)
