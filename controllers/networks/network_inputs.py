"""Inputs of an inverse-model network, from a state and the pose to reach."""

from __future__ import annotations

from typing import Any

from mothsim.angles import unwrap


def network_inputs(states: Any, poses: Any) -> Any:
    """Return the inputs (N, 10) of a network for states (N, 8) and poses to reach (N, 4), `[x, y, theta, phi]`.

    Positions are relative to the start; both angles, and the pose with them, are moved by `unwrap`. Arrays are NumPy's
    or JAX's.
    """
    turns = unwrap(states)
    x, y, theta, phi, xdot, ydot, thetadot, phidot = states.T
    return states.__array_namespace__().stack(
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
