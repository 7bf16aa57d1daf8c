"""Trainings that are files: whose they are, and that nothing outside of their settings changes them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from mothsim.controllers.learning import training_run
from mothsim.controllers.learning.training_run import Callback, StepProgress, iterate, run, trained_info
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.policy_curve import draw_policy_curve
from mothsim.controllers.policies.policy_training import random_policy
from mothsim.policy_interface import ENTRIES
from mothsim.solver.jax_engine import enable_x64


@dataclass(frozen=True)
class Settings:
    """Of a training that adds up products."""

    steps: int = 4


class Killed(Exception):
    """Raised where a training is killed."""


def kill(progress: StepProgress) -> None:
    if progress.step == 2:
        raise Killed


def first(seed: int) -> Network:
    return random_policy(len(ENTRIES), (4,), seed)


def train(network: Network, settings: Settings, checkpoint: Path | None, callback: Callback | None) -> Network:
    def advance(state: Any, step: int) -> tuple[Any, float]:
        return state + 1e-3 * jnp.asarray(state) @ np.eye(4), float(step)

    weight, costs = iterate(network.weights[0], advance, settings, checkpoint, callback)
    weights = (np.asarray(weight, np.float32), *network.weights[1:])
    return replace(network, weights=weights, info=trained_info(network, settings, costs))


@pytest.mark.parametrize("finished", [True, False])
def test_a_training_that_began_with_another_network_is_refused(
    finished: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_run, "_SAVE_EVERY", -1.0)
    file = tmp_path / "policy.safetensors"
    if finished:
        run(train, first(0), Settings(), file)
    else:
        with pytest.raises(Killed):
            run(train, first(0), Settings(), file, kill)
    with pytest.raises(ValueError, match="from another"):
        run(train, first(1), Settings(), file)
    goes_on = run(train, first(0), Settings(), file)
    np.testing.assert_array_equal(goes_on.weights[0], train(first(0), Settings(), None, None).weights[0])


def test_what_makes_the_network_is_asked_where_there_is_none_yet(tmp_path: Path) -> None:
    file, asked = tmp_path / "policy.safetensors", []

    def make() -> Network:
        asked.append(1)
        return first(0)

    once, again = (run(train, make, Settings(), file).weights[0] for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert len(asked) == 1


def test_a_learning_curve_goes_on_from_stage_to_stage() -> None:
    network = first(0)
    for settings in (Settings(250), Settings(50)):
        network = train(network, settings, None, None)
    assert network.info["learning_steps"] == [125, 250, 300]
    assert network.info["learning_curve"] == [62.0, 187.0, 24.5]
    (line,) = draw_policy_curve(network).axes[0].lines
    np.testing.assert_array_equal(line.get_xdata(), [125, 250, 300])


def test_a_users_jax_settings_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_run, "_SAVE_EVERY", -1.0)
    expected = train(first(0), Settings(), None, None).weights[0]
    file = tmp_path / "policy.safetensors"
    with enable_x64(True):
        with pytest.raises(Killed):
            run(train, first(0), Settings(), file, kill)
        found = run(train, first(0), Settings(), file).weights[0]
    np.testing.assert_array_equal(found, expected)
