import math

import numpy as np
import pytest

import controllers
from controllers.guidance import Guidance, Weights, entry_curves, tracking_gains
from controllers.reference import ACCELERATION, gentle, reference_states, smoothed
from mothsim import MothBody, Task, fly, make_trajectory
from mothsim.actuation import to_components
from mothsim.trim import find_trim, linearise


def test_feedback_settles_the_linear_moth() -> None:
    linear = linearise(MothBody(), find_trim(MothBody()))
    gains = tracking_gains(linear, Weights(), 3, 50)
    closed = linear.a - linear.b[:, :3] @ gains.feedback
    assert np.abs(np.linalg.eigvals(closed)).max() < 0.95
    # A target that never moves: the whole preview adds up to what the feedback takes away.
    still = np.array([1.0, -2.0, 0, 0, 0, 0, 0, 0])
    forward = np.einsum("hms,s->m", tracking_gains(linear, Weights(), 3, 400).feedforward, still)
    assert forward == pytest.approx(gains.feedback @ still, rel=1e-3)


def test_entry_curves_start_as_they_should_and_end_at_rest() -> None:
    curves = entry_curves(0.4, np.arange(0, 30))
    assert curves[0] == pytest.approx(np.eye(4))
    assert curves[20:] == pytest.approx(0.0)
    fine = entry_curves(400.0, np.arange(0, 20_001))
    assert np.gradient(fine[:, 0], 0.02, axis=0)[1:-1] == pytest.approx(fine[1:-1, 2], abs=1e-4)


def test_smoother_keeps_parabolas_and_bounds_acceleration() -> None:
    t = np.arange(200.0)
    assert smoothed(3 + t - 0.1 * t**2, 1e4) == pytest.approx(3 + t - 0.1 * t**2, rel=1e-6)
    jump = np.stack([np.where(t < 100, 0.0, 5.0), np.zeros(200)], axis=1)
    path = gentle(jump, 0.02)
    assert np.abs(np.diff(path[:, 0], 2)).max() <= ACCELERATION[0] * 0.02**2
    assert path[[0, -1], 0] == pytest.approx([0, 5], abs=0.01)
    assert np.array_equal(path[:, 1], jump[:, 1])


def test_gentle_targets_are_followed_as_they_are() -> None:
    trajectory = make_trajectory("sum-of-primes")
    times = 0.02 * np.arange(500)
    states = reference_states(trajectory, MothBody(), times)
    assert np.array_equal(states[:, :2], trajectory.position(times))
    assert np.array_equal(states[:, 4:6], trajectory.velocity(times))


def test_waypoint_is_where_its_own_control_leads() -> None:
    guidance = Guidance()
    seeds = tuple(np.random.SeedSequence(0).spawn(3))
    guidance.reset(Task(make_trajectory("sine"), MothBody(), 1.0, seeds))
    states = find_trim(MothBody()).state + 0.01 * np.random.default_rng(0).standard_normal((3, 8))
    controls = guidance.control(states, 0.0)
    waypoints = guidance.waypoint(states, controls)
    departure = to_components(controls) - to_components(guidance.trim.control)
    linear = guidance.linear
    predicted = guidance.trim.state + (states - guidance.trim.state) @ linear.a.T + departure @ linear.b.T
    assert waypoints == pytest.approx(predicted[:, :4], abs=0.02)


@pytest.mark.parametrize(("task", "limit"), [("hover", 0.01), ("sine", 0.02), ("sum-of-primes", 0.03), ("step", 0.4)])
def test_lqr_flies(task: str, limit: float) -> None:
    flight = fly(controllers.make("lqr"), task, duration=5.0, moths=20, seed=11, start_scale=1.0)
    assert flight.lost.sum() == 0
    assert np.median(flight.rms_error) < limit


@pytest.mark.parametrize("angle", [math.pi / 4, 1.2, 2.2])
def test_lqr_hovers_at_other_body_angles(angle: float) -> None:
    flight = fly(controllers.make("lqr"), make_trajectory("hover", angle), duration=4.0, moths=5, seed=1)
    assert flight.lost.sum() == 0
    assert np.median(flight.rms_error) < 0.05
    assert np.abs(flight.states[:, -1, 2] - angle).max() < 0.02


def test_lqr_flies_a_fully_actuated_moth() -> None:
    body = MothBody.bustamante2022("fa")
    flight = fly(controllers.make("lqr"), "hover", duration=3.0, moths=5, seed=1, body=body)
    assert flight.lost.sum() == 0
    assert np.abs(flight.controls[..., 3]).max() > 0
    assert np.median(flight.rms_error) < 0.02


def test_unknown_controllers_and_options_are_said() -> None:
    with pytest.raises(ValueError, match="expected one of lqr, inverse-model"):
        controllers.make("pid")
    with pytest.raises(ValueError, match="gain"):
        controllers.make("lqr", gain=3)
