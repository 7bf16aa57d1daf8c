"""Results of Zahn et al. 2022, and the same quantities of a study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from scipy.stats import t

from mothsim.controllers.learning.protocols import HIDDEN
from mothsim.controllers.zahn2022.loss_table import (
    Row,
    by_level,
    last_passing,
    layer_table,
    median,
    passing_rows,
    share,
)
from mothsim.controllers.zahn2022.study_files import SMALLEST

THRESHOLD = 1e-3
"""Threshold of Zahn et al. on the loss."""
_SPARSE, _SPARSEST = 93.0, 95.0  # per cent: where most of their networks last pass, and the fewest
_LAYERS = (
    (280, 23),
    (11_199, 0),
    (11_199, 0),
    (447, 0.04),
    (8, 6),
)  # weights left at 93 %, their Table 1, and variance
_NETWORKS, _LAST_AT_SPARSE, _LAST_AT_SPARSEST = 1320, 858, 5
_SMALLEST_PASSES = 65.0  # per cent


@dataclass(frozen=True)
class Finding:
    """One quantity: published and of one or several studies, with a 90 % interval.

    Networks of a study stop together and see the same segments, so the interval is over studies where there are
    several (Student's t), else over networks.

    Attributes:
        quantity: its name.
        theirs: published value.
        ours: value of the study, NaN where none of its networks gives one.
        low, high: ends of the interval, NaN where there are too few networks.
        networks: number of the networks that it is over.
        studies: number of the studies that it is over.
    """

    quantity: str
    theirs: float
    ours: float
    low: float
    high: float
    networks: int
    studies: int = 1


def compare(hidden: Sequence[int], rows: Sequence[Row]) -> list[Finding]:
    """Compare networks with these hidden layers; returns nothing for layers without published results.

    Args:
        hidden: nodes of the hidden layers.
        rows: see `loss_table.describe`; levels that are missing are left out. A column `seed` tells studies apart.
    """
    pooled = _findings(hidden, rows)
    seeds = sorted({row.get("seed", 0.0) for row in rows})
    if len(seeds) == 1:
        return pooled
    studies = [_findings(hidden, [row for row in rows if row.get("seed", 0.0) == seed]) for seed in seeds]
    found: dict[str, list[float]] = {}
    for finding in chain(*studies):
        if math.isfinite(finding.ours):
            found.setdefault(finding.quantity, []).append(finding.ours)
    return [_over_studies(finding, found.get(finding.quantity, [])) for finding in pooled]


def _over_studies(pooled: Finding, values: Sequence[float]) -> Finding:
    low, high = _mean_interval(values)
    return replace(pooled, low=low, high=high, studies=len(values))


def _mean_interval(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return math.nan, math.nan
    half = float(t.ppf(0.95, len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return float(np.mean(values)) - half, float(np.mean(values)) + half


def _findings(hidden: Sequence[int], rows: Sequence[Row]) -> list[Finding]:
    levels = by_level(rows)
    if tuple(hidden) == HIDDEN:
        return [*_dense(levels), *_sparse(levels, rows)]
    if tuple(hidden) == SMALLEST:
        passing = [percent for percent, group in levels.items() if median(_losses(group))[0] <= THRESHOLD]
        last = max(passing, default=math.nan)
        networks = len(next(iter(levels.values())))
        name = f"highest level with a median loss within {THRESHOLD:g}, per cent"
        return [Finding(name, _SMALLEST_PASSES, last, math.nan, math.nan, networks)]
    return []


def _dense(levels: dict[float, list[Row]]) -> list[Finding]:
    dense = levels.get(0.0, [])
    return [Finding("median loss of dense networks", 7.9e-4, *median(_losses(dense)), len(dense))] if dense else []


def _sparse(levels: dict[float, list[Row]], rows: Sequence[Row]) -> list[Finding]:
    last = last_passing(rows, THRESHOLD)
    findings = []
    for percent, count in ((_SPARSE, _LAST_AT_SPARSE), (_SPARSEST, _LAST_AT_SPARSEST)):
        if percent in levels:
            ours = share(list(last.values()).count(percent), len(last))
            findings.append(Finding(f"share that last passes at {percent:g} %", count / _NETWORKS, *ours, len(last)))
    passing = passing_rows(rows, _SPARSE, THRESHOLD)
    ours = layer_table(rows, _SPARSE, THRESHOLD)
    for (mean, variance), layer in zip(_LAYERS, ours, strict=False):
        low, high = _mean_interval([row[f"layer_{layer['layer']:.0f}"] for row in passing])
        name = f"weights of layer {layer['layer']:.0f} of those that last pass at {_SPARSE:g} %"
        findings.append(Finding(f"mean {name}", mean, layer["mean"], low, high, len(passing)))
        findings.append(Finding(f"variance of {name}", variance, layer["variance"], math.nan, math.nan, len(passing)))
    if _SPARSE in levels:
        without = share([row["from_thetadot0"] for row in passing].count(0), len(passing))
        name = f"of those that last pass at {_SPARSE:g} %, share without thetadot0"
        findings.append(Finding(name, 1.0, *without, len(passing)))
    return findings


def _losses(rows: Sequence[Row]) -> list[float]:
    return [row["loss"] for row in rows]
