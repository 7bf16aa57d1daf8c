"""Rows made to break the engine: no hang, no exception, no success that is not one."""

import numpy as np
import pytest

import mothsim
from mothsim import segments
from mothsim.dynamics import coefficients
from mothsim.solver.cascade import solve_with_radau


def nasty_rows(count):
    states, controls = segments.draw(count, 11)
    rng = np.random.default_rng(12)
    states[0::7, 4:] = 0  # rest
    states[1::7, 4:6] = 0  # no speed
    states[2::7, 6:] = rng.uniform(-1e4, 1e4, states[2::7, 6:].shape)
    controls[3::7, 0] *= 1e4
    controls[4::7, 2:] = rng.uniform(-1e8, 1e8, controls[4::7, 2:].shape)
    states[5::7, 2:4] *= 10.0 ** rng.uniform(0, 12, states[5::7, 2:4].shape)
    states[6::7] *= 10.0 ** rng.uniform(0, 200, (len(states[6::7]), 1))
    return states, controls


@pytest.mark.slow
@pytest.mark.parametrize("rtol", [1e-6, 1e-4])
def test_ten_thousand_adversarial_rows(rtol):
    check(10_000, rtol)


@pytest.mark.parametrize("rtol", [1e-6, 1e-4])
def test_some_adversarial_rows(rtol):
    check(70, rtol)


def check(count, rtol):
    states, controls = nasty_rows(count)
    # A millisecond: long for the fast mode, short enough that the Radau solver can follow what can be followed.
    end = mothsim.propagate(states, controls, duration=0.001, rtol=rtol)
    assert np.array_equal(np.isfinite(end.states).all(axis=1), end.success)
    exact = np.empty_like(states)
    solve_with_radau(coefficients(mothsim.MothBody()).packed(), states, controls, 0.001, 1e-11, exact)
    both = end.success & np.isfinite(exact[:, 0])
    assert both.sum() > 0.4 * count
    scale = np.maximum(np.abs(exact), [30, 30, 6, 6, 1500, 1500, 300, 300])
    # Such motion (1e4 rad/s, 1e4 times the force) magnifies errors: to a hundred times the tolerance, no more.
    assert (np.abs(end.states - exact) / scale)[both].max() < 100 * rtol
