"""The flights under way from step to step of a training: which go on, which begin anew, and their next window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mothsim.controllers.policies.disturbed_flights import DisturbedWindow, Flights, InTraining, begin, fly_on, restart
from mothsim.controllers.policies.disturbed_scenarios import LONGEST, Disturbed, Scenario, draw_scenario

_CALM, _RAMP = 0.05, 0.3  # shares of the steps: without disturbances, and until they are all there
ANEW = 1 / 12
"""Chance that a group's flight begins anew."""

Draw = Callable[[Any, int, int], Scenario]
"""Draws the flight, of settings, of a group, that begins at a step."""


def draw_ramped(settings: Any, group: int, begun: int) -> Scenario:
    """A group's flight by `draw_scenario`, undisturbed early in training and then more and more disturbed."""
    strength = float(np.clip((begun / settings.steps - _CALM) / _RAMP, 0.0, 1.0))
    return draw_disturbed(settings, group, begun, strength)


def draw_disturbed(settings: Any, group: int, begun: int, strength: float = 1.0) -> Scenario:
    """A group's flight by `draw_scenario`, with so large a share of the disturbances."""
    return draw_scenario(
        settings.seed, group, begun, settings.moths, settings.segments, settings.violence,
        settings.bobbing, strength, Disturbed(**settings.disturbed),
    )  # fmt: skip


def first_flights(settings: Any, controller: InTraining, draw: Draw = draw_ramped) -> Flights:
    """The flights before the first step.

    Args:
        settings: of the training, with the attributes of
            `mothsim.controllers.policies.robust_training.RobustSettings` that flights depend on: `steps`, `groups`,
            `moths`, `segments`, `violence`, `bobbing`, `disturbed` and `seed`.
        controller: as it is at first.
        draw: draws the flights.
    """
    return begin([draw(settings, group, 0) for group in range(settings.groups)], controller)


def next_window(
    settings: Any, controller: InTraining, flights: Flights, step: int, until_lost: bool = False,
    draw: Draw = draw_ramped, anew: Any = ANEW, longest: int = LONGEST,
) -> tuple[DisturbedWindow, Flights]:  # fmt: skip
    """Fly a step's window; returns it and the flights at its end.

    Args:
        settings: see `first_flights`.
        controller: as it is trained by now.
        flights: where the last step left them.
        step: its number.
        until_lost: see `fly_on`.
        draw: draws the flights.
        anew: chance that a group's flight begins anew, or of each group (G,).
        longest: decisions of a flight at most.
    """
    rng = np.random.default_rng([settings.seed, step])
    old = rng.uniform(size=settings.groups) < anew
    old |= (step - flights.begun) * settings.segments >= longest
    begun = np.where(old, step, flights.begun)
    scenarios = [draw(settings, group, int(each)) for group, each in enumerate(begun)]
    firsts = (step - begun) * settings.segments
    flights = flights._replace(begun=begun)
    flights = restart(flights, scenarios, firsts, np.repeat(old, settings.moths), rng, controller)
    return fly_on(controller, flights, scenarios, firsts, settings.segments, rng, until_lost)
