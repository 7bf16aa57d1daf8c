"""The public edge of `propagate`: any numbers are solved or flagged in their own rows, wrong shapes are named."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mothsim import propagate

NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-100, 100)
CALM = np.array([0, 0, np.pi / 2, 1.5 * np.pi, 0, 0, 0, 0]), np.array([2586.0, 0, 0, 0])


@given(arrays(np.float64, (2, 8), elements=NUMBERS), arrays(np.float64, (2, 4), elements=NUMBERS))
@settings(max_examples=150, deadline=None)
def test_any_numbers_are_solved_or_flagged_and_touch_no_neighbour(states: np.ndarray, controls: np.ndarray) -> None:
    calm = propagate(*CALM)
    flown = propagate(np.vstack([states, CALM[0]]), np.vstack([controls, CALM[1]]))
    assert np.isfinite(flown.states[flown.success]).all()
    assert np.isnan(flown.states[~flown.success]).all()
    np.testing.assert_array_equal(flown.states[2], calm.states)


@given(array_shapes(min_dims=0, max_dims=3, max_side=9), array_shapes(min_dims=0, max_dims=3, max_side=9))
@settings(max_examples=100, deadline=None)
def test_wrong_shapes_are_named(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    fits = (one == (8,) and other == (4,)) or (len(one) == len(other) == 2 and one[0] == other[0]
                                               and (one[1], other[1]) == (8, 4))  # fmt: skip
    if not fits:
        with pytest.raises(ValueError, match=r"states|controls"):
            propagate(np.zeros(one), np.zeros(other))


@pytest.mark.parametrize("rtol", [0.0, 1.0, math.nan, "1e-6"])
def test_tolerances_that_are_none_are_named(rtol: float) -> None:
    with pytest.raises(ValueError, match=r"rtol = .*: expected 1e-10 to 0.01"):
        propagate(*CALM, rtol=rtol)
