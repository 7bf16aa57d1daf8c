"""Single precision that loses nothing far from the origin, and refuses what it cannot do."""

import math

import numpy as np

from mothsim import MothBody, segments
from mothsim.dynamics import coefficients
from mothsim.solver.propagate import propagate
from mothsim.solver.single_precision import solve_single_precision

PACKED = coefficients(MothBody()).packed()


def solve(states, controls, pieces=1, tolerance=1e-4):
    final = np.empty_like(states)
    refused = solve_single_precision(PACKED, states, controls, 0.02, tolerance, pieces, final)
    assert refused == np.isnan(final[:, 0]).sum()
    return final


def test_far_from_the_origin_and_after_many_turns():
    states, controls = segments.draw(200, 0)
    far = states.copy()
    far[:, :2] += [3e5, -7e5]
    far[:, 2:4] += 500 * math.tau
    moved = solve(far, controls) - solve(states, controls)
    taken = np.isfinite(moved[:, 0])
    assert taken.mean() > 0.9
    expected = np.broadcast_to([3e5, -7e5, 500 * math.tau, 500 * math.tau], (taken.sum(), 4))
    np.testing.assert_allclose(moved[taken, :4], expected, atol=1e-4)
    np.testing.assert_allclose(moved[taken, 4:], 0.0, atol=0.05)  # of 1500 cm/s and 300 rad/s


def test_what_it_lets_through_is_within_the_tolerance_and_more_steps_let_more_through():
    states, controls = segments.draw(2000, 1)
    exact = propagate(states, controls, rtol=1e-8).states
    refusals = []
    for pieces in (1, 3):
        ends = solve(states, controls, pieces)
        taken = np.isfinite(ends[:, 0])
        refusals.append(np.sum(~taken))
        assert (np.abs(ends - exact) / np.abs(exact).max(axis=0))[taken].max() < 1e-4
    assert 0 < refusals[0] < 200
    assert refusals[1] < refusals[0] / 5


def test_refuses_a_tolerance_beyond_single_precision():
    states, controls = segments.draw(100, 2)
    assert np.isnan(solve(states, controls, tolerance=1e-9)).mean() > 0.9
