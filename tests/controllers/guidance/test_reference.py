import numpy as np
import pytest

from mothsim import MothBody, make_trajectory
from mothsim.controllers.guidance.reference import (
    ACCELERATION,
    approach_curves,
    choose_approach_time,
    limit_accelerations,
    reference_states,
    smoothed,
)


def test_approach_curves_start_as_they_should_and_end_at_rest() -> None:
    curves = approach_curves(0.4, np.arange(0, 30))
    assert curves[0] == pytest.approx(np.eye(4))
    assert curves[20:] == pytest.approx(0.0)
    fine = approach_curves(400.0, np.arange(0, 20_001))
    assert np.gradient(fine[:, 0], 0.02, axis=0)[1:-1] == pytest.approx(fine[1:-1, 2], abs=1e-4)


def test_smoother_keeps_parabolas_and_bounds_acceleration() -> None:
    t = np.arange(200.0)
    assert smoothed(3 + t - 0.1 * t**2, 1e4) == pytest.approx(3 + t - 0.1 * t**2, rel=1e-6)
    jump = np.stack([np.where(t < 100, 0.0, 5.0), np.zeros(200)], axis=1)
    path = limit_accelerations(jump, 0.02)
    assert np.abs(np.diff(path[:, 0], 2)).max() <= ACCELERATION[0] * 0.02**2
    assert path[[0, -1], 0] == pytest.approx([0, 5], abs=0.01)
    assert np.array_equal(path[:, 1], jump[:, 1])


def test_gentle_targets_are_followed_as_they_are() -> None:
    trajectory = make_trajectory("sum-of-primes")
    rowwise_matvec = 0.02 * np.arange(500)
    states = reference_states(trajectory, MothBody(), rowwise_matvec)
    assert np.array_equal(states[:, :2], trajectory.position(rowwise_matvec))
    assert np.array_equal(states[:, 4:6], trajectory.velocity(rowwise_matvec))


@pytest.mark.parametrize("offset", [[5, 0, 0, 0], [0, 3, 0, 0], [0, 0, 100, 0], [1, -5, -100, 60]])
def test_the_way_in_is_gentle(offset: list[float]) -> None:
    start = np.array(offset, dtype=float)
    time = choose_approach_time(start, 0.1)
    segments = np.linspace(0, time / 0.02, 2001)
    velocity = (approach_curves(time, segments) @ start)[:, 2:]
    acceleration = np.abs(np.gradient(velocity, segments[1] * 0.02, axis=0)).max(axis=0)
    assert np.all(acceleration <= [250.5, 601])
    if np.count_nonzero(start) == 1:
        assert np.max(acceleration / [250, 600]) == pytest.approx(1, abs=0.01)
    assert choose_approach_time(start / 1e6, 0.4) == 0.4
