"""Random segments about trim, where controlled flight takes place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components, limited, to_components
from mothsim.angles import unwrap
from mothsim.body import MothBody
from mothsim.trim import Trim, find_trim

Array = NDArray[np.floating]

_SPEEDS = np.linspace(-350.0, 350.0, 15)  # cm/s


@dataclass(frozen=True)
class SamplingRange:
    """Half-widths of the uniform distributions about trim.

    Attributes:
        tilt, bend: rad, of the whole moth and of its abdomen against its head-thorax.
        spin, bend_rate: the same, rad/s.
        speed: along x and along y, cm/s.
        thrust, lift: of the force along and across the head-thorax, in weights.
        torque: as a share of its limit.
        wrap_margin: angle beyond the range of `unwrap` up to which angles are drawn, rad, so that networks learn the
            ends of the range as well as its middle.
    """

    tilt: float
    bend: float
    spin: float
    bend_rate: float
    speed: float
    thrust: float
    lift: float
    torque: float
    wrap_margin: float = 0.0

    def scaled(self, factor: float) -> SamplingRange:
        """Return the range with all widths multiplied by a factor."""
        return SamplingRange(*(factor * value for value in astuple(self)))


NEAR_FLIGHT = SamplingRange(0.5, 0.5, 10.0, 10.0, 150.0, 2.0, 1.0, 0.5)
"""Range about upright trim of the protocol `cosine`."""
GUIDED = SamplingRange(0.35, 0.35, 20.0, 8.0, 80.0, 2.0, 1.7, 0.8, wrap_margin=0.6)
"""Range about any trim: that of guided flights from usual starts, and upright from starts of half the violence."""


def draw_near_trim(
    count: int, seed: int, trims: Sequence[Trim], body: MothBody, spread: SamplingRange
) -> tuple[Array, Array]:
    """Draw initial states (count, 8) and controls (count, 4), each about one of the trims, chosen at random.

    Angles are in the range of a network's inputs, see `unwrap`.
    """
    rng = np.random.default_rng(seed)
    tilt, bend = spread.tilt * rng.uniform(-1, 1, count), spread.bend * rng.uniform(-1, 1, count)
    spin, bend_rate = spread.spin * rng.uniform(-1, 1, count), spread.bend_rate * rng.uniform(-1, 1, count)
    velocity = spread.speed * rng.uniform(-1, 1, (count, 2))
    push = rng.uniform(-1, 1, (count, 3))
    which = rng.integers(len(trims), size=count)
    beyond = spread.wrap_margin * rng.uniform(-1, 1, (count, 1))
    states = np.array([trim.state for trim in trims])[which]
    states[:, 2] += tilt
    states[:, 3] += tilt + bend
    shown = states.copy()
    shown[:, 2:4] += beyond
    states[:, 2:4] -= unwrap(shown)[:, None]
    states[:, 4:6] += velocity
    states[:, 6] += spin
    states[:, 7] += spin + bend_rate
    widths = spread.thrust * body.weight, spread.lift * body.weight, spread.torque * body.abdomen_torque_limit
    components = to_components(np.array([trim.control for trim in trims]))[which]
    components[:, :3] += np.array(widths) * push
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
