"""The random targets that policies are trained after."""

import numpy as np

from mothsim.controllers.policies.policy_targets import draw_targets
from mothsim.policy_interface import PREVIEW


def test_targets_are_smooth_and_their_velocities_their_slopes() -> None:
    positions, velocities = draw_targets(np.random.default_rng(0), 200, 40)
    assert positions.shape == velocities.shape == (200, 41 + PREVIEW[-1], 2)
    slopes = np.gradient(positions, 0.02, axis=1)[:, 1:-1]
    off = np.abs(slopes - velocities[:, 1:-1])[..., 0].max(axis=1)
    jumps = off > 8.0
    assert 0.02 < jumps.mean() < 0.2
    assert off[~jumps].max() < 4.0
