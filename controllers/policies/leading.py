"""Where moths are led on their way to a target, so that a policy learns to come to it at an ease.

A policy that is asked to be at its target at once takes all the force that there is. One that is asked to be where it
is led comes there at an ease, as `LQR` does along its plan, for a small part of the force.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.policies.flight_windows import Led
from mothsim.solver.propagate import SEGMENT

Array = NDArray[np.floating]

JUMPING = 0.1
"""Share of targets that jump, less than elsewhere: jumps are learnt from leaps."""
_LIVELY = (40.0, 120.0)  # cm/s^2, root mean square of a target's acceleration: where it is calm, where it is lively
_SLOWLY = (10.0, 4.0)  # about targets that are calm: 1/s, small distances die out; cm/s^2, large ones slow
SOON = (58.0, 40.0)
"""The same about lively targets."""
_LARGE, _FAST = 1.0, 10.0  # cm and cm/s off the target, above which a moth is slowed by more, in proportion
_SHARE, _PULL = 0.8, 4.0  # of what the velocity lacks, made up for in a segment, and most, in times of the braking
_SLACK = 0.1  # of a moth's distance from its target on the way there, by how much less exactly it is led


def lead(starts: Array, targets: Array, velocities: Array, soon: tuple[float, float] = SOON) -> Led:
    """Where moths are led on their way to their targets, how exactly, and which of them are unhurried.

    Each starts where it is and as fast as it is, slows down along each axis, and ends at its target: sooner where that
    accelerates, since who follows a sum of primes at an ease stays behind. How it is slowed depends on where it is and
    how fast, not on where it started, as a policy knows no more.

    Args:
        starts: states (B, 8).
        targets: positions (B, T, 2), cm, whose jumps are smooth.
        velocities: of the targets (B, T, 2), cm/s.
        soon: at what rate, 1/s, small distances from lively targets die out, and how large ones slow, cm/s^2.
    """
    off, speed = starts[:, :2] - targets[:, 0], starts[:, 4:6] - velocities[:, 0]
    gained = np.sum(np.diff(velocities, axis=1) ** 2, axis=2).mean(axis=1, keepdims=True)
    lively = np.sqrt(gained) / SEGMENT
    ends = (_SLOWLY[0], soon[0]), (_SLOWLY[1], soon[1]), (1.0, 0.0)
    rate, braking, unhurried = (np.interp(lively, _LIVELY, each) for each in ends)
    beside = [off]
    for _ in range(targets.shape[1] - 1):
        far = np.maximum(np.abs(off) / _LARGE, np.abs(speed) / _FAST).max(axis=1, keepdims=True)
        most = braking * np.maximum(1.0, far)
        aim = -rate * off / np.sqrt(1 + np.abs(off) * rate**2 / (2 * most))
        change = _SHARE * (aim - speed)
        change /= np.sqrt(1 + (change / (_PULL * most * SEGMENT)) ** 2)
        off, speed = off + SEGMENT * (speed + change / 2), speed + change
        beside.append(off)
    path = np.stack(beside, axis=1)
    return Led(targets + path, _SLACK * np.hypot(*np.moveaxis(path, -1, 0)), unhurried[:, 0])
