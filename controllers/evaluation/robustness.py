"""Compare sparse with dense networks under perturbations of which they are not informed, in pairs.

The two of a pair fly from the same starts in the same noise, and undisturbed flights alone decide which networks are
paired: see `PAIRINGS`. Of equal weights or error, no network is in two pairs of a task: they are assigned for the most
pairs, then for the least sum of |log ratio|, and none is made of two farther apart than `WITHIN`.

Where both networks of a pair fail in every flight under a perturbation, their errors compare nothing, and where both
always or never fail, their shares of failures compare nothing: such cells are counted, and left out of every mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mothsim.controllers.evaluation.rollouts import failed
from mothsim.controllers.evaluation.scenarios import SCENARIOS
from mothsim.controllers.evaluation.statistics import Array, interval
from mothsim.tables import Row, grouped
from mothsim.trajectories import make_trajectory

PRUNED, DENSE = ("global", "layerwise"), ("dense", "small")
"""Families whose networks are paired."""
WITHIN = {"equal weights": 1.1, "equal error": 1.25}
"""Pairings, and the largest ratio of the two of a pair: of their weights, or of their errors undisturbed."""
PAIRINGS = (
    "Same seed: a pruned network and the dense one it was pruned from. Equal weights: a pruned network and a small "
    "dense one of as many. Equal error: a pruned network and a dense one, of whatever size, that errs as far on the "
    "task undisturbed; both among those flown disturbed."
)
"""Which networks are paired."""
ALL = "all sparse"
"""Family of the rows over all pairs of a pairing."""
DISTURBED = "disturbed"
"""Perturbation of the rows over all perturbations."""

ByPerturbation = dict[str, list[Row]]  # one network's flights by perturbation
Pair = tuple[ByPerturbation, ByPerturbation]  # sparse, dense


def compare(flights: Sequence[Row]) -> list[Row]:
    """Compare by pairing, family and level (and all pairs), task and perturbation (and all together), a row each.

    Columns:
        pairs: number of pairs.
        always_failed, never_failed: cells, a pair under a perturbation, in which both fail in every flight, or
            neither in any. A flight has failed that is lost, or in `recover` not back.
        ratio: sparse by dense error, below one where the sparse network is nearer to its target, over all cells but
            those of `always_failed`: of each network the median over starts, a lost flight counted as far off as the
            distance at which it is lost, then over perturbations the geometric mean, then over pairs the median.
        sparse_failed, dense_failed: shares of all flights that failed.
        failed_more: sparse less dense share, over all cells but those of `always_failed` and `never_failed`.

    `ratio` and `failed_more` come with 90 % bootstrap intervals over pairs and starts, and have no value where no cell
    is left.
    """
    rows = []
    for task, group in grouped(flights, lambda row: row["task"]).items():
        networks = [
            grouped(sorted(flown, key=lambda row: row["start"]), lambda row: row["perturbation"])
            for flown in grouped(group, lambda row: row["controller"]).values()
        ]
        for pairing, pairs in _pairings(networks).items():
            classes = {(ALL, None): pairs}
            for pair in pairs:
                classes.setdefault((_of(pair[0], "family"), _of(pair[0], "level")), []).append(pair)
            for (family, level), members in classes.items():
                row = {"pairing": pairing, "family": family, "level": level, "task": task}
                rows += [row | found for found in _by_perturbation(members, task, f"{pairing} {family} {level} {task}")]
    return rows


def compare_at_equal_error(comparison: Sequence[Row]) -> list[str]:
    """Write for each task whether sparsity helps or hurts under perturbations, at equal error undisturbed."""
    sentences = []
    rows = [row for row in comparison if (row["pairing"], row["family"]) == ("equal error", ALL)]
    for task, group in grouped(rows, lambda row: row["task"]).items():
        found = {row["perturbation"]: row for row in group}
        if DISTURBED not in found:
            continue
        row, calm = found[DISTURBED], found["nominal"]
        fate = "do not recover" if task.startswith("recover") else "are lost"
        worse, better, parts = False, False, []
        if row["ratio"] is not None:
            worse, better = row["ratio_low"] > 1, row["ratio_high"] < 1
            parts.append(
                f"the error of the sparse network is {row['ratio']:.2f} times that of the dense one "
                f"({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"
            )
        if row["failed_more"] is not None:
            worse, better = worse or row["failed_more_low"] > 0, better or row["failed_more_high"] < 0
            parts.append(
                f"where the two differ in it, {100 * row['failed_more']:+.1f} % more of its flights {fate} "
                f"({100 * row['failed_more_low']:.1f} to {100 * row['failed_more_high']:.1f} %)"
            )
        effects = f"under perturbations {', and '.join(parts)}. " if parts else "nothing to compare. "
        equal = f"{calm['ratio']:.2f}" if calm["ratio"] is not None else "none, all are lost"
        verdict = _VERDICTS[worse, better]
        sentences.append(
            f"{task}: {verdict}. In pairs of equal error undisturbed ({row['pairs']}, ratio {equal}): {effects}"
            f"{_left_out(group, 'always_failed', f'both networks of every pair always {fate}')}"
            f"{_left_out(group, 'never_failed', f'no flight of any pair ever {fate}')}"
        )
    return [sentence.strip() for sentence in sentences]


def _left_out(rows: Sequence[Row], column: str, what: str) -> str:
    """List the perturbations under which every pair is left out of a mean."""
    names = [
        row["perturbation"] for row in rows
        if row["perturbation"] not in ("nominal", DISTURBED) and row["pairs"] and row[column] == row["pairs"]
    ]  # fmt: skip
    return f"Left out, as {what}: {', '.join(names)}. " if names else ""


def compare_at_equal_size(comparison: Sequence[Row]) -> list[str]:
    """Write for each task whether a pruned network tracks better than a small dense one of as many weights."""
    sentences = []
    for row in comparison:
        compared = (row["pairing"], row["family"], row["perturbation"]) == ("equal weights", ALL, "nominal")
        if compared and row["ratio"] is not None:
            verdict = _VERDICTS[row["ratio_low"] > 1, row["ratio_high"] < 1]
            sentences.append(
                f"{row['task']}: {verdict}. In pairs of equal weights ({row['pairs']}) the error of the pruned network "
                f"is {row['ratio']:.2f} times that of the small dense one ({row['ratio_low']:.2f} to "
                f"{row['ratio_high']:.2f})."
            )
    return sentences


_VERDICTS = {
    (True, False): "sparsity hurts",
    (False, True): "sparsity helps",
    (False, False): "no difference is shown",
    (True, True): "sparsity helps in one way and hurts in another",
}


def _pairings(networks: Sequence[ByPerturbation]) -> dict[str, list[Pair]]:
    calm = [network for network in networks if "nominal" in network]
    sparse = [network for network in calm if _of(network, "family") in PRUNED]
    dense = [network for network in calm if _of(network, "family") in DENSE]
    whole = {_of(network, "run"): network for network in dense if _of(network, "family") == "dense"}
    rough, also_rough = ([network for network in side if len(network) > 1] for side in (sparse, dense))
    small = [network for network in dense if _of(network, "family") == "small"]
    return {
        "same seed": [(one, whole[_of(one, "run")]) for one in sparse if _of(one, "run") in whole],
        "equal weights": _assigned(sparse, small, lambda one: _of(one, "weights"), WITHIN["equal weights"]),
        "equal error": _assigned(rough, also_rough, _calm_error, WITHIN["equal error"]),
    }


def _assigned(sparse: Sequence[ByPerturbation], dense: Sequence[ByPerturbation], measure, within: float) -> list[Pair]:
    """Pair networks alike in a measure."""
    first, second = (np.array([measure(one) for one in side], dtype=np.float64) for side in (sparse, dense))
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(np.log(first)[:, None] - np.log(second))
    allowed = apart <= np.log(within)  # false for NaN: two that are lost, or have no weights
    # As many pairs as can be, and of those the nearest: one more pair outweighs any distance.
    rows, columns = linear_sum_assignment(np.where(allowed, apart, 1e3))
    return [(sparse[i], dense[j]) for i, j in zip(rows, columns, strict=True) if allowed[i, j]]


def _calm_error(network: ByPerturbation) -> float:
    return float(np.median([row["rms_error_cm"] for row in network["nominal"]]))


def _of(network: ByPerturbation, column: str):
    return next(iter(network.values()))[0][column]


def _by_perturbation(pairs: Sequence[Pair], task: str, key: str) -> list[Row]:
    """Compare under every perturbation under which both of a pair flew, and over all of them."""
    target = SCENARIOS[task].trajectory if task in SCENARIOS else task
    limit = make_trajectory(target).lost_distance
    names = list(dict.fromkeys(name for pair in pairs for name in pair[0] if name in pair[1]))
    flown: dict[str, tuple[str, ...]] = {name: (name,) for name in names}
    if len(names) > 1:
        flown[DISTURBED] = tuple(name for name in names if name != "nominal")
    rows = []
    for perturbation, parts in flown.items():
        both = [pair for pair in pairs if all(part in network for part in parts for network in pair)]
        errors = np.minimum(_values(both, parts, lambda row: row["rms_error_cm"]), limit)
        fates = _values(both, parts, failed)
        share = fates.mean(axis=(1, 3))  # (pairs, perturbations)
        always, never = share == 1, share == 0
        row: Row = {"perturbation": perturbation, "pairs": len(both)}
        row |= {"always_failed": int(always.sum()), "never_failed": int(never.sum())}
        row |= _with_interval("ratio", errors, always, ratio, f"{key} {perturbation}")
        shares = fates.mean(axis=(0, 1, 2))
        row |= {"sparse_failed": float(shares[0]), "dense_failed": float(shares[1])}
        rows.append(
            row | _with_interval("failed_more", fates, (share == 1) | (share == 0), _more, f"{key} {perturbation}")
        )
    return rows


def ratio(errors: Array) -> Array:
    """Divide first by second error: medians over starts, the geometric mean over perturbations, the median over pairs.

    Args:
        errors: (..., pairs, starts, perturbations, 2); NaN in cells that are left out.
    """
    logs = np.log(np.median(errors, axis=-3))
    return np.exp(np.median(np.nanmean(logs[..., 0] - logs[..., 1], axis=-1), axis=-1))


def _more(fates: Array) -> Array:
    return np.nanmean(fates[..., 0] - fates[..., 1], axis=(-3, -2, -1))


def _values(pairs: Sequence[Pair], perturbations: Sequence[str], value) -> Array:
    """Return values of the pairs' flights (pairs, starts, perturbations, 2)."""
    nested = [[[[value(row) for row in network[name]] for network in pair] for name in perturbations] for pair in pairs]
    return np.moveaxis(np.array(nested, dtype=np.float64), -1, 1)


def _with_interval(name: str, values: Array, left_out: NDArray[np.bool_], statistic, key: str) -> Row:
    """Return a statistic with its interval, of the cells (pairs, perturbations) that are not left out."""
    kept = ~left_out.all(axis=1)
    cells = np.where(left_out[:, None, :, None], np.nan, values)[kept]
    found = interval(cells, statistic, key) if kept.any() else (None,) * 3
    return dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))
