"""Inverse models trained through disturbed flights: the gradient, what stays pruned, and resuming in the same bits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mothsim import MothBody
from mothsim.controllers.guidance.kinematic import KinematicGains
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.learning import training_run
from mothsim.controllers.learning.data import make_dataset
from mothsim.controllers.learning.disturbed_flight_training import (
    DisturbedFlightSettings,
    InverseModelInFlight,
    cost_and_gradient,
    train_disturbed,
)
from mothsim.controllers.learning.flight_training import flight_constants
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policies.disturbed_flights import begin, fly_on
from mothsim.controllers.policies.disturbed_scenarios import Disturbed, draw_scenario

QUICK = DisturbedFlightSettings(steps=5, groups=2, moths=4, segments=6)


def window(parameters: Any, constants: Any, segments: int, violence: float = 0.1, until_lost: bool = False) -> Any:
    """A window in wind and noise, shown late, on two bodies; the same draws for all parameters."""
    most = Disturbed(delay=0.03, noise=0.01, gusts=50.0)
    scenarios = [draw_scenario(3, group, 0, 4, segments, violence, 1.0, 1.0, most) for group in range(2)]
    assert any(scenario.body != MothBody() for scenario in scenarios)
    assert any((scenario.shares[:, 0] < 1).any() for scenario in scenarios)
    model, rng = InverseModelInFlight(parameters, constants), np.random.default_rng(7)
    return fly_on(model, begin(scenarios, model), scenarios, np.zeros(2, np.int64), segments, rng, until_lost)[0]


def start(network: Network) -> tuple[Any, Any]:
    gains = KinematicGains(position=0.2, angle=0.04)
    return (network.weights, network.biases, np.zeros(4, np.float32)), flight_constants(network, gains)


def test_the_gradient_is_that_of_flights_flown_anew() -> None:
    network = find_network("small")
    (weights, biases, gains), constants = start(network)
    data = make_dataset(2000, 0, scaling=network.scaling)
    direction = np.random.default_rng(1).normal(size=weights[0].shape).astype(np.float32)

    def cost(step: float, ratio: float) -> tuple[float, Any]:
        moved = ((weights[0] + step * direction, *weights[1:]), biases, gains + np.array([ratio, 0, 0, 0], np.float32))
        batch = np.float32(0.1), np.float32(1.0), data.inputs[:512], data.outputs[:512]
        found, slopes = cost_and_gradient(moved, constants, window(moved, constants, 6), *batch)
        return float(found), slopes

    flown, slopes = window((weights, biases, gains), constants, 6), cost(0, 0)[1]
    assert flown.sound.all()
    along = [float((np.asarray(slopes[0][0]) * direction).sum()), float(slopes[2][0])]
    for move, slope in zip(((5e-4, 0.0), (0.0, 5e-4)), along, strict=True):
        above, below = cost(*move)[0], cost(*(-each for each in move))[0]
        assert slope == pytest.approx((above - below) / 1e-3, rel=0.05)


def test_flights_count_until_they_are_lost() -> None:
    """Of violent starts some are lost: what was flown before is kept, and nothing after."""
    whole, partial = (
        window(*start(find_network("small")), 25, violence=3.0, until_lost=each) for each in (False, True)
    )
    lost = whole.sound == 0
    assert 0 < lost.sum() < len(lost)
    assert partial.sound.shape == (25, len(lost))
    np.testing.assert_array_equal(partial.sound.all(axis=0), ~lost)
    assert (np.diff(partial.sound, axis=0) <= 0).all()
    assert partial.sound[:, lost].any()
    assert not partial.by_state[partial.sound == 0].any()
    assert partial.by_state[partial.sound == 1].any(axis=(1, 2)).all()
    np.testing.assert_array_equal(partial.by_state[:, ~lost], whole.by_state[:, ~lost])


class Killed(Exception):
    pass


def test_a_killed_training_goes_on_in_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_run, "_SAVE_EVERY", -1.0)
    small = find_network("small")
    weights = tuple(np.where(abs(w) < np.quantile(abs(w), 0.05), 0, w).astype(np.float32) for w in small.weights)
    sparse = Network(weights, small.biases, small.scaling)

    def kill(progress: training_run.StepProgress) -> None:
        if progress.step == 4:
            raise Killed

    def run(name: str, callback: training_run.Callback | None = None) -> Network:
        return training_run.run(train_disturbed, sparse, QUICK, tmp_path / name, callback)

    with pytest.raises(Killed):
        run("killed.safetensors", kill)
    trained = run("killed.safetensors")
    run("whole.safetensors")
    assert (tmp_path / "killed.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert all(np.array_equal(*pair) for pair in zip(trained.masks, sparse.masks, strict=True))
    assert not any(np.array_equal(*pair) for pair in zip(trained.weights, sparse.weights, strict=True))
    assert InverseModel(trained).guidance.gains == KinematicGains(*trained.info["kinematic_gains"])
    assert 0 < trained.info["test_loss"] < 0.01


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="groups = 0"):
        DisturbedFlightSettings(groups=0)
    with pytest.raises(ValueError, match=r"delay = 0\.1"):
        DisturbedFlightSettings(disturbed={"delay": 0.1})
