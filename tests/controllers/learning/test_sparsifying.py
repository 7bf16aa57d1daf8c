"""Sparsifying keeps as many connections as it is asked to, by what each pruning measures."""

from typing import NoReturn

import numpy as np
import pytest

from mothsim.controllers.learning.data import make_dataset
from mothsim.controllers.learning.levenberg_marquardt import RegressionTask
from mothsim.controllers.learning.sparsifying import PRUNINGS, sparsify, sparsify_inverse_model
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network


@pytest.fixture(scope="module")
def small() -> Network:
    return find_network("small")


@pytest.fixture(scope="module")
def task(small: Network) -> RegressionTask:
    data = make_dataset(1000, 0, scaling=small.scaling)
    return RegressionTask(data.inputs, data.outputs, np.full(7, 7**-0.5, np.float32))


def unused(_network: Network) -> NoReturn:
    raise AssertionError("measured for nothing")


@pytest.mark.parametrize("pruning", ["layerwise", "global"])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_keeps_the_largest_weights(pruning: str, share: float, small: Network) -> None:
    keep = round(share * small.connections)
    left = sparsify(small, pruning, keep, unused, unused)
    assert keep - 42 < left.connections <= keep  # a node that leads nowhere takes as many with it at most
    for before, after in zip(small.weights, left.weights, strict=True):
        np.testing.assert_array_equal(after[after != 0], before[after != 0])
    if pruning == "layerwise":
        shares = [np.count_nonzero(weight) / weight.size for weight in left.weights]
        assert shares == pytest.approx([share] * 4, abs=0.1)
    elif share == 0.5:
        kept = [abs(w[m]).min() for w, m in zip(small.weights, left.masks, strict=True)]
        assert max(kept) < 2 * min(kept)  # one threshold for all layers


def test_spread_counts_what_a_weight_is_multiplied_with(small: Network) -> None:
    """A node whose output never changes carries nothing, however large its weights."""
    still = np.ones(24)
    still[3] = 0.0
    spreads = [np.ones(10), still, np.ones(24), np.ones(16)]
    left = sparsify(small, "spread", small.connections - 60, lambda _: spreads, unused)
    assert not left.masks[1][3].any()
    assert not left.masks[0][:, 3].any()  # which then leads nowhere


def test_the_surgeon_loses_least(small: Network, task: RegressionTask) -> None:
    """Of inverse models of one size, before any retraining, its cost on segments is the least by far."""
    costs = {}
    for pruning in PRUNINGS:
        left = sparsify_inverse_model(small, pruning, 900, task)
        assert 850 < left.connections <= 900
        costs[pruning] = task.cost(left)
    assert costs["surgeon"] < min(costs["layerwise"], costs["global"], costs["spread"]) / 3


@pytest.mark.parametrize(
    ("pruning", "keep", "message"), [("magnitude", 9, "pruning = 'magnitude'"), ("global", 0, "keep = 0")]
)
def test_refused(pruning: str, keep: int, message: str, small: Network) -> None:
    with pytest.raises(ValueError, match=message):
        sparsify(small, pruning, keep, unused, unused)
