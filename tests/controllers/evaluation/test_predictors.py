"""Rank correlations of predictors with flight, by hand where a hand can."""

import math

import numpy as np
import pytest

from mothsim.controllers.evaluation.predictors import PREDICTORS, network_errors, predictor_correlations


def flights(spec: str, errors: list[float], task: str = "hover") -> list[dict]:
    return [
        {"controller": spec, "weights": 10, "task": task, "perturbation": "nominal", "start": start,
         "rms_error_cm": error, "lost": math.isinf(error), "recovered": error < 0.5}
        for start, error in enumerate(errors)
    ]  # fmt: skip


def test_correlation_is_spearmans_and_the_lost_rank_last() -> None:
    medians = [0.1, 0.3, 0.2, math.inf, 0.15, math.inf]
    losses = [1e-5, 3e-5, 4e-5, 5e-3, 2e-5, 1e-3]
    rows = [row for i, error in enumerate(medians) for row in flights(str(i), [0.01, error, math.inf])]
    networks = [
        {"controller": str(i), "loss": loss, "spectral_radius": -loss, "trim_offset_cm": 1.0}
        for i, loss in enumerate(losses)
    ]
    by = {row["predictor"]: row for row in predictor_correlations(rows, networks)}
    assert list(by) == list(PREDICTORS)
    expected = np.corrcoef([1, 3, 4, 6, 2, 5], [1, 4, 3, 5.5, 2, 5.5])[0, 1]
    assert by["loss"]["correlation"] == pytest.approx(expected)
    assert by["spectral_radius"]["correlation"] == pytest.approx(-expected)
    assert by["trim_offset_cm"]["correlation"] == 0
    assert by["loss"]["networks"] == 6
    assert by["loss"]["correlation_low"] < expected <= by["loss"]["correlation_high"] <= 1


def test_recovery_counts_those_that_do_not_come_back() -> None:
    assert network_errors(flights("a", [0.1, 0.2, 3.0, math.inf], "recover")) == {"a": 0.5}


def test_too_few_networks_foretell_nothing() -> None:
    rows = flights("a", [1.0]) + flights("b", [2.0])
    networks = [{"controller": spec, "loss": 1.0, "spectral_radius": 1.0, "trim_offset_cm": 1.0} for spec in "ab"]
    assert predictor_correlations(rows, networks) == []
