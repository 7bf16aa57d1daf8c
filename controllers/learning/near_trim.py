"""Segments about trim, where flights are flown and where a network's slope decides."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components, limited, to_components
from mothsim.body import MothBody
from mothsim.trim import Trim, find_trim

Array = NDArray[np.floating]

_BEND, _SPIN, _SPEED = 0.5, 10.0, 150.0  # rad, rad/s, cm/s about trim, either way
_THRUST, _LIFT, _TORQUE = 2.0, 1.0, 0.5  # of the weight, of the weight, of the torque limit, either way
_SPEEDS = np.linspace(-350.0, 350.0, 15)  # cm/s


def draw_near_trim(
    count: int, seed: int, trims: Sequence[Trim], body: MothBody, *, scale: float = 1.0
) -> tuple[Array, Array]:
    """Random starts (count, 8) and controls (count, 4), each about one of some trims, drawn at random.

    Angles within 0.5 rad, rates within 10 rad/s and velocity within 150 cm/s; force within two weights along
    the body and one across it, torque within half its limit; all times `scale`. Angles are as a network sees them,
    see `whole_turns`.
    """
    rng = np.random.default_rng(seed)
    tilt, bend = scale * rng.uniform(-_BEND, _BEND, (2, count))
    spin, bend_rate = scale * rng.uniform(-_SPIN, _SPIN, (2, count))
    velocity = scale * rng.uniform(-_SPEED, _SPEED, (count, 2))
    push = scale * rng.uniform(-1, 1, (count, 3))
    which = rng.integers(len(trims), size=count)
    states = np.array([trim.state for trim in trims])[which]
    states[:, 2] += tilt
    states[:, 3] += tilt + bend
    states[:, 2:4] -= whole_turns(states)[:, None]
    states[:, 4:6] += velocity
    states[:, 6] = spin
    states[:, 7] = spin + bend_rate
    spread = np.array([_THRUST * body.weight, _LIFT * body.weight, _TORQUE * body.abdomen_torque_limit])
    components = to_components(np.array([trim.control for trim in trims]))[which]
    components[:, :3] += spread * push
    return states, limited(from_components(components), body)


def envelope_trims(body: MothBody) -> list[Trim]:
    """Hover at every whole degree of the body angle that has a trim, and upright flight up to 350 cm/s each way."""
    hovers = [(math.radians(angle), (0.0, 0.0)) for angle in range(-180, 180)]
    cruises = [(math.pi / 2, (float(xdot), float(ydot))) for xdot in _SPEEDS for ydot in _SPEEDS]
    trims = []
    for angle, velocity in (*hovers, *cruises):
        try:
            trims.append(find_trim(body, angle, velocity))
        except ValueError:  # a body may have no trim there
            continue
    return trims


def whole_turns(states: Array) -> Array:
    """The turns (N,), in rad, that put the middle between theta and phi of states (N, 8) into [0, 2 pi].

    Zahn et al. 2022 trained on both angles in that range. One angle moved without the other would be another moth,
    its spring wound up by a turn.
    """
    return math.tau * np.floor((states[:, 2] + states[:, 3]) / (2 * math.tau))
