"""Pairs of pruned and dense policies compare lost shares and errors side by side, and leave out what cannot differ."""

import numpy as np
import pytest

from mothsim.controllers.evaluation.report.lost_share_map import draw_lost_shares
from mothsim.controllers.evaluation.sparse_pairs import (
    ALL,
    PolicyFlights,
    compare_pairs,
    lost_shares,
    summary_sentences,
)

NAMES = ["nominal", "never", "always", "some"]


def policy(pruning: str, level: float, weights: int, lost: tuple[int, ...], error: float, seed: int = 0):
    """Flights of one task, four starts, of which so many are lost under each perturbation."""
    fates = np.array([[[start < count for start in range(4)] for count in lost]])
    errors = np.where(fates, np.inf, error)
    return PolicyFlights("with", seed, pruning, level, weights, fates, errors)


def flights() -> list[PolicyFlights]:
    some = []
    for seed in range(3):
        some += [
            policy("", 0, 1000, (0, 0, 4, 1), 0.1, seed),
            policy("", 0, 100, (0, 0, 4, 1), 0.4, seed),
            policy("global", 90, 102, (0, 0, 4, 3), 0.2, seed),
        ]
    return some


def test_pairs_of_equal_weights() -> None:
    rows = compare_pairs(flights(), NAMES)
    total, *single = [row for row in rows if row["pairing"] == "equal weights" and row["pruning"] == ALL]
    assert (total["perturbation"], total["pairs"], total["cells"]) == (ALL, 3, 9)
    assert (total["always_lost"], total["never_lost"]) == (3, 3)
    assert total["lost_more"] == pytest.approx(0.5)  # of the cells of `some`, the only ones left
    assert total["error_ratio"] == pytest.approx(0.5)  # a lost flight has no error
    assert [row["lost_more"] is None for row in single] == [True, True, True, False]
    assert next(row for row in single if row["perturbation"] == "always")["error_ratio"] is None
    assert not [row for row in rows if row["pairing"] == "equal error" and row["pairs"]]
    said = summary_sentences(rows)[0]
    assert "+50.0 % more flights are lost" in said
    assert "Nothing is left of: nominal, never, always." in said


def test_pairs_of_equal_error_take_the_nearest_of_the_seed() -> None:
    one = [
        *flights(),
        policy("spread", 50, 500, (0, 0, 4, 1), 0.11, 1),
        policy("spread", 60, 400, (1, 0, 4, 1), 0.1, 1),
    ]
    rows = [row for row in compare_pairs(one, NAMES) if row["pairing"] == "equal error"]
    spread = next(row for row in rows if row["pruning"] == "spread")
    assert spread["pairs"] == 1  # one that loses a flight undisturbed has no error to be equal
    assert spread["error_ratio"] == pytest.approx(1.1)
    assert spread["lost_more"] == 0


def test_shares_and_picture() -> None:
    rows = lost_shares(flights(), ["hover"])
    assert [(row["pruning"], row["weights"]) for row in rows] == [("none", 1000), ("none", 100), ("global", 102)]
    assert rows[0]["lost"] == pytest.approx(5 / 12)
    assert rows[0]["lost_low"] <= rows[0]["lost"] <= rows[0]["lost_high"]
    assert rows[2]["hover_cm"] == 0.2
    image = draw_lost_shares(flights(), NAMES).axes[0].images[0].get_array()
    np.testing.assert_array_equal(image, [[0, 0], [0, 0], [100, 100], [25, 75]])
