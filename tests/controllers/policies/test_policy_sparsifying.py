"""Prunings keep what they are asked to, by what each measures."""

from dataclasses import replace

import numpy as np
import pytest

from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.policy_sparsifying import input_spreads, prune_to
from mothsim.controllers.policies.robust_training import RobustSettings, init_robust_policy

SETTINGS = RobustSettings(hidden=(4,), groups=2, moths=2, segments=3)


@pytest.fixture(scope="module")
def policy() -> Network:
    first = init_robust_policy(SETTINGS)
    return replace(first, weights=(first.weights[0], 10 * first.weights[1]))  # as far from zero as trained ones


@pytest.mark.parametrize("pruning", ["layerwise", "global", "spread"])
def test_keeps_as_many_as_may_stay(pruning: str, policy: Network) -> None:
    size = policy.connections
    for keep in (size, size // 2, 40):
        left = prune_to(policy, pruning, keep, SETTINGS, 0)
        assert max(0, keep - 57) < left.connections <= keep  # a node that leads nowhere takes 57 with it at most
        for before, after in zip(policy.weights, left.weights, strict=True):
            np.testing.assert_array_equal(after[after != 0], before[after != 0])
        if pruning == "layerwise" and keep > 40:
            assert [np.count_nonzero(weight) / weight.size for weight in left.weights] == pytest.approx(
                [keep / size] * 2, abs=0.1
            )


def test_spread_is_of_what_is_observed_in_flight(policy: Network) -> None:
    inputs, hidden = input_spreads(policy, SETTINGS, 0)
    assert inputs.shape == (62,)
    assert (inputs[:6] > 0).all()
    assert ((hidden > 0) & (hidden < 1)).all()


@pytest.mark.slow  # compiles the gradients
def test_the_surgeon_adjusts_the_others(policy: Network) -> None:
    left = prune_to(policy, "surgeon", 100, SETTINGS, 0)
    assert 80 < left.connections <= 100
    kept = left.weights[0] != 0
    assert (left.weights[0][kept] != policy.weights[0][kept]).any()


@pytest.mark.parametrize(
    ("pruning", "keep", "message"), [("magnitude", 9, "pruning = 'magnitude'"), ("global", 0, "keep = 0")]
)
def test_refused(pruning: str, keep: int, message: str, policy: Network) -> None:
    with pytest.raises(ValueError, match=message):
        prune_to(policy, pruning, keep, SETTINGS, 0)
