"""Robust policies of few connections: gradients moth by moth, and pruning that resumes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from mothsim.body import MothBody
from mothsim.controllers.learning import training_run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network, save_network
from mothsim.controllers.policies.disturbed_flights import begin, fly_on
from mothsim.controllers.policies.disturbed_gradient import cost_until_lost, disturbed_cost
from mothsim.controllers.policies.disturbed_scenarios import Disturbed
from mothsim.controllers.policies.moth_by_moth import moth_by_moth
from mothsim.controllers.policies.policy_in_flight import PolicyInFlight
from mothsim.controllers.policies.robust_pruning import RobustPruningSettings, prune_robust_policy, unwired_policy
from mothsim.controllers.policies.segment_costs import CostWeights
from mothsim.controllers.policies.single_disturbances import draw_singly_disturbed

BODY, MOST = MothBody(), Disturbed(**RobustPruningSettings().disturbed)
SHORT = RobustPruningSettings(keep=60, steps=8, groups=1, moths=4, segments=3)


@pytest.mark.slow  # compiles the gradients of a larger policy
def test_cost_until_lost_is_that_of_disturbed_flights_that_are_sound() -> None:
    network = find_network("robust")
    parameters = tuple(zip(network.weights, network.biases, strict=True))
    policy, rng = PolicyInFlight(parameters, BODY), np.random.default_rng(0)
    scenarios = [draw_singly_disturbed(3, 0, 0, 3, 20, 0.1, 1.0, MOST)]
    window, _ = fly_on(policy, begin(scenarios, policy), scenarios, np.zeros(1, np.int64), 3, rng, until_lost=True)
    assert window.sound.shape == (3, 3)
    assert window.sound.all()
    weights = CostWeights(precision=np.float32(0.1), arrival=0.0)
    whole = window._replace(sound=window.sound[-1])
    cost, slopes = jax.value_and_grad(disturbed_cost)(parameters, whole, weights, BODY)
    costs, each = moth_by_moth(jax.value_and_grad(cost_until_lost), parameters, window, weights, BODY)
    assert costs.mean() == pytest.approx(float(cost), rel=1e-5)
    jax.tree.map(
        lambda ours, all_: np.testing.assert_allclose(ours.mean(axis=0), all_, rtol=1e-3, atol=1e-5), each, slopes
    )
    halved = window._replace(sound=window.sound * np.array([[1], [1], [0]], np.float32))
    assert cost_until_lost(parameters, halved, weights, BODY) < cost


class Killed(Exception):
    pass


def test_pruning_ends_where_it_should_and_goes_on_in_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_run, "_SAVE_EVERY", -1.0)
    first = unwired_policy()

    def kill(progress: training_run.StepProgress) -> None:
        if progress.step == 5:
            raise Killed

    def prune(name: str, callback: training_run.Callback | None = None) -> list[Network]:
        found: list[Network] = []

        def train(*others: Any) -> Network:
            return prune_robust_policy(*others, taken=found.append)

        training_run.run(train, first, SHORT, tmp_path / f"{name}.safetensors", callback)
        return found

    whole = prune("whole")
    with pytest.raises(Killed):
        prune("killed", kill)
    rest = prune("killed")
    assert (tmp_path / "killed.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    for name, policy in (("whole", whole[-1]), ("killed", rest[-1])):
        save_network(policy, tmp_path / f"{name}-last.safetensors")
    assert (tmp_path / "killed-last.safetensors").read_bytes() == (tmp_path / "whole-last.safetensors").read_bytes()
    counts = [policy.connections for policy in whole]
    assert counts[0] > 100
    assert counts == sorted(counts, reverse=True)
    last = find_network(str(tmp_path / "whole.safetensors"))
    assert last.has_memory
    assert last.connections == SHORT.keep
    assert all(np.isin(row, first.weights[1]).all() for row in last.weights[1])  # reaches are held
    assert all(policy.weights[0][last.weights[0] != 0].all() for policy in whole[1:] if policy.sizes == last.sizes)


@pytest.mark.parametrize(("name", "value"), [("keep", 0), ("precision", 0.0), ("steps", 0)])
def test_settings_out_of_range_are_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} = {value!r}: expected"):
        replace(SHORT, **{name: value})


def test_a_policy_of_other_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"layers of \(62, 48, 48, 3\) nodes: expected those of an unwired policy"):
        prune_robust_policy(find_network("robust"), SHORT)
