"""Medians, intervals and ratios, by hand where a hand can."""

import math

import numpy as np
import pytest

from mothsim.controllers.evaluation.report.headline import (
    as_markdown,
    headline,
    headline_rows,
    last_levels,
    smallest_as_good,
    summary_sentences,
)
from mothsim.controllers.evaluation.statistics import interval, mean_share, median_of_medians, summarise
from mothsim.tables import grouped


def flights(family: str, run: str, errors: list[float], level: float = 0.0, **more) -> list[dict]:
    """Rows of one network's flights; an infinite error is a lost flight."""
    return [
        {"controller": f"{family}-{run}-{level:g}", "family": family, "help": "", "run": run, "level": level,
         "weights": 100,
         "dead_controls": 0, "loss": 1e-4, "task": "hover", "perturbation": "nominal", "start": start,
         "lost": math.isinf(error), "recovered": error < 0.5, "rms_error_cm": error, **more}
        for start, error in enumerate(errors)
    ]  # fmt: skip


def test_a_summary_by_hand() -> None:
    rows = flights("dense", "0", [1.0, 2.0, 9.0]) + flights("dense", "1", [0.2, 0.4, math.inf])
    (row,) = summarise(rows)
    assert row["networks"] == 2
    assert row["flights"] == 6
    assert row["rms_error_cm"] == pytest.approx((2.0 + 0.4) / 2)
    assert row["lost"] == pytest.approx(1 / 6)
    assert row["recovered"] == pytest.approx(2 / 6)
    assert row["rms_error_cm_low"] <= row["rms_error_cm"] <= row["rms_error_cm_high"]
    assert summarise(rows) == [row]


def test_networks_of_one_seed_are_no_repeats_of_one_another() -> None:
    rows = flights("policy, alone", "0", [0.1, 0.2, 0.3], controller="robust")
    rows += flights("policy, alone", "0", [0.4, 0.5, 0.6], controller="alone")
    summary = summarise(rows)
    assert [(row["name"], row["rms_error_cm"]) for row in summary] == [("robust", 0.2), ("alone", 0.5)]
    assert [line[1] for line in headline(summary)[1:]] == ["robust", "alone"]
    repeats = [{**row, "run": row["controller"]} for row in rows]
    assert [row["name"] for row in summarise(repeats)] == ["2 networks"]


def test_most_lost_is_infinitely_far_off() -> None:
    (row,) = summarise(flights("dense", "0", [0.1, math.inf, math.inf]))
    assert math.isinf(row["rms_error_cm"])
    assert math.isinf(row["rms_error_cm_high"])
    assert row["rms_error_cm_low"] == 0.1
    table = headline([row])
    assert table[1][5:] == ["lost", "2 of 3"]


def test_the_headline_is_numbers_too_and_no_two_lines_are_alike() -> None:
    rows = flights("small", "0", [0.25, 0.5, 0.75], weights=1312, controller="one")
    rows += flights("small", "1", [math.inf] * 3, weights=40, dead_controls=3, controller="two")
    rows += [
        {**row, "task": "recover"} for row in flights("small", "0", [0.1, 0.2, 9.0], weights=1312, controller="one")
    ]
    summary = summarise(rows)
    one, two = headline_rows(summary)
    assert (one["name"], one["weights"], one["hover_cm"], one["recover_recovered"]) == ("one", 1312, 0.5, 2 / 3)
    assert (one["lost"], one["flights"], one["degenerate"]) == (0, 6, 0)
    assert (two["name"], two["hover_cm"], two["lost"], two["flights"], two["degenerate"]) == ("two", math.inf, 3, 3, 1)
    assert [line[:2] for line in headline(summary)[1:]] == [
        ["small and dense", "one"], ["small and dense, no control responds", "two"],
    ]  # fmt: skip


def test_networks_are_drawn_and_not_only_starts() -> None:
    """Two networks that differ, each alike in all its starts: the interval spans both, as no draw of starts would."""
    values = np.array([[1.0] * 20, [3.0] * 20])
    assert interval(values, median_of_medians, "a") == (2.0, 1.0, 3.0)
    assert interval(values[:1], median_of_medians, "a") == (1.0, 1.0, 1.0)


def test_the_bootstrap_covers_as_often_as_it_says() -> None:
    """90 % intervals of the mean of 40 fair coins, over many samples."""
    rng = np.random.default_rng(0)
    held = 0
    for sample in range(200):
        _, low, high = interval((rng.random((40, 1)) < 0.5).astype(float), mean_share, str(sample), draws=300)
        held += low <= 0.5 <= high
    assert 0.82 < held / 200 < 0.97


def test_the_smallest_that_is_as_good_loses_nobody() -> None:
    rows = flights("dense", "0", [1.0] * 4)
    rows += flights("global", "0", [1.1] * 4, level=90.0, weights=10)
    rows += flights("global", "0", [1.0, 1.0, 1.0, math.inf], level=98.0, weights=2)
    rows += flights("small", "0", [1.3] * 4, weights=3)
    best = smallest_as_good(summarise(rows), "hover")
    assert best is not None
    assert best["weights"] == 10


def test_loss_and_flight_may_stop_at_different_levels() -> None:
    rows = flights("dense", "0", [1.0, 1.0])
    rows += flights("global", "0", [1.0, 1.0], level=90.0, loss=2e-3)  # flies, whatever its loss
    rows += flights("global", "0", [1.0, math.inf], level=93.0, loss=5e-4)
    rows += flights("global", "0", [1.0, 1.0], level=95.0, loss=5e-4)  # not after a level that lost one
    assert last_levels(rows) == (0.0, 90.0)
    assert last_levels(rows[4:]) == (95.0, None)
    (sentence,) = summary_sentences(rows)
    assert "within 0.001 up to 0 %, while no flight is lost up to 90 % on every task." in sentence


def test_rows_are_grouped_and_shown() -> None:
    assert list(grouped([{"k": 2}, {"k": 1}, {"k": 2}], lambda row: row["k"])) == [2, 1]
    assert as_markdown([["a", "b"], ["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |\n"
