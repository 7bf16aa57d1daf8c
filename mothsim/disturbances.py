"""Disturbances of a flight (sensor noise, delay, gusts, other bodies) and their random numbers.

Every flight of a moth has one 64-bit key, and every random number in it is a
hash of that key, the decision and what the number is for (SplitMix64; Steele, Lea and Flood 2014, OOPSLA). So a
batch draws in a few array operations, and a moth's numbers depend neither on its neighbours nor on the options
of another stream.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.checks import require_numbers

Array = NDArray[np.floating]
Keys = NDArray[np.uint64]

SENSOR_NOISE = np.array([0.05, 0.05, 0.01, 0.01, 2.0, 2.0, 0.5, 0.5])
"""Standard deviations of sensor noise of 1: cm, rad, cm/s, rad/s, in the order of the state."""
LONGEST_DELAY = 1.0
"""Longest delay, s."""
_ROUNDING = 1e-9  # of a decision, within which a delay is a whole number of them
DRINK_TIME = 2.0
"""When a moth drinks, s."""
GUST_TIME = 0.3
"""Correlation time of the wind, s."""
DRAWN = ("head_density", "abdomen_density", "force_distance", "spring", "damping")
"""Parameters of the body that `body_spread` draws."""


class Stream(IntEnum):
    """Purpose of a random number; each has a stream of its own."""

    START = 0
    BODY = 1
    SENSOR = 2
    FORCE = 3
    GUST = 4


def uniform(keys: Keys, steps: NDArray[np.int64], stream: Stream, width: int) -> Array:
    """Numbers (N, width), uniform in [0, 1), for keys (N,) at decisions (N,)."""
    counter = (steps.astype(np.uint64) * np.uint64(len(Stream)) + np.uint64(stream))[:, None] * np.uint64(64)
    counter = counter + np.arange(1, width + 1, dtype=np.uint64)
    z = keys[:, None] + counter * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(keys: Keys, steps: NDArray[np.int64], stream: Stream, width: int) -> Array:
    """Standard normal numbers (N, width), by Box and Muller, for keys (N,) at decisions (N,)."""
    u = uniform(keys, steps, stream, 2 * width)
    return np.sqrt(-2 * np.log1p(-u[:, :width])) * np.cos(2 * np.pi * u[:, width:])


@dataclass(frozen=True, kw_only=True)
class Disturbances:
    """Disturbances of a flight of `mothsim.fly`.

    Attributes:
        sensor_noise: standard deviations of normal noise on the state (8,) that the controller is shown, cm, rad,
            cm/s, rad/s; empty is none.
        delay: s by which what it is shown is late, between two decisions the straight line; at first it is shown the
            start.
        gusts: standard deviation of the wind along x and y, cm/s, the same wherever the moth is: a random process
            whose correlation falls exponentially, as in Dryden's model along the flight.
        gust_time: its correlation time, s.
        gust_frequency: Hz at which the wind turns about, as where vortices pass; 0 is not at all.
        drink: share of its mass that the moth takes into its abdomen at `DRINK_TIME`.

    Raises:
        ValueError: an attribute out of range.
    """

    sensor_noise: Sequence[float] | Array = ()
    delay: float = 0.0
    gusts: float = 0.0
    gust_time: float = GUST_TIME
    gust_frequency: float = 0.0
    drink: float = 0.0

    def __post_init__(self) -> None:
        try:
            noise = tuple(map(float, self.sensor_noise))
        except (TypeError, ValueError):
            noise = (math.nan,)
        if len(noise) not in (0, 8) or not all(0 <= value < math.inf for value in noise):
            raise ValueError(
                f"sensor_noise = {self.sensor_noise!r}: expected eight finite numbers of zero or more, or none"
            )
        object.__setattr__(self, "sensor_noise", noise)
        require_numbers(self, "delay", "gusts", "gust_time", "gust_frequency", "drink")
        if not 0 <= self.delay <= LONGEST_DELAY:
            raise ValueError(f"delay = {self.delay!r}: expected seconds, from 0 to {LONGEST_DELAY:g}")
        if not 0 <= self.gusts < math.inf:
            raise ValueError(f"gusts = {self.gusts!r}: expected a finite speed of zero or more, cm/s")
        if not 0 < self.gust_time < math.inf:
            raise ValueError(f"gust_time = {self.gust_time!r}: expected seconds above zero")
        if not 0 <= self.gust_frequency < math.inf:
            raise ValueError(f"gust_frequency = {self.gust_frequency!r}: expected a frequency of zero or more, Hz")
        if not 0 <= self.drink < math.inf:
            raise ValueError(f"drink = {self.drink!r}: expected a finite share of the mass, zero or more")


class Delay:
    """A delay in terms of decisions.

    Args:
        delay: s.
        period: s from decision to decision.

    Attributes:
        kept: decisions before the present one whose measurements are needed.
    """

    def __init__(self, delay: float, period: float) -> None:
        late = delay / period
        whole = math.floor(late + _ROUNDING)
        self._part = max(0.0, late - whole)
        self._between = self._part > _ROUNDING
        self.kept = whole + self._between

    def shown(self, measured: Sequence[Array]) -> Array:
        """What is shown after the delay, of the last `kept` measurements and the present one, the oldest first."""
        if not self._between:
            return measured[0]
        return (1 - self._part) * measured[1] + self._part * measured[0]


class DisturbanceSampler:
    """Disturbs the flight of N moths, decision by decision.

    Args:
        disturbances: which.
        keys: (N,), one a moth.
        period: s from decision to decision.
    """

    def __init__(self, disturbances: Disturbances, keys: Keys, period: float) -> None:
        self._of, self._keys, self._period = disturbances, keys, period
        self._delay = Delay(disturbances.delay, period)
        self._shown: list[Array] = []
        self._wind: Array | None = None

    def measured_state(self, states: Array, step: int) -> Array:
        """Measured states (N, 8), with noise and delay, of states (N, 8); to be called once a decision, in order."""
        if self._of.sensor_noise:
            states = states + np.array(self._of.sensor_noise) * normal(self._keys, self._at(step), Stream.SENSOR, 8)
        kept = self._delay.kept
        self._shown = [*(self._shown or [states] * kept), states][-kept - 1 :]
        return self._delay.shown(self._shown)

    def wind(self, step: int) -> Array | None:
        """Velocity of the air (N, 2), cm/s, after a decision; to be called once a decision, in order."""
        if self._of.gusts > 0:
            draws = normal(self._keys, self._at(step), Stream.GUST, 2)
            if self._wind is None:
                self._wind = self._of.gusts * draws
            else:
                self._wind = next_wind(
                    self._wind, draws, self._of.gusts, self._period, self._of.gust_time, self._of.gust_frequency
                )
        return self._wind

    def body(self, body: MothBody, step: int) -> MothBody:
        """The body that flies on from a decision: from `DRINK_TIME` on with what it has drunk."""
        return after_drink(body, self._of.drink) if self._of.drink and has_drunk(step, self._period) else body

    def _at(self, step: int) -> NDArray[np.int64]:
        return np.full(len(self._keys), step, dtype=np.int64)


def has_drunk(steps: Any, period: float) -> Any:
    """Whether moths that drink have done so, at decisions (N,) or one of them, `period` s apart."""
    return steps * period >= DRINK_TIME - _ROUNDING


def after_drink(body: MothBody, drink: float) -> MothBody:
    """The body with a share of its mass in its abdomen, in addition to it."""
    drunk = drink * (body.head_mass + body.abdomen_mass)
    return replace(body, abdomen_density=body.abdomen_density * (1 + drunk / body.abdomen_mass))


def next_wind(
    wind: Array,
    draws: Array,
    gusts: float | Array,
    period: float,
    time: float = GUST_TIME,
    frequency: float = 0.0,
) -> Array:
    """Wind (N, 2), cm/s, a decision later: an Ornstein-Uhlenbeck process of standard deviation `gusts`.

    Its correlation time is `time`, s; with a `frequency`, Hz, it turns about as well.
    """
    memory = np.exp(-period / time)
    kept = memory * wind
    if frequency:
        turn = 2 * np.pi * frequency * period
        kept = kept @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return kept + gusts * np.sqrt(1 - memory**2) * draws


def drawn_body(body: MothBody, draws: Array, spread: float) -> MothBody:
    """The body with its `DRAWN` parameters times `1 + spread (2 draws - 1)`, draws (5,) uniform in [0, 1)."""
    factors = 1 + spread * (2 * draws - 1)
    changed = {name: getattr(body, name) * float(factor) for name, factor in zip(DRAWN, factors, strict=True)}
    return replace(body, **changed)
