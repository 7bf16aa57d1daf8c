"""The ground under the moth."""

import numpy as np
import pytest

from mothsim.envs.rendering import _grid


@pytest.mark.parametrize(("half", "step"), [(7.0, 2.0), (10.0, 4.0), (79.0, 32.0)])
def test_grid_lines_stand_still_while_the_view_moves(half, step):
    middle = np.array([103.3, -41.7])
    lines = np.array(_grid(middle, half))
    upright, level = lines[lines[:, 0, 0] == lines[:, 1, 0]], lines[lines[:, 0, 1] == lines[:, 1, 1]]
    assert len(upright) + len(level) == len(lines)
    for axis, some in ((0, upright), (1, level)):
        at = some[:, 0, axis]
        np.testing.assert_array_equal(at, step * np.arange(round(at[0] / step), round(at[-1] / step) + 1))
        assert middle[axis] - half <= at[0] < middle[axis] - half + step
        assert middle[axis] + half - step < at[-1] <= middle[axis] + half
        np.testing.assert_array_equal(some[:, :, 1 - axis], [middle[1 - axis] + np.array([-half, half])] * len(some))
