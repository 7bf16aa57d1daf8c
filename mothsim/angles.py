"""Angles: what is the same after a whole turn, and what is not.

Theta and phi turned by the same whole turns are the same moth: gravity, drag and force see sines and cosines of
theta, and the spring at the joint sees the bend `phi - theta`. So errors of theta and phi are compared modulo a turn
*together*, by the number of turns that brings the middle between them nearest.

The bend is not an angle modulo a turn. A straight body has a bend of pi; a bend of 3 pi or -pi looks the same, but its
spring is wound up by a turn. One angle moved by a turn without the other is therefore another state, which no moth
takes: starts like this are refused.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

LARGEST = math.tau + 1e-3
"""Largest magnitude of a body angle that is given in rad: a turn, and what rounding adds to it."""


def require_radians(name: str, angle: float) -> None:
    """Hold a body angle to a turn either way.

    Raises:
        ValueError: it is not finite, or beyond a turn, as an angle in degrees is; names the angle.
    """
    if not math.isfinite(angle):
        raise ValueError(f"{name} = {angle!r}: expected a finite body angle in rad")
    if abs(angle) > LARGEST:
        raise ValueError(
            f"{name} = {angle!r}: expected rad, from -2 pi to 2 pi; {angle:g} degrees are "
            f"{math.radians(angle):.4g} rad, and {angle:g} rad are {math.degrees(angle):.4g} degrees"
        )


def unwrap(states: Any) -> Any:
    """The turns (N,), in rad, that put the middle between theta and phi of states (N, 8) into [0, 2 pi].

    Zahn et al. 2022 trained on both angles in that range. Arrays are NumPy's or JAX's.
    """
    return math.tau * states.__array_namespace__().floor((states[:, 2] + states[:, 3]) / (2 * math.tau))


def unwrapped(states: Array) -> Array:
    """States (N, 8) with both angles moved by those turns."""
    moved = states.copy()
    moved[:, 2:4] -= unwrap(states)[:, None]
    return moved


def turns_off(states: Array, references: Array) -> Array:
    """The whole turns (...), in rad, by which states (..., 8) are ahead of references (..., 8), theta and phi together.

    Zero where the middle between the angles is within half a turn of the reference's, and where it is not finite.
    """
    middle = (states[..., 2] - references[..., 2] + states[..., 3] - references[..., 3]) / 2
    return np.where(np.isfinite(middle), math.tau * np.round(middle / math.tau), 0.0)


def state_error(states: Array, references: Array) -> Array:
    """Departures (..., 8) of states from references (..., 8), theta and phi less the turns that they have in common."""
    error = states - references
    error[..., 2:4] -= turns_off(states, references)[..., None]
    return error


def near(states: Array, references: Array) -> Array:
    """States (..., 8) with theta and phi turned by the whole turns that bring them nearest to references (..., 8)."""
    states = states.copy()
    states[..., 2:4] -= turns_off(states, references)[..., None]
    return states


def wound_up(states: Array) -> NDArray[np.bool_]:
    """Whether the joint of states (..., 8) is bent beyond half a turn from straight, `|phi - theta - pi| > pi`."""
    return np.abs(states[..., 3] - states[..., 2] - math.pi) > math.pi


def with_possible_bends(states: Any, xp: Any = np) -> Any:
    """States (..., 8) whose phi gives way where they are bent beyond half a turn from straight, as no body is."""
    theta, phi = states[..., 2], states[..., 3]
    bend, most = phi - theta - math.pi, math.pi - 1e-6
    phi = xp.where(abs(bend) > most, theta + math.pi + xp.clip(bend, -most, most), phi)
    return xp.concatenate([states[..., :3], phi[..., None], states[..., 4:]], -1)


def require_unwound(name: str, states: Array) -> None:
    """Hold start states (N, 8) to bends that a body can have.

    Raises:
        ValueError: theta and phi are a turn apart; names the row.
    """
    if (off := wound_up(states)).any():
        row = int(np.argmax(off))
        theta, phi = states[row, 2:4].tolist()
        if not math.isfinite(phi - theta):
            raise ValueError(f"{name}[{row}]: theta = {theta:g} and phi = {phi:g} rad: expected finite angles")
        turn = phi + math.tau * round((theta + math.pi - phi) / math.tau)
        raise ValueError(
            f"{name}[{row}]: theta = {theta:.6g} and phi = {phi:.6g} rad are a bend phi - theta of {phi - theta:.6g}, "
            f"a turn from a body's: expected 0 to 2 pi, with pi for a straight body, as phi = {turn:.6g} would give"
        )
