"""One step of a flight, from decision to decision: what `mothsim.fly` and the environments share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.solver.propagate import propagate

Array = NDArray[np.floating]


def distance(states: Array, targets: Array) -> Array:
    """Tracking errors (N,), cm: from the pin joints of states (N, 8) to targets (N, 2) or (2,)."""
    return np.hypot(states[:, 0] - targets[..., 0], states[:, 1] - targets[..., 1])


def is_lost(states: Array, targets: Array, limit: float) -> NDArray[np.bool_]:
    """Whether states (N, 8) are not finite or farther than `limit` cm from targets (N, 2) or (2,)."""
    return ~((distance(states, targets) <= limit) & np.isfinite(states).all(axis=1))


def advance(
    states: Array,
    controls: Array,
    targets: Array,
    limit: float,
    *,
    body: MothBody | Sequence[MothBody],
    duration: float,
    rtol: float = 1e-6,
    wind: Array | None = None,
) -> tuple[Array, NDArray[np.bool_]]:
    """Fly moths over one decision.

    Args:
        states: (N, 8).
        controls: (N, 4), see `mothsim.actuation.applied`.
        targets: (N, 2) or (2,), where the target is at the end, cm.
        limit: distance from the target beyond which a moth is lost, cm.
        body: of all, or one a moth.
        duration: s.
        rtol: the engine's tolerance.
        wind: (N, 2) velocity of the air, cm/s, steady over the step: drag sees the velocity through the air,
            so the step is flown in the air's frame, in which the equations are the same.

    Returns:
        States (N, 8) after, NaN where the engine could not, and whether each moth is lost, (N,).
    """
    if wind is not None:
        states = states.copy()
        states[:, 4:6] -= wind
    after = propagate(states, controls, body=body, duration=duration, rtol=rtol).states
    if wind is not None:
        after[:, 4:6] += wind
        after[:, 0:2] += duration * wind
    return after, is_lost(after, targets, limit)
