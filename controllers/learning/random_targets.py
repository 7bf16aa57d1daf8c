"""Random targets to train a flight on, and random starts about them: smooth, and within what a moth can follow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.guidance.kinematic import TargetMotion, target_motion
from mothsim.solver.propagate import SEGMENT
from mothsim.trim import find_trim

Array = NDArray[np.floating]

_WAVES = 8  # sines a target has along x and along y
_SLOWEST, _FASTEST, _FASTEST_ACROSS = 0.15, 20.0, 4.0  # Hz; along x a moth must tilt for it
_SLOW = 5.0  # Hz: of what is faster than that, moths follow too little for its acceleration to count
_ACCELERATIONS = np.array([250.0, 1200.0])  # along x and y at most, cm/s^2
_STILL, _CRUISING = 0.25, 0.2  # shares of the targets
_CRUISE = 100.0  # cm/s at most
_GENTLE = np.array([1.0, 1.0, 0.1, 0.1, 10.0, 10.0, 2.0, 2.0])  # half ranges of starts, as for most tasks
_VIOLENT_SHARE, _VIOLENT = 0.4, 5.0  # and those of `recover`, by and large


def draw_targets(rng: np.random.Generator, moths: int, segments: int) -> TargetMotion:
    """Sums of sines through the origin, some of them still, some cruising: arrays (segments + 1, moths, 2)."""
    shape = (moths, _WAVES, 2)
    hertz = np.exp(rng.uniform(math.log(_SLOWEST), math.log(_FASTEST), shape))
    phase, tall = rng.uniform(0, 2 * np.pi, shape), rng.uniform(0, 1.5, (moths, 1, 2))
    size = rng.uniform(0, 1, shape) / hertz * tall
    hardest = (size * (2 * np.pi * hertz) ** 2 * (hertz < _SLOW)).sum(axis=1)
    size *= np.minimum(1, _ACCELERATIONS / np.maximum(hardest, 1e-6))[:, None]
    size[..., 0] *= hertz[..., 0] < _FASTEST_ACROSS
    size *= rng.random((moths, 1, 1)) >= _STILL
    speed = rng.uniform(-_CRUISE, _CRUISE, moths) * (rng.random(moths) < _CRUISING)
    times = SEGMENT * np.arange(segments + 2)
    turned = 2 * np.pi * hertz * times[:, None, None, None] + phase
    position, velocity = (size * np.sin(turned)).sum(axis=2), (2 * np.pi * hertz * size * np.cos(turned)).sum(axis=2)
    position[..., 0] += speed * times[:, None]
    velocity[..., 0] += speed
    position -= position[0].copy()
    posture = np.broadcast_to(find_trim(MothBody()).state[2:4], position[1:].shape)
    return target_motion(position[:-1], velocity[:-1], position[1:], posture)


def draw_starts(rng: np.random.Generator, targets: TargetMotion, violence: float) -> Array:
    """States (moths, 8) about trim at the targets' starts, at up to their velocity, four in ten of them violent.

    Args:
        rng: draws them.
        targets: after which the moths fly.
        violence: times the whole range, from 0 to 1.
    """
    moths = targets.position.shape[1]
    scale = np.where(rng.random((moths, 1)) < _VIOLENT_SHARE, _VIOLENT, 1.0) * violence
    states = find_trim(MothBody()).state + scale * _GENTLE * rng.uniform(-1, 1, (moths, 8))
    states[:, 4:6] += targets.drift[0] / SEGMENT * rng.uniform(0, 1, (moths, 1))
    return states
