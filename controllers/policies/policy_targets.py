"""Random targets and starts that a policy learns from: sums of sines, jumps and cruises, from calm to violent."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.policy_interface import PREVIEW, trims_at
from mothsim.solver.propagate import SEGMENT
from mothsim.trajectories import make_trajectory

Array = NDArray[np.floating]

_SPREAD = np.array(make_trajectory("recover").start_spread)
_SWAY, _BOB = 3, 11  # sines along x, and along y as many as the sum of primes has
_ANGLES = 32  # steps of a tilt, so that there are few trims to find
_JUMP, _FASTEST = 5.0, 100.0  # cm and cm/s
_SIDEWAYS = 0.8  # of leaps


def draw_targets(
    rng: np.random.Generator, moths: int, segments: int, xp: Any = np, bobbing: float = 1.0, jumping: float = 0.2,
    jump_time: float = 0.0,
) -> tuple[Any, Any]:  # fmt: skip
    """Positions, cm, and velocities, cm/s, (moths, segments + 33, 2) of random targets, previewed ones included.

    Along x slow sines of accelerations to some 300 cm/s^2, along y fast ones like the sum of primes'; some targets
    stand still, some jump by up to 5 cm, some move at up to 100 cm/s from the start. With `xp` of `jax.numpy` the same
    targets are JAX arrays, whose sines its device computes; `bobbing` is a factor on the sines along y. A share
    `jumping` of the targets jump, at once, or smoothly in `jump_time`, s, half of it before the jump.
    """
    times = np.arange(segments + 1 + PREVIEW[-1]) * SEGMENT

    def uniform(low: float, high: float, *shape: int) -> Array:
        return rng.uniform(low, high, (moths, *shape))

    omega = math.tau * np.exp(uniform(math.log(0.1), math.log(2.5), _SWAY, 1))
    sway = np.minimum(np.exp(uniform(math.log(3.0), math.log(150.0), _SWAY, 1)) / omega**2, _FASTEST / omega)
    x, xdot = _sines(omega, sway * (uniform(0, 1, 1, 1) < 0.6), uniform(0, math.tau, _SWAY, 1), times, xp)
    omega = math.tau * np.exp(uniform(math.log(0.15), math.log(20.0), _BOB, 1))
    bob = bobbing * uniform(0, 1.2, _BOB, 1) * math.tau / omega * (uniform(0, 1, 1, 1) < 0.7) * uniform(0.2, 1.0, 1, 1)
    y, ydot = _sines(omega, bob, uniform(0, math.tau, _BOB, 1), times, xp)
    jump = uniform(-_JUMP, _JUMP, 1, 2) * (uniform(0, 1, 1, 1) < jumping)
    after = times - uniform(-1.0, times[-1] / 0.6, 1)
    jump = (_smooth_step(after / jump_time + 0.5) if jump_time else after > 0)[..., None] * jump
    cruise = uniform(-_FASTEST, _FASTEST, 1) * (uniform(0, 1, 1) < 0.15)
    positions = xp.stack([x + jump[..., 0] + cruise * times, y + jump[..., 1]], -1)
    return positions, xp.stack([xdot + cruise, ydot], -1)


def draw_leaps(rng: np.random.Generator, moths: int, segments: int) -> Array:
    """Positions (moths, segments + 33, 2), cm, of targets that stand still but for one jump, most of them along x."""
    decisions = np.arange(segments + 1 + PREVIEW[-1])
    size = rng.uniform(-_JUMP, _JUMP, (moths, 2))
    sideways = np.stack([np.sign(size[:, 0]) * rng.uniform(0.6, 1.1, moths) * _JUMP, 0.05 * size[:, 1]], axis=1)
    size = np.where(rng.uniform(size=(moths, 1)) < _SIDEWAYS, sideways, size)
    after = decisions > segments * rng.uniform(-0.15, 0.7, (moths, 1))
    return np.where(after[..., None], size[:, None], 0.0)


def _smooth_step(x: Array) -> Array:
    """From 0 at x = 0 to 1 at x = 1 with least snap."""
    x = np.clip(x, 0.0, 1.0)
    return x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)


def _sines(omega: Array, amplitude: Array, phase: Array, times: Array, xp: Any) -> tuple[Any, Any]:
    """Sums (moths, T) of sines (moths, n, 1) at times (T,), and their slopes."""
    omega, amplitude, phase = xp.asarray(omega), xp.asarray(amplitude), xp.asarray(phase)
    argument = omega * times + phase
    return (amplitude * xp.sin(argument)).sum(axis=1), (amplitude * omega * xp.cos(argument)).sum(axis=1)


def draw_angles(rng: np.random.Generator, moths: int, tilt: float) -> Array:
    """Body angles (moths,), rad, up to `tilt` off upright; half of the moths fly upright."""
    if not tilt:
        return np.full(moths, math.pi / 2)
    tilted = rng.integers(-_ANGLES, _ANGLES + 1, moths) * (rng.uniform(size=moths) < 0.5)
    return math.pi / 2 + tilt * tilted / _ANGLES


def draw_starts(
    rng: np.random.Generator, positions: Array, velocities: Array, violence: float, angles: Any = math.pi / 2,
    least: Any = 0.0,
) -> Array:  # fmt: skip
    """Starts (N, 8) about hovering at targets (N, 2), many calm, some `violence` times as far off as in `recover`.

    Most begin at the target's own velocity (N, 2). The body is bent as in trim, at angles (N,). All are `least` squared
    times as violent or more, one share for all or (N, 1).
    """
    moths = len(positions)
    starts = np.zeros((moths, 8))
    starts[:, 2:4] = trims_at(np.broadcast_to(angles, moths), MothBody())[0]
    scale = violence * rng.uniform(least, 1, (moths, 1)) ** 2
    starts += scale * _SPREAD * rng.uniform(-1, 1, (moths, 8))
    starts[:, :2] += positions
    moving = rng.uniform(0, 1, (moths, 1)) < 0.6
    starts[:, 4:6] += np.clip(velocities, -_FASTEST, _FASTEST) * moving
    return starts
