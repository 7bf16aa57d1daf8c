"""Predictors of a network's tracking error: its loss, and its closed loop linearised about trim."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from mothsim.controllers.evaluation.rollouts import ALONE, by_task, failed
from mothsim.controllers.evaluation.statistics import Array, interval
from mothsim.tables import Row, grouped

PREDICTORS = {
    "loss": "loss on fresh segments",
    "spectral_radius": "spectral radius at trim",
    "trim_offset_cm": "offset at trim, cm",
}
"""Columns of the table of networks that are tried as predictors, and their names."""
_FEWEST = 4  # networks to be ranked


def predictor_correlations(flights: Sequence[Row], networks: Sequence[Row]) -> list[Row]:
    """Correlate predictors with tracking error over guided networks, undisturbed: a row for each task and predictor.

    Spearman's, with a 90 % bootstrap interval over networks. The error of a network is its median over starts,
    infinite where most are lost; in `recover` it is the share of flights that do not recover. There is no row where
    all networks have the same error, or where there are fewer than four.
    """
    rows = []
    for task, group in by_task(flights).items():
        errors = network_errors(group)
        for predictor in PREDICTORS:
            known = [row for row in networks if row["controller"] in errors and row[predictor] is not None]
            known = [row for row in known if row.get("help") != ALONE]
            pairs = np.array([(row[predictor], errors[row["controller"]]) for row in known]).reshape(-1, 2)
            if len(pairs) < _FEWEST or len(np.unique(pairs[:, 1])) == 1:
                continue
            found = interval(pairs[:, None], _rank_correlation, f"{task} {predictor}")
            row = {"task": task, "predictor": predictor, "networks": len(pairs)}
            names = ("correlation", "correlation_low", "correlation_high")
            rows.append(row | dict(zip(names, found, strict=True)))
    return rows


def network_errors(flights: Sequence[Row]) -> dict[str, float]:
    """Return by network its median error over starts, cm; of `recover` the share of flights that do not recover."""
    errors = {}
    for spec, rows in grouped(
        (row for row in flights if row["weights"] is not None), lambda row: row["controller"]
    ).items():
        if rows[0]["task"].startswith("recover") and rows[0]["recovered"] is not None:
            errors[spec] = float(np.mean([failed(row) for row in rows]))
        else:
            errors[spec] = float(np.median([row["rms_error_cm"] for row in rows]))
    return errors


def _rank_correlation(values: Array) -> Array:
    """Correlate the ranks of two columns (..., networks, 1, 2); zero where one of them is constant."""
    ranks = rankdata(values[..., 0, :], axis=-2)
    ranks -= ranks.mean(axis=-2, keepdims=True)
    norms = np.sqrt((ranks**2).sum(axis=-2).prod(axis=-1))
    return (ranks[..., 0] * ranks[..., 1]).sum(axis=-1) / np.where(norms > 0, norms, 1.0)
