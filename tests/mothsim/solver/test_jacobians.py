"""Jacobians by neighbours, against central differences at a finer tolerance."""

import numpy as np

from mothsim import MothBody
from mothsim.actuation import from_components
from mothsim.solver.jacobians import jacobians
from mothsim.solver.propagate import propagate
from mothsim.trim import find_trim, segment_slopes


def test_they_are_the_slopes_of_the_ends() -> None:
    rng = np.random.default_rng(0)
    states = find_trim(MothBody()).state + rng.normal(size=(30, 8)) * [2, 2, 0.4, 0.4, 40, 40, 8, 8]
    components = np.array([2586.0, 0.0, 0.0]) + rng.normal(size=(30, 3)) * [2000, 1500, 1e4]
    ends, by_state, by_components = jacobians(states, components)
    whole = np.concatenate([components, np.zeros((30, 1))], axis=1)
    np.testing.assert_array_equal(ends, propagate(states, from_components(whole)).states)
    a, b = segment_slopes(MothBody(), states, whole, rtol=1e-10)
    for ours, exact in ((by_state, a), (by_components, b[:, :, :3])):
        scale = np.abs(exact).max(axis=0)
        assert (np.abs(ours - exact) <= 0.02 * scale + 1e-9).all()


def test_a_segment_that_cannot_be_solved_is_flagged_in_its_own_row() -> None:
    states = np.tile(find_trim(MothBody()).state, (3, 1))
    states[1, 4] = np.nan
    ends, by_state, by_components = jacobians(states, np.tile([2586.0, 0.0, 0.0], (3, 1)))
    for each in (ends, by_state, by_components):
        assert np.isnan(each[1]).any()
        assert np.isfinite(each[[0, 2]]).all()
