"""What the connections of a policy with memory are worth is measured on its flights."""

from dataclasses import replace

import pytest

from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policies.policy_sparsifying import input_spreads, prune_to
from mothsim.controllers.policies.robust_training import RobustSettings, init_robust_policy

SETTINGS = RobustSettings(hidden=(4,), groups=2, moths=2, segments=3)


@pytest.fixture(scope="module")
def policy() -> Network:
    first = init_robust_policy(SETTINGS)
    return replace(first, weights=(first.weights[0], 10 * first.weights[1]))  # as far from zero as trained ones


def test_spread_is_of_what_is_observed_in_flight(policy: Network) -> None:
    inputs, hidden = input_spreads(policy, SETTINGS, 0)
    assert inputs.shape == (62,)
    assert (inputs[:6] > 0).all()
    assert ((hidden > 0) & (hidden < 1)).all()
    for keep in (policy.connections // 2, 40):
        left = prune_to(policy, "spread", keep, SETTINGS, 0)
        assert max(0, keep - 65) < left.connections <= keep  # a node that leads nowhere takes 65 with it at most


@pytest.mark.slow  # compiles the gradients
def test_the_surgeon_adjusts_the_others(policy: Network) -> None:
    left = prune_to(policy, "surgeon", 100, SETTINGS, 0)
    assert 80 < left.connections <= 100
    kept = left.weights[0] != 0
    assert (left.weights[0][kept] != policy.weights[0][kept]).any()


def test_one_without_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a policy with memory"):
        prune_to(find_network("alone"), "global", 9, SETTINGS, 0)
