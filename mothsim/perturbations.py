"""Departures from undisturbed flight: one definition for the command, the evaluation and whoever flies in Python."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from mothsim.body import MothBody
from mothsim.checks import require_numbers
from mothsim.disturbances import GUST_TIME, Disturbances
from mothsim.trajectories import make_trajectory

RANGES = 2 * np.array(make_trajectory("hover").start_spread)
"""Range (8,) of each state about its target, as of most tasks' random starts: 2 cm, 0.2 rad, 20 cm/s, 4 rad/s."""


@dataclass(frozen=True)
class Perturbation:
    """A departure from undisturbed flight of which the controller is not informed.

    Attributes:
        name: in the tables.
        sensor_noise: standard deviation, as a share of each state's range about the target, `RANGES`.
        delay: s by which what the controller is shown is late.
        gusts: standard deviation of the wind, cm/s.
        gust_time, gust_frequency: of the wind, see `mothsim.Disturbances`.
        size: times all of the body's lengths.
        abdomen: times the abdomen's mass.
        drink: share of its mass that the moth drinks in flight, see `mothsim.Disturbances`.
        start_scale: times the spread of the random starts, for starts in the middle of a manoeuvre.

    Raises:
        ValueError: a number out of range.
    """

    name: str = "nominal"
    sensor_noise: float = 0.0
    delay: float = 0.0
    gusts: float = 0.0
    size: float = 1.0
    abdomen: float = 1.0
    drink: float = 0.0
    start_scale: float = 1.0
    gust_time: float = GUST_TIME
    gust_frequency: float = 0.0

    def __post_init__(self) -> None:
        require_numbers(self, *(field.name for field in fields(self) if field.name != "name"))
        for name in ("sensor_noise", "delay", "gusts", "drink", "start_scale"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} = {getattr(self, name)!r}: expected a finite number of zero or more")
        if self.sensor_noise > 1:
            raise ValueError(f"sensor_noise = {self.sensor_noise!r}: expected a share from 0 to 1; 2 % are 0.02")
        for name in ("size", "abdomen"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} = {getattr(self, name)!r}: expected a finite number above zero")

    def body(self, nominal: MothBody) -> MothBody:
        """The moth that flies, where the controller assumes the nominal one."""
        return replace(nominal, abdomen_density=nominal.abdomen_density * self.abdomen).scaled(self.size)

    @property
    def disturbances(self) -> Disturbances:
        """Noise, delay, gusts and drink of a flight."""
        noise = tuple((self.sensor_noise * RANGES).tolist()) if self.sensor_noise else ()
        return Disturbances(
            sensor_noise=noise, delay=self.delay, gusts=self.gusts, gust_time=self.gust_time,
            gust_frequency=self.gust_frequency, drink=self.drink,
        )  # fmt: skip


PERTURBATIONS = {
    perturbation.name: perturbation
    for perturbation in (
        Perturbation(),
        *(Perturbation(f"noise {share:.0%}", sensor_noise=share) for share in (0.01, 0.02, 0.05)),
        Perturbation("delay 20 ms", delay=0.02),
        *(Perturbation(f"gusts {speed:g} cm/s", gusts=speed) for speed in (100.0, 300.0)),
        *(Perturbation(f"size {scale:g}", size=scale) for scale in (0.8, 0.9, 1.1, 1.25)),
        *(Perturbation(f"abdomen mass {factor:g}", abdomen=factor) for factor in (0.5, 0.75, 1.5, 2.0)),
    )
}
"""By name, the undisturbed first."""

