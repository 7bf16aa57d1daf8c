"""Motifs counted by hand, and random networks that keep what they say."""

import math
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import chisquare

from mothsim.controllers.zahn2022.motifs import MOTIFS, _DegreeNull, _DensityNull, compare_motifs, count_motifs

# Inputs A B, nodes 1 2 3, output Z: A-1 A-2 B-1 B-2 B-3, 1-Z 2-Z.
SMALL = [np.array([[1, 1, 0], [1, 1, 1]], dtype=bool), np.array([[1], [1], [0]], dtype=bool)]


def test_a_small_network_by_hand() -> None:
    """Chains A1Z A2Z B1Z B2Z; converging AB1 AB2 12Z; diverging A12 B12 B13 B23; bi-fan AB12; diamonds A12Z B12Z."""
    assert dict(zip(MOTIFS, count_motifs(SMALL), strict=True)) == {
        "chain": 4, "convergence": 3, "divergence": 4, "bi-fan": 1, "diamond": 2
    }  # fmt: skip


def test_counts_are_those_of_going_through_all_nodes() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((6, 9)) < 0.5, rng.random((9, 4)) < 0.4
    bi_fans = sum(
        math.comb(int((layer[a] & layer[b]).sum()), 2)
        for layer in (first, second)
        for a, b in combinations(range(len(layer)), 2)
    )
    diamonds = sum(math.comb(int((first[a] & second[:, z]).sum()), 2) for a in range(6) for z in range(4))
    assert count_motifs([first, second])[3:].tolist() == [bi_fans, diamonds]
    assert count_motifs([second.T, first.T])[[1, 2, 3, 4]].tolist() == [
        count_motifs([first, second])[i] for i in (2, 1, 3, 4)
    ]  # fmt: skip


def test_random_networks_keep_their_degrees_or_their_density() -> None:
    rng = np.random.default_rng(1)
    masks = [rng.random((11, 30)) < 0.3, rng.random((30, 7)) < 0.8]
    degrees, density = _DegreeNull(masks, rng), _DensityNull(masks, rng)
    for _ in range(5):
        for mask, random in zip(masks, degrees(), strict=True):
            assert np.array_equal(random.sum(axis=0), mask.sum(axis=0))
            assert np.array_equal(random.sum(axis=1), mask.sum(axis=1))
            assert not np.array_equal(random, mask)
        for mask, random in zip(masks, density(), strict=True):
            assert random.shape == mask.shape
            assert random.sum() == mask.sum()
            assert not np.array_equal(random, mask)


def test_trades_reach_every_network_of_the_same_degrees_alike_often() -> None:
    """All 4 by 4 networks with 2, 2, 1 and 3 outputs and 3, 2, 1 and 2 inputs, found by going through all 65,536."""
    start = np.array([[1, 1, 0, 0], [1, 0, 0, 1], [0, 1, 0, 0], [1, 0, 1, 1]], dtype=bool)
    every = np.array(list(product([False, True], repeat=16))).reshape(-1, 4, 4)
    alike = [(every.sum(axis=axis) == start.sum(axis=axis - 1)).all(axis=1) for axis in (1, 2)]
    there = [mask.tobytes() for mask in every[alike[0] & alike[1]]]
    null = _DegreeNull([start], np.random.default_rng(2))
    drawn = Counter(null()[0].tobytes() for _ in range(200 * len(there)))
    assert len(there) > 10
    assert set(drawn) == set(there)
    assert chisquare(list(drawn.values())).pvalue > 0.01


def test_random_networks_hardly_resemble_the_one_before() -> None:
    """Counts of bi-fans and diamonds correlate by at most 0.2 from one network to the next, dense or sparse."""
    rng = np.random.default_rng(3)
    for density in (0.1, 0.8):
        null = _DegreeNull([rng.random((60, 60)) < density, rng.random((60, 60)) < density], rng)
        counts = np.array([count_motifs(null())[3:] for _ in range(400)])
        for column in counts.T:
            assert abs(np.corrcoef(column[:-1], column[1:])[0, 1]) < 0.2


def test_a_network_of_bi_fans_stands_out_and_repeats() -> None:
    """Twenty inputs and nodes in blocks of two: ten bi-fans, of which random networks of the same degrees have 0.5."""
    blocks = [np.kron(np.eye(10), np.ones((2, 2))).astype(bool), np.ones((20, 1), dtype=bool)]
    scores = {(score.null, score.motif): score for score in compare_motifs(blocks, 100)}
    found = scores["degrees", "bi-fan"]
    assert found.count == 10
    assert found.mean < 2
    assert found.z > 5
    assert math.isnan(scores["degrees", "chain"].z)
    assert scores["degrees", "chain"].mean == scores["degrees", "chain"].count == 40
    assert compare_motifs(blocks, 100)[3] == found
    aside = [np.pad(blocks[0], ((0, 0), (0, 1)), constant_values=True), np.pad(blocks[1], ((0, 1), (0, 0)))]
    assert compare_motifs(aside, 100) == compare_motifs(blocks, 100)  # a node that leads nowhere does not count
    with pytest.raises(ValueError, match="samples = 1: expected two or more"):
        compare_motifs(blocks, 1)
