"""Swinging moths: from decision to decision and of the body, worked by hand, and that no policy that ships does so."""

import numpy as np
import pytest

from mothsim import Flight, MothBody, controllers, fly
from mothsim.metrics import body_swing, error_between_decisions
from mothsim.trajectories import make_trajectory
from mothsim.trim import find_trim

BODY = MothBody()


@pytest.mark.parametrize(("period", "count"), [(0.02, 40), (0.01, 80), (0.02, 10)])  # the last shorter than 0.5 s
def test_a_swing_from_decision_to_decision_shows_half_way(period: float, count: int) -> None:
    trim, acceleration = find_trim(BODY), 500.0
    sign = (-1.0) ** np.arange(count)
    states, controls = np.tile(trim.state, (count, 1)), np.tile(trim.control, (count, 1))
    states[:, 5] = -sign * acceleration * period / 2  # back at the target after every segment
    controls[:, 0] += sign * acceleration * BODY.mass
    times, errors, lost = period * np.arange(count), np.zeros(count), np.array(False)
    swinging = Flight(make_trajectory("hover"), BODY, times, states, controls, errors, lost, 0.0, 0.0)
    assert swinging.rms_error == 0
    assert error_between_decisions(swinging) == pytest.approx(acceleration * period**2 / 8, rel=0.05)


def test_the_swing_of_a_body_is_that_of_the_last_second() -> None:
    times = 0.02 * np.arange(200)
    states = np.tile(find_trim(BODY).state, (2, 200, 1))
    states[0, :, 2] += np.where(times > 2.5, 0.1, 0.5) * np.sin(2 * np.pi * 4 * times)
    controls, errors = np.tile(find_trim(BODY).control, (2, 200, 1)), np.zeros((2, 200))
    lost = np.array([False, True])
    flights = Flight(make_trajectory("hover"), BODY, times, states, controls, errors, lost, 0.0, 0.0)
    assert body_swing(flights) == pytest.approx([0.1 / np.sqrt(2), np.inf], rel=1e-3)


@pytest.mark.parametrize("name", ["alone", "alone-6", "envelope-12", "robust"])
def test_no_policy_that_ships_swings_in_hover(name: str) -> None:
    flights = fly(controllers.make("policy", network=name), "hover", duration=5.0, moths=10)
    assert np.median(error_between_decisions(flights)) < 1.5 * np.median(flights.rms_error) + 2e-3
    assert np.degrees(np.median(body_swing(flights))) < 3


def test_a_lost_moth_is_infinitely_far() -> None:
    body = BODY.scaled(0.8)
    flights = fly(controllers.make("lqr"), "hover", duration=2.0, moths=2, body=body, nominal_body=BODY)
    assert np.isinf(error_between_decisions(flights)).tolist() == flights.lost.tolist() == [True, True]
