"""Flights from violent starts, disturbed in one way each, or in two, as those are by which robustness is tested."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.policies.disturbed_scenarios import Disturbed, Scenario, delay_shares, lateness
from mothsim.controllers.policies.policy_targets import draw_starts, draw_targets
from mothsim.solver.propagate import SEGMENT


class Ways(NamedTuple):
    """Shares of the groups that are disturbed so; what small policies learn last is drawn most often.

    `pair` is a delay of up to a segment on a smaller body, for some in gusts besides.
    """

    delay: float = 0.6
    size: float = 0.15
    abdomen: float = 0.13
    noise: float = 0.06
    gusts: float = 0.06
    pair: float = 0.0


WAYS = Ways()
_VIOLENT, _LEAST = 0.85, 0.85  # share of the starts that are violent, and the root of how violent these are at least
_PAIR_GUSTS, _IN_GUSTS = 200.0, 0.3  # cm/s, the strongest beside a delay on a smaller body, and how many have them
_STRONG, _NEARLY = 0.7, 0.9  # share of the disturbances that are nearly as strong as can be, and how nearly


@lru_cache(maxsize=64)
def draw_singly_disturbed(
    seed: int, group: int, begun: int, moths: int, decisions: int, violence: float, strength: float, most: Disturbed,
    ways: Ways = WAYS,
) -> Scenario:  # fmt: skip
    """Draw the flight of a group, disturbed in one of `Ways`.

    Args:
        seed: of the draws.
        group: its number.
        begun: step at which it begins.
        moths: of the group.
        decisions: of the flight.
        violence: starts are up to so many times as far off as those of `recover`.
        strength: 0 to 1, the share of the groups that are disturbed, and of the violent starts that there are later.
        most: by what flights are disturbed at most.
        ways: shares of the ways.
    """
    rng = np.random.default_rng([seed, group, begun])
    positions, velocities = draw_targets(rng, moths, decisions)
    violent = rng.uniform(size=(moths, 1)) < _VIOLENT * strength
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], violence, least=_LEAST * violent)
    way = rng.choice(ways._fields, p=ways) if rng.uniform() < strength else ""
    amount = rng.uniform(size=(moths, 1))
    amount = np.where(rng.uniform(size=(moths, 1)) < _STRONG, _NEARLY + (1 - _NEARLY) * amount, amount)
    if way == "delay" and most.whole_delays:
        amount = lateness(rng, moths, most)
    delay, noise, gusts = (getattr(most, name) * amount * (way == name) for name in ("delay", "noise", "gusts"))
    exponent, body = float(rng.choice([-1, 1]) * amount[0, 0]), MothBody()
    if way == "size":
        body = body.scaled(most.size**exponent)
    if way == "abdomen":
        body = replace(body, abdomen_density=body.abdomen_density * most.abdomen**exponent)
    if way == "pair":
        delay = min(most.delay, SEGMENT) * amount
        gusts = _PAIR_GUSTS * rng.uniform(size=(moths, 1)) * (rng.uniform(size=(moths, 1)) < _IN_GUSTS)
        body = body.scaled(most.size ** -rng.uniform(0.3, 1.0))
    wind = gusts * rng.normal(size=(moths, 2))
    return Scenario(positions, velocities, starts, wind, gusts, noise, delay_shares(delay[:, 0]), body)
