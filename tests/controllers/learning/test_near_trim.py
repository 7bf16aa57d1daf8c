import math

import numpy as np
import pytest

from mothsim import MothBody
from mothsim.angles import unwrap
from mothsim.controllers.learning.near_trim import GUIDED, NEAR_FLIGHT, draw_near_trim, envelope_trims
from mothsim.trim import find_trim


def test_segments_are_drawn_about_trim() -> None:
    body = MothBody()
    states, controls = draw_near_trim(200, 0, [find_trim(body)], body, NEAR_FLIGHT)
    assert 0.3 < np.abs(states[:, 2] - np.pi / 2).max() <= 0.5
    assert controls[:, 0].max() < 4 * body.weight
    nearer, gentler = draw_near_trim(200, 0, [find_trim(body)], body, NEAR_FLIGHT.scaled(0.1))
    assert np.abs(nearer[:, 2] - np.pi / 2).max() <= 0.05
    assert gentler[:, 0].max() < 1.3 * body.weight


def test_the_envelope_goes_all_around_and_winds_up_no_spring() -> None:
    body = MothBody()
    trims = envelope_trims(body)
    assert len(trims) == 360 + 15 * 15
    states, _ = draw_near_trim(5000, 0, trims, body, NEAR_FLIGHT.scaled(0.1))
    assert np.histogram(states[:, 2] % math.tau, 12, (0, math.tau))[0].min() > 100
    assert np.abs(states[:, 3] - states[:, 2] - math.pi).max() < 2.1  # the most bent trim, and a little
    assert (unwrap(states) == 0).all()
    beyond, _ = draw_near_trim(5000, 0, trims, body, GUIDED)
    middle = beyond[:, 2:4].mean(axis=1)
    assert -0.6 < middle.min() < -0.4
    assert 0.4 < middle.max() - math.tau < 0.6


def test_whole_turns_by_hand() -> None:
    angles = np.array([[0.5, 3.6], [-1.6, 1.5], [-1.5, 1.6], [7.0, 10.0]])
    states = np.zeros((4, 8))
    states[:, 2:4] = angles
    assert unwrap(states) == pytest.approx(np.array([0, -1, 0, 1]) * math.tau)
