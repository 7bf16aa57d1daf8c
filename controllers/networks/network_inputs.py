"""Inputs of an inverse-model network, from a state and the pose to reach."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.angles import unwrap

Array = NDArray[np.floating]


def network_inputs(states: Array, poses: Array) -> Array:
    """Return the inputs (N, 10) of a network for states (N, 8) and poses to reach (N, 4), `[x, y, theta, phi]`.

    Positions are relative to the start; both angles, and the pose with them, are moved by `unwrap`.
    """
    turns = unwrap(states)
    x, y, theta, phi, xdot, ydot, thetadot, phidot = states.T
    return np.stack(
        [
            phi - turns,
            theta - turns,
            poses[:, 0] - x,
            poses[:, 1] - y,
            poses[:, 3] - turns,
            poses[:, 2] - turns,
            xdot,
            ydot,
            phidot,
            thetadot,
        ],
        axis=1,
    )