HARDER = {
    perturbation.name: perturbation
    for perturbation in (
        *(Perturbation(f"delay {1000 * delay:g} ms", delay=delay) for delay in (0.005, 0.01, 0.03, 0.04, 0.06)),
        Perturbation("drinks half its mass", drink=0.5),
        Perturbation("mid-manoeuvre", start_scale=2.0),
        Perturbation("flower wake", gusts=70.0, gust_time=0.1, gust_frequency=3.5),
        Perturbation("delay 20 ms, size 0.8", delay=0.02, size=0.8),
        Perturbation("delay 20 ms, gusts 100 cm/s", delay=0.02, gusts=100.0),
        Perturbation("noise 1%, abdomen mass 2", sensor_noise=0.01, abdomen=2.0),
        Perturbation("size 1.25, abdomen mass 0.5", size=1.25, abdomen=0.5),
        Perturbation("delay 20 ms, noise 1%, size 1.1", delay=0.02, sensor_noise=0.01, size=1.1),
        Perturbation("delay 20 ms, size 0.8, gusts 100 cm/s", delay=0.02, size=0.8, gusts=100.0),
    )
}
"""By name: other delays, a body that changes in flight, starts in mid-manoeuvre, a flower's wake, and pairs and triples
at once.

Behind a flower in a breeze of 70 cm/s vortices are shed at 2 to 5 Hz (Matthews and Sponberg 2018, J Exp Biol 221,
jeb179259): `flower wake` is a wind whose spectrum has half its peak at 2 and 5 Hz. How strong it is there was not found
in their text; as strong as the breeze is our upper bound."""

_WORDS = {
    "noise": ("sensor_noise", {"%": 0.01, "": 1.0}),
    "delay": ("delay", {"ms": 0.001, "s": 1.0, "": 1.0}),
    "gusts": ("gusts", {"cm/s": 1.0, "": 1.0}),
    "size": ("size", {"%": 0.01, "": 1.0}),
    "abdomen mass": ("abdomen", {"%": 0.01, "": 1.0}),
    "abdomen": ("abdomen", {"%": 0.01, "": 1.0}),
    "drink": ("drink", {"%": 0.01, "": 1.0}),
    "starts": ("start_scale", {"": 1.0}),
}
"""Words of `make_perturbation`, each with its attribute, and the factors of the units that may follow the number."""


def make_perturbation(given: Perturbation | Mapping[str, Any] | str) -> Perturbation:
    """Make a perturbation from its name, from words and numbers, or from a dictionary of its attributes.

    Args:
        given: a name in `PERTURBATIONS` or `HARDER`, such as `mid-manoeuvre`, or words with commas between them, such
            as `delay 35 ms, noise 2%, size 0.9`: noise, delay, gusts, size, abdomen, drink and starts, in the units
            of the attributes, or with `%`, `ms`, `s` or `cm/s` after the number.

    Raises:
        ValueError: an unknown name, word or attribute, a word given twice, or a number out of range.
    """
    if isinstance(given, Perturbation):
        return given
    if isinstance(given, Mapping):
        try:
            return Perturbation(**given)
        except TypeError as error:
            raise ValueError(f"perturbation = {given!r}: {error}") from None
    if not isinstance(given, str):
        raise ValueError(f"perturbation = {given!r}: expected a Perturbation, its name, or words and numbers")
    known = PERTURBATIONS | HARDER
    return known[given] if given in known else Perturbation(given, **_attributes(given))


def _attributes(words: str) -> dict[str, float]:
    attributes: dict[str, float] = {}
    for part in words.split(","):
        found = re.fullmatch(r"([a-z ]+?) *([0-9.][0-9.e+-]*) *(%|ms|s|cm/s|)", part.strip().lower())
        name, units = _WORDS.get(found[1], ("", {})) if found else ("", {})
        try:
            number = float(found[2]) if found else math.nan
        except ValueError:
            number = math.nan
        if found is None or found[3] not in units or name in attributes or not math.isfinite(number):
            known = ", ".join(PERTURBATIONS | HARDER)
            ways = ", ".join(
                f"{word} ({', '.join(filter(None, units))})" if any(units) else word
                for word, (_, units) in _WORDS.items()
            )
            raise ValueError(
                f"perturbation = {words!r}: {part.strip()!r} is none: expected words with numbers, such as "
                f"'delay 35 ms, size 0.9', each of {ways} once; or one of {known}"
            )
        attributes[name] = units[found[3]] * number
    return attributes
