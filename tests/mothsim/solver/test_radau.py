"""The Radau solver: its tables, its order, and the fast engine against it."""

import math

import numpy as np
import pytest

import mothsim
from mothsim import MothBody, segments
from mothsim.dynamics import coefficients
from mothsim.solver.radau import MATRIX, NODES, ORDER, radau_nodes, solve_row

SCALE = np.array([30, 30, 2 * np.pi, 2 * np.pi, 1500, 1500, 300, 300])


def in_equal_steps(body, state, control, count, duration=0.02):
    """The end of a segment after `count` equal steps, and the steps that the solver says it took."""
    final = np.empty(8)
    packed = coefficients(body).packed()
    taken = solve_row(packed, np.asarray(state), np.asarray(control), duration, math.inf, duration / count, final)
    return final, taken


def test_tables_are_radau_iia():
    np.testing.assert_allclose(radau_nodes(3), [(4 - 6**0.5) / 10, (4 + 6**0.5) / 10, 1], rtol=1e-14)
    for power in range(ORDER):
        assert MATRIX[-1] @ NODES**power == pytest.approx(1 / (power + 1), abs=1e-13)
    assert abs(MATRIX[-1] @ NODES**ORDER - 1 / (ORDER + 1)) > 1e-7


def test_order_nine_on_smooth_motion():
    # A damper slow enough for these steps to resolve: a stiff one hides the order behind its own, lower one.
    body = MothBody(damping=20.0)
    state, control = [0, 0, 1.0, 4.0, 900.0, 700.0, 10.0, -20.0], [4000.0, 1.2, 0.0, 0.0]
    exact, _ = in_equal_steps(body, state, control, 60)
    counts = [10, 12, 14, 16, 20]
    errors = []
    for count in counts:
        end, taken = in_equal_steps(body, state, control, count)
        assert taken == count
        errors.append((np.abs(end - exact) / SCALE).max())
    slopes = -np.diff(np.log(errors)) / np.diff(np.log(counts))
    assert np.all((slopes > 8.4) & (slopes < 9.6)), slopes
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(ORDER, abs=0.3)


@pytest.mark.parametrize(
    "body",
    [MothBody(), MothBody().scaled(0.8), MothBody.bustamante2022("fs", petiole_fraction=0.2), MothBody(damping=500.0)],
)
@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-9])
def test_propagate_agrees_with_equal_steps(body, rtol):
    states, controls = segments.draw(40, 0, body)
    end = mothsim.propagate(states, controls, body=body, rtol=rtol)
    assert end.success.all()
    for state, control, final in zip(states, controls, end.states, strict=True):
        exact, taken = in_equal_steps(body, state, control, 150)
        assert taken == 150
        assert (np.abs(final - exact) / SCALE).max() < 3 * rtol


def test_steps_that_do_not_converge_are_not_taken():
    end, taken = in_equal_steps(MothBody(damping=1.0), [0, 0, 1.0, 4.0, 900, 700, 10, -20], [2e4, 1.2, 3e4, 0], 1)
    assert taken == -1
    assert np.isnan(end).all()
