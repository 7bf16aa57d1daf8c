"""The flight envelope: hover at every body angle, cruise at every speed, recovery from violent starts.

A linear controller about hover flies slow targets with a handful of connections, so these show little about how many
connections a controller needs. Here it has to fly about every trim.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mothsim.flight import Controller, fly
from mothsim.metrics import recovered
from mothsim.trajectories import Trajectory, cruise, make_trajectory

ON_TARGET = 0.15
"""Largest median error (cm) of a manoeuvre that counts as flown."""
_FASTEST = 300.0  # cm/s along x and along y
_HOVER, _CRUISE, _BACK = 3.0, 2.0, 4.0  # s


@dataclass(frozen=True)
class EnvelopeFlights:
    """Results of a controller over the envelope.

    Attributes:
        manoeuvres: `(name, median error in cm, share lost)` of every hover and cruise.
        recovered: share of flights from starts of half the spread that recovered, see `mothsim.metrics.recovered`.
    """

    manoeuvres: tuple[tuple[str, float, float], ...]
    recovered: float

    @property
    def flown(self) -> float:
        """Share of the manoeuvres without a lost moth and with a median error within `ON_TARGET`."""
        return float(np.mean([lost == 0 and error <= ON_TARGET for _, error, lost in self.manoeuvres] or [1.0]))

    @property
    def lost(self) -> float:
        """Share of the flights of all manoeuvres that was lost."""
        return float(np.mean([lost for *_, lost in self.manoeuvres] or [0.0]))

    @property
    def worst(self) -> float:
        """Largest median error of a manoeuvre, cm; infinite where most moths were lost."""
        return max((error for _, error, _ in self.manoeuvres), default=0.0)


def fly_envelope(
    controller: Callable[[], Controller], *, angles: int = 24, speeds: int = 3, moths: int = 20, back: int = 100,
    seed: int = 0,
) -> EnvelopeFlights:  # fmt: skip
    """Fly a controller over the envelope, from the usual random starts.

    Args:
        controller: makes a new controller for each manoeuvre.
        angles: body angles to hover at, evenly spread over the circle from -pi on.
        speeds: along x and along y, from -300 to 300 cm/s: cruises at all pairs of them.
        moths: in each manoeuvre.
        back: starts of `recover` at half its spread.
        seed: of the starts of the first manoeuvre; each further one adds one.
    """
    found = []
    for i, (name, target, duration) in enumerate(manoeuvres(angles, speeds)):
        flight = fly(controller(), target, duration=duration, moths=moths, seed=seed + i)
        found.append((name, float(np.median(flight.rms_error)), float(np.mean(flight.lost))))
    violent = fly(controller(), "recover", duration=_BACK, moths=back, seed=seed, start_scale=0.5)
    return EnvelopeFlights(tuple(found), float(np.mean(recovered(violent))))


def manoeuvres(angles: int, speeds: int) -> list[tuple[str, Trajectory, float]]:
    """Return names, targets and durations (s) of the manoeuvres, see `fly_envelope`."""
    hovers = []
    for i in range(angles):
        angle = -math.pi + math.tau * i / angles
        hovers.append((f"hover at {math.degrees(angle):.1f} deg", make_trajectory("hover", angle), _HOVER))
    along = np.linspace(-_FASTEST, _FASTEST, speeds).tolist()
    cruises = [cruise((x, y)) for x in along for y in along]
    return [*hovers, *((target.name, target, _CRUISE) for target in cruises)]
