"""Motifs counted by hand, and random networks that keep what they say."""

import math
from itertools import combinations

import numpy as np
import pytest

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
    masks = [rng.random((10, 30)) < 0.3, rng.random((30, 7)) < 0.3]
    masks[0][:, 5] = False
    degrees, density = _DegreeNull(masks, rng), _DensityNull(masks, rng)
    for _ in range(5):
        for mask, random in zip(masks, degrees(), strict=True):
            assert np.array_equal(random.sum(axis=0), mask.sum(axis=0))
            assert np.array_equal(random.sum(axis=1), mask.sum(axis=1))
            assert not np.array_equal(random, mask)
        for mask, random in zip(masks, density(), strict=True):
            assert random.sum() == mask.sum()
            assert not (random & ~np.outer(mask.any(axis=1), mask.any(axis=0))).any()


def test_swaps_reach_every_network_of_the_same_degrees_alike_often() -> None:
    """Three nodes that lead to one each of three: six networks of those degrees, each a sixth of the draws."""
    null = _DegreeNull([np.eye(3, dtype=bool)], np.random.default_rng(2))
    drawn = [tuple(null()[0].argmax(axis=1).tolist()) for _ in range(6000)]
    shares = [drawn.count(one) / 6000 for one in set(drawn)]
    assert len(shares) == 6
    assert np.allclose(shares, 1 / 6, atol=0.03)


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
    with pytest.raises(ValueError, match="samples = 1: expected two or more"):
        compare_motifs(blocks, 1)
