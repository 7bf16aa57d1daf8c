"""Training policies: deterministic, resumable in the same bits, and pruned connections stay gone."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mothsim.body import MothBody
from mothsim.controllers.learning import training_run
from mothsim.controllers.learning.training_run import StepProgress
from mothsim.controllers.policies import policy_refining
from mothsim.controllers.policies.flight_windows import policy_answer
from mothsim.controllers.policies.make_policy import make_policy
from mothsim.controllers.policies.policy_flights import (
    DURATIONS,
    REQUIREMENTS,
    PolicyRequirement,
    fly_all,
    fly_all_angles,
)
from mothsim.controllers.policies.policy_pruning import prune_policy, remove_and_refine, without_least_salient
from mothsim.controllers.policies.policy_refining import RefiningSettings, refine_policy
from mothsim.controllers.policies.policy_training import PolicySettings, init_policy, train_policy
from mothsim.policy_interface import observe, preview
from mothsim.trajectories import NAMES, make_trajectory

# One size for all tests, here and of the command, so that JAX compiles the gradient and the curvature once.
SHORT = PolicySettings(hidden=(8,), steps=6, moths=24, segments=16)
REFINING = RefiningSettings(steps=4, moths=12, segments=16, violence=0.5)
ENGINES = ["numba", pytest.param("jax", marks=pytest.mark.slow)]


class Killed(Exception):
    pass


@pytest.mark.parametrize(("stage", "step"), [("training", 5), ("refining", 3)])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_training_goes_on_in_the_same_bits(
    engine: str, stage: str, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_run, "_SAVE_EVERY", -1.0)
    training, refining = replace(SHORT, engine=engine), replace(REFINING, engine=engine)
    file, whole = tmp_path / "killed.safetensors", tmp_path / "whole.safetensors"

    def kill(at: str, progress: StepProgress) -> None:
        if (at, progress.step) == (stage, step):
            raise Killed

    with pytest.raises(Killed):
        make_policy(training, refining, file, kill)
    assert not file.exists()
    other = (
        (replace(training, segments=5), refining) if stage == "training" else (training, replace(refining, segments=5))
    )
    with pytest.raises(ValueError, match="other settings"):
        make_policy(*other, file)
    steps: list[tuple[str, int]] = []
    make_policy(training, refining, file, lambda at, progress: steps.append((at, progress.step)))
    assert steps[0] == (stage, step)
    assert steps[-1] == ("refining", refining.steps)
    make_policy(training, refining, whole)
    assert file.read_bytes() == whole.read_bytes()
    assert [found.name for found in tmp_path.glob("*progress*")] == []
    with pytest.raises(ValueError, match="other settings"):
        make_policy(training, replace(refining, seed=3), whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_training_then_refining_lower_the_cost(engine: str) -> None:
    costs: list[float] = []
    settings = replace(SHORT, steps=60, engine=engine)
    trained = train_policy(init_policy(settings), settings, callback=lambda progress: costs.append(progress.cost))
    # The mean of the last hundred steps, so that of the first few is in it.
    assert costs[-1] < 0.9 * costs[2]
    refining = replace(REFINING, steps=20, engine=engine)
    costs = []
    refine_policy(trained, replace(refining, steps=1, seed=9), callback=lambda progress: costs.append(progress.cost))
    refined = refine_policy(trained, refining)
    refine_policy(refined, replace(refining, steps=1, seed=9), callback=lambda progress: costs.append(progress.cost))
    assert costs[1] < 0.9 * costs[0]


def test_refining_goes_on_after_flights_that_no_step_improves(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def improves(*arguments: Any) -> bool:
        tried.append(arguments[-1])
        return tried[-1] >= 6

    monkeypatch.setattr(policy_refining, "_improves", improves)
    network = init_policy(SHORT)
    refined = refine_policy(network, replace(REFINING, steps=7))
    assert tried == [step for step in range(6) for _ in range(6)] + [6]
    change = max(np.abs(a - b).max() for a, b in zip(refined.weights, network.weights, strict=True))
    assert change > 1e-4


def test_policies_of_all_body_angles_observe_where_up_is() -> None:
    settings = replace(SHORT, hidden=(), tilt=np.pi)
    network = init_policy(settings)
    assert network.observes_up
    assert not init_policy(SHORT).observes_up
    target = preview(make_trajectory("hover", angle=0.3), MothBody(), 0.02, 1).at(0)
    states = np.random.default_rng(0).normal(size=(3, 8))
    parameters = tuple(zip(network.weights, network.biases, strict=True))
    expected = network(observe(states, target, gravity=True))
    np.testing.assert_allclose(policy_answer(parameters, states, target, np), expected, atol=1e-6)
    figures = fly_all_angles(replace(network, info={"training": {"tilt": np.pi}}), 5, 0)
    assert figures["flights"] == 73
    assert figures["lost"] > 0
    assert figures["flown"] < 1


def test_pruned_connections_stay_gone() -> None:
    network = init_policy(SHORT)
    smaller = without_least_salient(network, REFINING, 40)
    gone = [weight == 0 for weight in smaller.weights]
    assert network.connections - smaller.connections >= 40
    for trained in (train_policy(smaller, SHORT), refine_policy(smaller, REFINING)):
        for weight, mask in zip(trained.weights, gone, strict=True):
            assert not weight[mask].any()
        assert any((a != b).any() for a, b in zip(trained.weights, smaller.weights, strict=True))


def test_pruning_takes_back_what_fails() -> None:
    network, taken = init_policy(SHORT), []
    least = prune_policy(
        network,
        partial(remove_and_refine, replace(REFINING, steps=1)),
        lambda policy: policy.connections >= 200,
        callback=taken.append,
    )
    assert least.connections == min(policy.connections for policy in taken)
    assert 200 <= least.connections < 210


def test_requirements_and_figures_are_of_the_tasks() -> None:
    every = REQUIREMENTS["all"]
    assert isinstance(every, PolicyRequirement)
    assert set(DURATIONS) == set(NAMES) == set(every.errors)
    network = init_policy(SHORT)
    figures = fly_all(network, moths=2)
    assert figures["flights"] == 2 * len(NAMES)
    assert not REQUIREMENTS["gentle"].met_by(network, 3, 0)


@pytest.mark.parametrize(
    ("settings", "wrong", "message"),
    [(PolicySettings, {"steps": 0}, "steps = 0: expected 1 or more"),
     (PolicySettings, {"learning_rate": np.inf}, "learning_rate = inf"),
     (PolicySettings, {"hidden": (3, 0)}, "at least one node"), (PolicySettings, {"seed": -1}, "seed = -1"),
     (PolicySettings, {"tilt": np.nan}, "tilt = nan: expected rad, from 0 to pi"),
     (RefiningSettings, {"damping": 0.0}, "damping = 0.0: expected a finite number above zero"),
     (RefiningSettings, {"memory": 1.0}, "memory = 1.0: expected a share from 0 to below 1"),
     (RefiningSettings, {"led": -0.1}, "led = -0.1: expected a time from 0 s on")],
)  # fmt: skip
def test_bad_settings_are_named(settings: type, wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(**wrong)
