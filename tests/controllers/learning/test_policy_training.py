"""Training policies: deterministic, resumable in the same bits, and pruned connections stay gone."""

from pathlib import Path

import numpy as np
import pytest

from mothsim.controllers.learning import policy_training
from mothsim.controllers.learning.policy_flights import DURATIONS, REQUIREMENTS, fly_all
from mothsim.controllers.learning.policy_pruning import prune_policy, without_least
from mothsim.controllers.learning.policy_training import PolicyProgress, PolicySettings, init_policy, run, train_policy
from mothsim.trajectories import NAMES

SHORT = PolicySettings(hidden=(4,), steps=6, moths=8, segments=4)


class Killed(Exception):
    pass


def test_a_killed_training_goes_on_in_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_training, "_SAVE_EVERY", -1.0)

    def kill(progress: PolicyProgress) -> None:
        if progress.step == 5:
            raise Killed

    with pytest.raises(Killed):
        run(SHORT, tmp_path / "killed.safetensors", kill)
    assert not (tmp_path / "killed.safetensors").exists()
    with pytest.raises(ValueError, match="other settings"):
        run(PolicySettings(hidden=(4,), steps=6, moths=8, segments=5), tmp_path / "killed.safetensors")
    steps: list[int] = []
    resumed = run(SHORT, tmp_path / "killed.safetensors", lambda progress: steps.append(progress.step))
    assert steps == [5, 6]
    whole = run(SHORT, tmp_path / "whole.safetensors")
    assert (tmp_path / "killed.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert [file.name for file in tmp_path.glob("*progress*")] == []
    for ours, theirs in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="other settings"):
        run(PolicySettings(hidden=(5,), steps=6), tmp_path / "whole.safetensors")


def test_training_lowers_the_cost() -> None:
    costs: list[float] = []
    settings = PolicySettings(hidden=(8,), steps=60, moths=24, segments=16)
    train_policy(init_policy(settings), settings, callback=lambda progress: costs.append(progress.cost))
    # The mean of the last hundred steps, so that of the first few is in it.
    assert costs[-1] < 0.9 * costs[2]


def test_pruned_connections_stay_gone() -> None:
    network = init_policy(SHORT)
    smaller = without_least(network, SHORT, 40)
    gone = [weight == 0 for weight in smaller.weights]
    assert network.connections - smaller.connections >= 40
    trained = train_policy(smaller, SHORT)
    for weight, mask in zip(trained.weights, gone, strict=True):
        assert not weight[mask].any()
    assert any((a != b).any() for a, b in zip(trained.weights, smaller.weights, strict=True))


def test_pruning_takes_back_what_fails() -> None:
    network, taken = init_policy(SHORT), []
    least = prune_policy(
        network, PolicySettings(hidden=(4,), steps=1, moths=4, segments=2),
        lambda policy: policy.connections >= 90, callback=taken.append,
    )  # fmt: skip
    assert least.connections == min(policy.connections for policy in taken)
    assert 90 <= least.connections < 100


def test_requirements_and_figures_are_of_the_tasks() -> None:
    assert set(DURATIONS) == set(NAMES) == set(REQUIREMENTS["all"].errors)
    network = init_policy(SHORT)
    figures = fly_all(network, moths=2)
    assert figures["flights"] == 2 * len(NAMES)
    assert not REQUIREMENTS["gentle"].met_by(network, 3, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"steps": 0}, "steps = 0: expected 1 or more"), ({"learning_rate": np.inf}, "learning_rate = inf"),
     ({"hidden": (3, 0)}, "at least one node"), ({"seed": -1}, "seed = -1")],
)  # fmt: skip
def test_bad_settings_are_named(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PolicySettings(**wrong)
