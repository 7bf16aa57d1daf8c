"""Random flights by either engine: the same targets, flights, cost and gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mothsim import MothBody
from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policies.flight_gradient import cost_and_gradient
from mothsim.controllers.policies.flight_windows import ENGINES, fastest_engine
from mothsim.controllers.policies.policy_targets import draw_targets
from mothsim.controllers.policies.policy_training import PolicySettings
from mothsim.controllers.policies.random_window import random_window
from mothsim.controllers.policies.segment_costs import CostWeights


def test_targets_are_the_same_in_jax() -> None:
    for one, other in zip(*(draw_targets(np.random.default_rng(0), 50, 40, xp) for xp in (np, jnp)), strict=True):
        assert isinstance(other, jax.Array)
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(ValueError, match="engine = 'abacus': expected one of numba, jax"):
        PolicySettings(engine="abacus")
    assert fastest_engine() == ("numba" if jax.default_backend() == "cpu" else "jax")


@pytest.mark.slow
def test_both_engines_agree_in_flight_cost_and_gradient() -> None:
    network = find_network("alone")
    parameters = tuple(zip(network.weights, network.biases, strict=True))
    (one, cost, slope), (other, cost_too, slope_too) = (
        (window, *cost_and_gradient(parameters, window, CostWeights(np.float32(0.01)), MothBody()))
        for window in (random_window(parameters, np.random.default_rng(0), 64, 40, 1.0, 0.0, name) for name in ENGINES)
    )
    assert isinstance(other.states, jax.Array)
    assert one.sound.all()
    for name in one._fields:
        ours, theirs = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        axes = tuple(range(ours.ndim - 1))
        # The numba engine's Jacobians are differences, good to some 1e-3.
        assert np.all(np.abs(ours - theirs).max(axes) <= 2e-3 * np.abs(ours).max(axes)), name
    assert cost_too == pytest.approx(float(cost), rel=1e-5)
    flat, flat_too = (np.concatenate([np.ravel(each) for each in jax.tree.leaves(tree)]) for tree in (slope, slope_too))
    assert np.linalg.norm(flat_too - flat) < 5e-3 * np.linalg.norm(flat)
