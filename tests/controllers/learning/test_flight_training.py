from dataclasses import replace
from pathlib import Path

import numpy as np
import optax
import pytest

from mothsim import fly
from mothsim.controllers.guidance.kinematic import KinematicGains
from mothsim.controllers.guidance.kinematic_stability import select_kinematic_gains
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.learning import flight_run
from mothsim.controllers.learning.data import make_dataset
from mothsim.controllers.learning.flight_run import train_through_flight
from mothsim.controllers.learning.flight_training import FlightSettings, FlightState, FlightTrainer
from mothsim.controllers.learning.random_targets import draw_starts, draw_targets
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network, load_network

QUICK = FlightSettings(steps=4, moths=6, segments=2000)


@pytest.fixture(scope="module")
def sparse() -> Network:
    """The small network with the smallest twentieth of each layer's weights gone."""
    small = find_network("small")
    weights = tuple(np.where(abs(w) < np.quantile(abs(w), 0.05), 0, w).astype(np.float32) for w in small.weights)
    return Network(weights, small.biases, small.scaling)


def test_targets_are_within_what_a_moth_can_follow() -> None:
    targets = draw_targets(np.random.default_rng(0), 500, 50)
    assert targets.position.shape == targets.posture.shape == (51, 500, 2)
    assert not targets.position[0].any()
    assert np.hypot(*np.moveaxis(targets.acceleration, -1, 0)).max() <= 0.6
    still = (targets.drift == 0).all(axis=(0, 2))
    assert 0.1 < still.mean() < 0.4
    starts = draw_starts(np.random.default_rng(1), targets, 1.0)
    assert np.abs(starts[:, :2]).max() == pytest.approx(5.0, abs=0.2)


def test_slopes_agree_with_differences_of_the_loss() -> None:
    """A gain's slope, through the engine's own flights: nothing of the affine flight is left in the differences."""
    small = find_network("small")
    trainer = FlightTrainer(small, KinematicGains(), make_dataset(2000, 0, scaling=small.scaling), QUICK)
    weights, biases, gains = trainer.start().parameters
    targets = draw_targets(np.random.default_rng(3), 6, 12)
    starts = draw_starts(np.random.default_rng(4), targets, 0.5)

    def loss(gain: int, ratio: float) -> tuple[float, float]:
        moved = (weights, biases, gains.at[gain].add(ratio))
        (_, curve), slopes = trainer.slopes(moved, trainer.fly(moved, starts, targets), targets, 0.1, slice(0, 512))
        return float(curve[0]), float(slopes[2][gain])

    for gain in (0, 1):
        step = 2e-3
        (above, _), (below, _), (_, slope) = loss(gain, step), loss(gain, -step), loss(gain, 0.0)
        assert slope == pytest.approx((above - below) / (2 * step), rel=0.05)


def test_a_tumbling_moth_does_not_drown_the_others() -> None:
    """By weights a little too large moths tumble; without a bound on the costate the slopes are of some 6e7 cm."""
    small = find_network("small")
    trainer = FlightTrainer(small, KinematicGains(), make_dataset(2000, 0, scaling=small.scaling), QUICK)
    weights, *others = trainer.start().parameters
    parameters = (tuple(1.06 * weight for weight in weights), *others)
    targets = draw_targets(np.random.default_rng(3), 6, 40)
    flown = trainer.fly(parameters, draw_starts(np.random.default_rng(4), targets, 1.0), targets)
    _, slopes = trainer.slopes(parameters, flown, targets, 0.1, slice(0, 512))
    assert 100 < optax.global_norm(slopes) < 2000


def test_a_hopeless_moth_is_left_out_and_changes_no_other() -> None:
    small = find_network("small")
    trainer = FlightTrainer(small, KinematicGains(), make_dataset(2000, 0, scaling=small.scaling), QUICK)
    targets, parameters = draw_targets(np.random.default_rng(3), 6, 12), trainer.start().parameters
    starts = draw_starts(np.random.default_rng(4), targets, 0.3)
    sound = trainer.fly(parameters, starts, targets)
    starts[2, 4] = 2000.0  # cm/s, a metre within three segments
    flown = trainer.fly(parameters, starts, targets)
    assert flown.good.tolist() == [1, 1, 0, 1, 1, 1]
    assert (flown.states[:, 2] == starts[0].astype(np.float32)).all()
    for with_it, without in zip(flown[:-1], sound[:-1], strict=True):
        assert np.isfinite(with_it).all()
        np.testing.assert_array_equal(np.delete(with_it, 2, axis=1), np.delete(without, 2, axis=1))


def test_what_is_pruned_stays_pruned_and_all_else_learns(sparse: Network, tmp_path: Path) -> None:
    trained = train_through_flight(sparse, tmp_path / "a.safetensors", QUICK)
    assert all(np.array_equal(*pair) for pair in zip(trained.masks, sparse.masks, strict=True))
    assert not any(np.array_equal(*pair) for pair in zip(trained.weights, sparse.weights, strict=True))
    assert trained.info["waypoint"] == "kinematic"
    assert InverseModel(trained).guidance.gains == KinematicGains(*trained.info["kinematic_gains"])
    assert trained.info["kinematic_gains"] != list(vars(select_kinematic_gains(sparse)).values())
    assert len(trained.info["flight_curve"]) == QUICK.steps


def test_an_interrupted_training_ends_in_the_same_bits(
    sparse: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_run, "_SAVE_EVERY", 0.0)
    whole, broken = tmp_path / "whole.safetensors", tmp_path / "broken.safetensors"
    train_through_flight(sparse, whole, QUICK)
    steps = []

    def interrupt(state: FlightState) -> None:
        steps.append(len(state.curve))
        if len(steps) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_through_flight(sparse, broken, QUICK, interrupt)
    assert not broken.exists()
    train_through_flight(sparse, broken, QUICK, interrupt)
    assert steps == [1, 2, 3, 3, 4]  # the third step was done, not saved
    assert broken.read_bytes() == whole.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["broken.safetensors", "whole.safetensors"]


def test_a_network_that_was_made_otherwise_is_not_taken_for_the_result(sparse: Network, tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    train_through_flight(sparse, file, replace(QUICK, steps=1))
    before = file.read_bytes()
    train_through_flight(sparse, file, replace(QUICK, steps=1))
    with pytest.raises(ValueError, match="made otherwise"):
        train_through_flight(sparse, file, replace(QUICK, steps=2))
    assert file.read_bytes() == before
    assert load_network(file).connections == sparse.connections


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="steps = 0"):
        FlightSettings(steps=0)
    with pytest.raises(ValueError, match="learning_rate = nan"):
        FlightSettings(learning_rate=float("nan"))
    with pytest.raises(ValueError, match="segments = 10: expected a finite number of 512"):
        FlightSettings(segments=10)


@pytest.mark.slow
def test_training_through_the_flight_makes_it_better(tmp_path: Path) -> None:
    small = find_network("small")
    trained = train_through_flight(small, tmp_path / "a.safetensors", FlightSettings(steps=200))
    before, after = (
        np.median(fly(InverseModel(network, waypoint="kinematic"), "figure-eight", duration=5.0, moths=20).rms_error)
        for network in (small, trained)
    )
    assert after < before
    assert trained.info["test_loss"] < 1e-3
