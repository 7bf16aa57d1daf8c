"""Robust policies: the gradient through delay, noise and memory, resuming in the same bits, and disturbed flights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from mothsim import MothBody, controllers, fly
from mothsim.controllers.learning import training_run
from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policies import policy_flights
from mothsim.controllers.policies.disturbed_flights import begin, fly_on
from mothsim.controllers.policies.disturbed_gradient import disturbed_cost, disturbed_cost_and_gradient
from mothsim.controllers.policies.disturbed_scenarios import Disturbed, draw_scenario
from mothsim.controllers.policies.policy_flights import REQUIREMENTS, fly_all_disturbed
from mothsim.controllers.policies.policy_in_flight import PolicyInFlight
from mothsim.controllers.policies.robust_training import (
    RobustSettings,
    init_robust_policy,
    train_robust_policy,
)
from mothsim.controllers.policies.segment_costs import CostWeights
from mothsim.controllers.policy import Policy
from mothsim.metrics import recovered
from mothsim.perturbations import PERTURBATIONS
from mothsim.policy_interface import preview
from mothsim.policy_memory import first_memory, recall, remember
from mothsim.response_estimate import RESPONSES
from mothsim.trajectories import make_trajectory

BODY = MothBody()
FEW = Path(__file__).parents[3] / "docs" / "studies" / "few-robust"
SHORT = RobustSettings(hidden=(4,), steps=5, groups=1, moths=8, segments=3)  # as of the command's test
WEIGHTS = CostWeights(precision=0.1, change=1e-3, calm=0.05)


def window(parameters: Any, segments: int = 5) -> Any:
    """A window of calm starts, in wind and noise, shown late, on two bodies; the same draws for all parameters."""
    most = Disturbed(delay=0.03, noise=0.01, gusts=50.0)
    scenarios = [draw_scenario(3, group, 0, 4, segments, 0.1, 1.0, 1.0, most) for group in range(2)]
    assert any(scenario.body != BODY for scenario in scenarios)
    assert any((scenario.shares[:, 0] < 1).any() for scenario in scenarios)
    policy, rng = PolicyInFlight(parameters, BODY), np.random.default_rng(7)
    flown, _ = fly_on(policy, begin(scenarios, policy), scenarios, np.zeros(2, np.int64), segments, rng)
    return flown


def test_the_gradient_is_that_of_flights_flown_anew() -> None:
    network = find_network("robust")
    network.weights[0][-RESPONSES:] = 0  # the response is taken as it was flown
    parameters = tuple(zip(network.weights, network.biases, strict=True))
    flown = window(parameters)
    assert flown.sound.all()
    cost, gradient = disturbed_cost_and_gradient(parameters, flown, WEIGHTS, BODY)
    rng = np.random.default_rng(1)
    for layer in (0, 2):
        direction = rng.normal(size=network.weights[layer].shape).astype(np.float32)
        ends = []
        for sign in (1, -1):
            moved: list[Any] = list(parameters)
            moved[layer] = (parameters[layer][0] + sign * 2e-4 * direction, parameters[layer][1])
            ends.append(float(disturbed_cost(tuple(moved), window(tuple(moved)), WEIGHTS, BODY)))
        slope = float((np.asarray(gradient[layer][0]) * direction).sum())
        assert slope == pytest.approx((ends[0] - ends[1]) / 4e-4, rel=0.02, abs=2e-3)
    assert cost > 0


class Killed(Exception):
    pass


def test_a_killed_training_goes_on_in_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_run, "_SAVE_EVERY", -1.0)

    def kill(progress: training_run.StepProgress) -> None:
        if progress.step == 4:
            raise Killed

    def run(name: str, callback: training_run.Callback | None = None) -> bytes:
        training_run.run(train_robust_policy, init_robust_policy(SHORT), SHORT, tmp_path / name, callback)
        return (tmp_path / name).read_bytes()

    with pytest.raises(Killed):
        run("killed.safetensors", kill)
    assert run("killed.safetensors") == run("whole.safetensors")


def test_what_is_remembered_is_the_same_for_numpy_and_jax() -> None:
    target = preview(make_trajectory("figure-eight"), BODY, 0.02, 10)
    rng, memories, responses = np.random.default_rng(0), [], []
    states = np.array([0, 0, np.pi / 2, 1.5 * np.pi, 0, 0, 0, 0]) + 0.1 * rng.normal(size=(4, 3, 8))
    asked = rng.normal(size=(4, 3, 3)) * [1e3, 1e3, 1e4] + target.trims[0]
    for xp in (np, jnp):
        memory = first_memory(xp.asarray(states[0]), target.at(0), xp)
        for i in range(4):
            given = None if xp is np else responses[i]
            seen, memory = recall(xp.asarray(states[i]), target.at(i), memory, 0.02, xp, given)
            responses.append(seen[:, -RESPONSES:])
            memory = remember(memory, xp.asarray(asked[i]), target.trims[i], xp)
        memories.append((np.asarray(seen), *map(np.asarray, memory[:-1])))
    for ours, theirs in zip(*memories, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    # The outputs of the last decision but one are the first of what the last observation remembers.
    expected = (asked[2] - target.trims[2]) / [7500.0, 3000.0, 28000.0]
    np.testing.assert_allclose(memories[0][0][:, 38:41], expected / np.sqrt(1 + (expected / 5) ** 2), atol=1e-12)


@pytest.mark.parametrize("name", ["delay 20 ms", "size 0.8", "abdomen mass 0.5"])
def test_the_robust_policy_keeps_moths_aloft_that_others_lose(name: str) -> None:
    perturbation = PERTURBATIONS[name]
    flights = {
        controller: fly(
            controllers.make(controller, **({"network": "robust"} if controller == "policy" else {})), "recover",
            duration=3.0, moths=20, body=perturbation.body(BODY), nominal_body=BODY,
            disturbances=perturbation.disturbances,
        )
        for controller in ("policy", "lqr")
    }  # fmt: skip
    assert not flights["policy"].lost.any()
    assert recovered(flights["policy"]).mean() >= 0.9
    assert recovered(flights["lqr"]).mean() <= 0.5


@pytest.mark.parametrize("file", [*(f"robust-36-seed-{seed}" for seed in range(4)), "robust-30", "robust-22"])
def test_few_connections_keep_moths_aloft_under_a_delay(file: str) -> None:
    policy = Policy(FEW / f"{file}.safetensors")
    assert policy.network.connections == int(file.split("-")[1])
    disturbances = PERTURBATIONS["delay 20 ms"].disturbances
    assert not fly(policy, "recover", duration=4.0, moths=100, seed=0, disturbances=disturbances).lost.any()


def test_who_loses_a_flight_under_any_perturbation_is_not_robust(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("nominal", "delay 20 ms")
    monkeypatch.setattr(policy_flights, "PERTURBATIONS", {name: PERTURBATIONS[name] for name in names})
    monkeypatch.setattr(policy_flights, "DISTURBED", ("recover", "hover"))
    assert REQUIREMENTS["robust"].met_by(find_network("robust"), 10, 0)
    assert not REQUIREMENTS["robust"].met_by(find_network("alone"), 10, 0)
    figures = fly_all_disturbed(find_network("alone"), 3, 0)
    assert figures["flights"] == 12
    assert 0 < figures["lost"] < 12
    assert figures["least_recovered"] == 0


@pytest.mark.parametrize(("name", "value"), [("optimiser", "sgd"), ("bobbing", 0.0)])
def test_settings_out_of_range_are_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} = {value!r}: expected"):
        replace(SHORT, **{name: value})


def test_a_policy_without_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="network has 29 inputs: expected a policy with memory"):
        train_robust_policy(find_network("alone"), replace(SHORT, steps=1))
