"""Flights that are drawn for training: targets, starts, and what disturbs them.

Groups of moths fly together, on one body. A group's flight is drawn from the seed, the group and the step at which it
begins. Flights begin undisturbed early in training and are disturbed as strongly as they will be later on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.policies.policy_targets import draw_starts, draw_targets
from mothsim.solver.propagate import SEGMENT

Array = NDArray[np.floating]

PAST = 3
"""Decisions of the past that a delay may show: 60 ms."""
LONGEST = 500  # decisions of a flight
_OTHERS = 77  # of the stream that tells which groups are drawn otherwise: the rest are as without these
_SMALL, _LATE = (0.4, 1.0), (0.4, 1.0)  # by how much the small and late are so, of the smallest size and longest delay
_GENTLE = 0.4  # of the violence, of their starts: what is lost at once teaches nothing
_LIGHT = 0.5  # share of them whose abdomen differs too


@dataclass(frozen=True)
class Disturbed:
    """By what flights are disturbed at most, each drawn for itself or for its group.

    Attributes:
        delay: s, up to 60 ms; half the flights have none.
        noise: standard deviation as a share of the range of random starts; half the flights have none.
        gusts: standard deviation of the wind, cm/s; half the flights have none.
        size, abdomen: factors of the lengths and of the abdomen's mass, and their inverses; a third of the groups fly
            the nominal body, the others differ in either or both.
        whole_delays: of the delays that are drawn half are of so many segments, each as often as it stands here; by
            default all of these are the longest. Shorter ones are harder for who expects the longest.
        undisturbed: share of the groups that nothing disturbs. Without them one flight in some thirty is undisturbed,
            and a policy comes less near its target where it could come nearest.
        small_and_late: share of the groups that fly gently on a smaller body under long delays. Without them these are
            rare, and are what is lost.
    """

    delay: float = 0.02
    noise: float = 0.06
    gusts: float = 350.0
    size: float = 1.28
    abdomen: float = 2.1
    whole_delays: tuple[int, ...] = ()
    undisturbed: float = 0.0
    small_and_late: float = 0.0

    def __post_init__(self) -> None:
        left = 1.0
        for name in ("undisturbed", "small_and_late"):
            share = getattr(self, name)
            if not 0 <= share <= left:
                raise ValueError(f"{name} = {share!r}: expected a share, from 0 to {left:g}")
            left -= share
        if not 0 <= self.delay <= PAST * SEGMENT:
            raise ValueError(f"delay = {self.delay!r}: expected seconds, from 0 to {PAST * SEGMENT:g}")
        most = whole_segments(self.delay)
        if any(each not in range(1, most + 1) for each in self.whole_delays):
            raise ValueError(f"whole_delays = {self.whole_delays!r}: expected segments, from 1 to {most}")


class Scenario(NamedTuple):
    """A group's flight: targets (n, T, 2) and what it is disturbed by.

    Attributes:
        positions, velocities: (n, T, 2) of the targets, cm and cm/s.
        starts: (n, 8).
        wind: (n, 2) at first, cm/s, and `gusts` (n, 1) its standard deviation.
        noise: (n, 1) share of the range of random starts.
        shares: (n, 4) of the state now and those of the last three decisions in what is shown: the delay.
        body: that flies.
    """

    positions: Array
    velocities: Array
    starts: Array
    wind: Array
    gusts: Array
    noise: Array
    shares: Array
    body: MothBody


@lru_cache(maxsize=64)
def draw_scenario(
    seed: int, group: int, begun: int, moths: int, segments: int, violence: float, bobbing: float, strength: float,
    most: Disturbed,
) -> Scenario:  # fmt: skip
    """Draw the flight of a group; a share `strength`, 0 to 1, of the disturbances there may be is drawn."""
    rng, other = np.random.default_rng([seed, group, begun]), np.random.default_rng([seed, group, begun, _OTHERS])
    which = other.uniform()
    small_and_late = which > 1 - most.small_and_late * strength
    positions, velocities = draw_targets(rng, moths, LONGEST + segments, bobbing=bobbing)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], violence * (_GENTLE if small_and_late else 1.0))
    if which < most.undisturbed:
        strength = 0.0

    def some(share: float) -> Array:
        return (rng.uniform(size=(moths, 1)) < share * strength) * rng.uniform(size=(moths, 1))

    delay = lateness(rng, moths, most) * (rng.uniform(size=(moths, 1)) < 0.5 * strength)
    gusts = most.gusts * some(0.5)
    wind = gusts * rng.normal(size=(moths, 2))
    body = draw_body(rng, most) if rng.uniform() < 0.75 * strength else MothBody()
    noise = most.noise * some(0.5)
    if small_and_late:
        delay, body = other.uniform(*_LATE, size=(moths, 1)), _draw_small(other, most)
    return Scenario(positions, velocities, starts, wind, gusts, noise, delay_shares(most.delay * delay[:, 0]), body)


def lateness(rng: np.random.Generator, moths: int, most: Disturbed) -> Array:
    """Delays of moths that are delayed (moths, 1), as shares of the longest, see `Disturbed`."""
    often, share = rng.uniform(size=(moths, 1)) < 0.5, rng.uniform(size=(moths, 1))
    if not most.whole_delays:
        return np.where(often, 1.0, share)
    whole = np.array(most.whole_delays)[rng.integers(len(most.whole_delays), size=(moths, 1))]
    return np.where(often, whole * SEGMENT / most.delay, share)


def whole_segments(delay: float) -> int:
    """Segments that a delay, s, is as long as, or longer."""
    return math.floor(delay / SEGMENT + 1e-9)


def draw_body(rng: np.random.Generator, most: Disturbed) -> MothBody:
    """A body of another size, another abdomen, or both."""
    size, abdomen = (
        math.exp(rng.uniform(-1, 1) * math.log(factor)) if rng.uniform() < 0.65 else 1.0
        for factor in (most.size, most.abdomen)
    )
    body = MothBody()
    return replace(body, abdomen_density=body.abdomen_density * abdomen).scaled(size)


def _draw_small(rng: np.random.Generator, most: Disturbed) -> MothBody:
    """A smaller body, for some with another abdomen."""
    abdomen = most.abdomen ** rng.uniform(-1, 1) if rng.uniform() < _LIGHT else 1.0
    body = MothBody()
    return replace(body, abdomen_density=body.abdomen_density * abdomen).scaled(most.size ** -rng.uniform(*_SMALL))


def delay_shares(delays: Array) -> Array:
    """Shares (N, 4) of the present and the last three decisions in what is shown after delays (N,), s."""
    late = np.clip(delays / SEGMENT, 0.0, PAST)[:, None]
    return np.maximum(0.0, 1.0 - np.abs(late - np.arange(PAST + 1)))
