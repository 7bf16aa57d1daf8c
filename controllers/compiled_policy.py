"""Decisions of a policy without memory, compiled into one: what it observes, its network, and its control.

The arithmetic is that of `mothsim.policy_interface`, whose functions are compiled in here; each moth is computed for
itself, so that its decision does not depend on the batch.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.networks.sparse_inference import evaluate_one
from mothsim.policy_interface import (
    ENTRIES,
    GRAVITY_ENTRIES,
    PREVIEW,
    PolicyTarget,
    departures,
    observed_motion,
    observed_preview,
    observed_up,
    room_beyond_trim,
)
from mothsim.solver.compiled import kernel_with_gil

Array = NDArray[np.floating]

_AHEAD = len(PREVIEW)
_INPUTS, _GRAVITY = len(ENTRIES), len(GRAVITY_ENTRIES)
_MOTION = _INPUTS - 2 * _AHEAD
_TRIM = 4 + 2 * _AHEAD + 2  # where trim's components begin in a row of a target


def target_rows(target: PolicyTarget, body: MothBody) -> Array:
    """The target of T decisions in rows (T, 31), as `decide` reads them."""
    count = len(target.positions)
    parts = target.positions, target.velocities, target.ahead.reshape(count, -1), target.postures, target.trims
    return np.ascontiguousarray(
        np.concatenate([*parts, np.stack(room_beyond_trim(target.trims, body, np), axis=1)], axis=1)
    )


@kernel_with_gil
def decide(states, target, packed, gravity, controls):
    """Decide for moths.

    Args:
        states: (N, 8).
        target: a row of `target_rows`.
        packed: the compressed network.
        gravity: whether it observes where up is.
        controls: (N, 4), written to.
    """
    inputs, outputs = np.empty((1, _INPUTS + _GRAVITY * gravity)), np.empty((1, 3))
    nodes = np.empty(2 * np.int64(packed[0]))
    seen = inputs[0]
    trims, posture = target[_TRIM : _TRIM + 3], target[_TRIM - 2 : _TRIM]
    for row in range(len(states)):
        state = states[row]
        theta = state[2]
        cos, sin = math.cos(theta), math.sin(theta)
        tilt = theta - posture[0]
        motion = observed_motion(
            target[0] - state[0], target[1] - state[1], state[4] - target[2], state[5] - target[3],
            math.sin(tilt), math.cos(tilt), (state[3] - theta) - (posture[1] - posture[0]), state[6], state[7],
            cos, sin,
        )  # fmt: skip
        for i, value in enumerate(motion):
            seen[i] = value
        for k in range(_AHEAD):
            seen[_MOTION + 2 * k], seen[_MOTION + 2 * k + 1] = observed_preview(
                target[4 + 2 * k], target[5 + 2 * k], cos, sin
            )
        if gravity:
            for k in range(2):
                angle, trim = state[2 + k], posture[k]
                seen[_INPUTS + 2 * k], seen[_INPUTS + 2 * k + 1] = observed_up(
                    math.cos(angle), math.sin(angle), math.cos(trim), math.sin(trim)
                )
        evaluate_one(inputs, 0, packed, nodes, outputs)
        along, across, torque = departures(
            outputs[0, 0], outputs[0, 1], outputs[0, 2], target[_TRIM + 3], target[_TRIM + 4]
        )
        fx, fy = trims[0] + along, trims[1] + across
        controls[row, 0] = math.hypot(fx, fy)
        controls[row, 1] = math.atan2(fy, fx) % math.tau
        controls[row, 2] = trims[2] + torque
        controls[row, 3] = 0.0
