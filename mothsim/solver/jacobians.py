"""Jacobians of segments by the engine: beside every segment nine more, each with one number moved a little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components
from mothsim.body import MothBody
from mothsim.solver.propagate import SEGMENT, propagate

Array = NDArray[np.floating]

# Of theta, phi and the four rates, and of the components; where the moth is, the equations do not care.
_STEPS = np.array([1e-3, 1e-3, 0.1, 0.1, 1e-2, 1e-2, 5.0, 5.0, 20.0])


def jacobians(
    states: Array, components: Array, *, body: MothBody | None = None, duration: float = SEGMENT
) -> tuple[Array, Array, Array]:
    """Ends (N, 8) of segments and their Jacobians (N, 8, 8) and (N, 8, 3), by forward differences.

    Args:
        states: (N, 8), where the segments begin.
        components: (N, 3), force along and across the head-thorax, dyn, and abdominal torque, dyn cm.
        body: by default Zahn et al.'s.
        duration: of the segments, s.

    Returns:
        Ends, slopes by the state and slopes by the components; NaN where a segment could not be solved.
    """
    count = len(states)
    starts, moved = np.repeat(states[None], 10, axis=0), np.zeros((10, count, 4))
    moved[:, :, :3] = components
    for k in range(6):
        starts[1 + k, :, 2 + k] += _STEPS[k]
    for k in range(3):
        moved[7 + k, :, k] += _STEPS[6 + k]
    controls = from_components(moved.reshape(-1, 4))
    ends = propagate(starts.reshape(-1, 8), controls, body=body, duration=duration).states.reshape(10, count, 8)
    slopes = np.moveaxis((ends[1:] - ends[0]) / _STEPS[:, None, None], 0, 2)
    by_state = np.zeros((count, 8, 8))
    by_state[:, 0, 0] = by_state[:, 1, 1] = 1.0
    by_state[:, :, 2:] = slopes[:, :, :6]
    return ends[0], by_state, slopes[:, :, 6:]
