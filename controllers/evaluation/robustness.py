"""Does sparsity help or hurt where the world is not what the controller was told? In pairs, a sparse and a dense one.

The two of a pair fly from the same starts in the same noise, and undisturbed flights alone settle who is paired: see
`PAIRINGS`. Of equal weights or error, no network is in two pairs of a task: they are assigned for the most pairs,
then for the least sum of |log ratio|, and none is made of two farther apart than `WITHIN`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from mothsim.controllers.evaluation.rollouts import failed
from mothsim.controllers.evaluation.scenarios import SCENARIOS
from mothsim.controllers.evaluation.statistics import Array, interval
from mothsim.tables import Row, grouped
from mothsim.trajectories import make_trajectory

PRUNED, DENSE = ("global", "layerwise"), ("dense", "small")
"""Families whose networks are paired."""
WITHIN = {"equal weights": 1.1, "equal error": 1.25}
"""Largest ratio of two that are paired."""
PAIRINGS = (
    "Same seed: a pruned network and the dense one it was pruned from. Equal weights: a pruned network and a small "
    "dense one of as many. Equal error: a pruned network and a dense one, of whatever size, that errs as far on the "
    "task undisturbed; both among those flown disturbed."
)
"""Who is paired with whom."""
ALL = "all sparse"
"""The family that stands for every pair of a pairing."""
DISTURBED = "disturbed"
"""The condition that stands for all but the undisturbed one."""

ByPerturbation = dict[str, list[Row]]  # one network's flights by condition
Pair = tuple[ByPerturbation, ByPerturbation]  # sparse, dense


def compare(flights: Sequence[Row]) -> list[Row]:
    """A row for each pairing, family and level (and for all pairs), task and condition (and for all disturbed ones).

    `ratio` is sparse by dense error: of each network the median over starts, a lost flight counted as far off as the
    distance at which it is lost, then over pairs the median; of several conditions each pair's geometric mean. Below
    one, sparse is nearer to its target. `sparse_failed` and `dense_failed` are the shares of flights lost, or in
    `recover` not back, and `failed_more` their difference. Both come with 90 % intervals over pairs and starts.
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
    """For each task a sentence: does sparsity help or hurt under disturbance, at equal error undisturbed?"""
    sentences = []
    rows = [row for row in comparison if (row["pairing"], row["family"]) == ("equal error", ALL)]
    for task, group in grouped(rows, lambda row: row["task"]).items():
        found = {row["perturbation"]: row for row in group}
        if DISTURBED not in found:
            continue
        row, calm = found[DISTURBED], found["nominal"]
        worse = row["ratio_low"] > 1 or row["failed_more_low"] > 0
        better = row["ratio_high"] < 1 or row["failed_more_high"] < 0
        fate = "end not back" if task.startswith("recover") else "are lost"
        sentences.append(
            f"{task}: {_VERDICTS[worse, better]}. In pairs of equal error undisturbed ({row['pairs']}, ratio "
            f"{calm['ratio']:.2f}), under disturbances the sparse network errs {row['ratio']:.2f} times as far as the "
            f"dense one ({row['ratio_low']:.2f} to {row['ratio_high']:.2f}), and {100 * row['sparse_failed']:.1f} % "
            f"of its flights {fate} against {100 * row['dense_failed']:.1f} % (difference "
            f"{100 * row['failed_more_low']:.1f} to {100 * row['failed_more_high']:.1f} %)."
        )
    return sentences


def compare_at_equal_size(comparison: Sequence[Row]) -> list[str]:
    """For each task a sentence: does a pruned network track better than a small dense one of as many weights?"""
    sentences = []
    for row in comparison:
        if (row["pairing"], row["family"], row["perturbation"]) == ("equal weights", ALL, "nominal"):
            verdict = _VERDICTS[row["ratio_low"] > 1, row["ratio_high"] < 1]
            sentences.append(
                f"{row['task']}: {verdict}. In pairs of equal weights ({row['pairs']}) the pruned network errs "
                f"{row['ratio']:.2f} times as far as the small dense one ({row['ratio_low']:.2f} to "
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
    """Pairs alike in a measure."""
    first, second = (np.array([measure(one) for one in side], dtype=np.float64) for side in (sparse, dense))
    with np.errstate(invalid="ignore"):
        apart = np.abs(np.log(first)[:, None] - np.log(second))
    allowed = apart <= np.log(within)  # and so not NaN: two that are lost have no error to be equal in
    # As many pairs as can be, and of those the nearest: one more pair outweighs any distance.
    rows, columns = linear_sum_assignment(np.where(allowed, apart, 1e3))
    return [(sparse[i], dense[j]) for i, j in zip(rows, columns, strict=True) if allowed[i, j]]


def _calm_error(network: ByPerturbation) -> float:
    return float(np.median([row["rms_error_cm"] for row in network["nominal"]]))


def _of(network: ByPerturbation, column: str):
    return next(iter(network.values()))[0][column]


def _by_perturbation(pairs: Sequence[Pair], task: str, key: str) -> list[Row]:
    """Every condition under which both of a pair flew."""
    limit = make_trajectory(SCENARIOS[task].trajectory).lost_distance
    names = list(dict.fromkeys(name for pair in pairs for name in pair[0] if name in pair[1]))
    flown: dict[str, tuple[str, ...]] = {name: (name,) for name in names}
    if len(names) > 1:
        flown[DISTURBED] = tuple(name for name in names if name != "nominal")
    rows = []
    for perturbation, parts in flown.items():
        both = [pair for pair in pairs if all(part in network for part in parts for network in pair)]
        errors = np.minimum(_values(both, parts, lambda row: row["rms_error_cm"]), limit)
        fates = _values(both, parts, failed)
        row = {"perturbation": perturbation, "pairs": len(both)}
        row |= _with_interval("ratio", errors, ratio, f"{key} {perturbation}")
        shares = fates.mean(axis=(0, 1, 2))
        row |= {"sparse_failed": float(shares[0]), "dense_failed": float(shares[1])}
        rows.append(row | _with_interval("failed_more", fates, _more, f"{key} {perturbation}"))
    return rows


def ratio(errors: Array) -> Array:
    """First by second error: medians over starts, over conditions the geometric mean, over pairs the median.

    Args:
        errors: (..., pairs, starts, conditions, 2).
    """
    logs = np.log(np.median(errors, axis=-3))
    return np.exp(np.median((logs[..., 0] - logs[..., 1]).mean(axis=-1), axis=-1))


def _more(fates: Array) -> Array:
    return (fates[..., 0] - fates[..., 1]).mean(axis=(-3, -2, -1))


def _values(pairs: Sequence[Pair], perturbations: Sequence[str], value) -> Array:
    """(pairs, starts, conditions, 2)."""
    nested = [[[[value(row) for row in network[name]] for network in pair] for name in perturbations] for pair in pairs]
    return np.moveaxis(np.array(nested, dtype=np.float64), -1, 1)


def _with_interval(name: str, values: Array, statistic, key: str) -> Row:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval(values, statistic, key), strict=True))
