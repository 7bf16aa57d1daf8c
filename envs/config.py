"""Options of the environments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from mothsim.actuation import action_size
from mothsim.body import MothBody
from mothsim.checks import require_numbers
from mothsim.disturbances import SENSOR_NOISE
from mothsim.envs.spec import TrackSpec, complete_spec
from mothsim.flight import decisions, whole_periods
from mothsim.interfaces import Interface, Version, make_interface
from mothsim.perturbations import RANGES, Perturbation, make_perturbation
from mothsim.solver.propagate import LONGEST, SEGMENT
from mothsim.trajectories import Function, Trajectory, make_trajectory

if TYPE_CHECKING:
    from mothsim.envs.moths import Moths

_NUMBERS = ("action_range", "duration", "period", "start_spread", "sensor_noise", "force_noise", "gusts", "body_spread")
MOST_DECISIONS = 1_000_000
"""Longest episode, in decisions: its targets are computed in advance."""


@dataclass(frozen=True, kw_only=True)
class EnvConfig:
    """Options of the environments; random ones are drawn in every episode from the environment's seed.

    Attributes:
        trajectory: a `Trajectory`, or what `mothsim.make_trajectory` makes one of: a name, a CSV file, a function.
        body: a `MothBody`, or a dictionary of its parameters: the nominal body, which controllers know.
        actuation: `under` (no wing torque) or `full`: the wings' torque is the fourth action, within the body's
            limit, or within its abdomen's where the body has none.
        version: 0 or 1, of the observation and the actions; set by the environment's name.
        action_range: in version 1, what an action of +-1 stands for, in units of 7500 dyn along the head-thorax,
            3000 dyn across it and 28000 dyn cm of torque.
        duration: time limit, s, rounded to whole periods; at most a million decisions.
        period: s from decision to decision, at most 1.
        start_spread: half width of uniform random starts about trim, in units of the trajectory's `start_spread`;
            0 starts in trim.
        sensor_noise: standard deviation of normal noise on the measured state, in units of
            `mothsim.disturbances.SENSOR_NOISE`; 0 is none.
        force_noise: standard deviation of the force along and across the head-thorax, drawn every decision,
            as a share of the weight; 0 is none.
        gusts: standard deviation of the wind along x and y, cm/s, an Ornstein-Uhlenbeck process with the correlation
            time `mothsim.disturbances.GUST_TIME`; 0 is none.
        body_spread: half width about 1 of uniform random factors of the body's parameters
            `mothsim.disturbances.DRAWN`; 0 keeps the body.
        perturbation: a `mothsim.perturbations.Perturbation`, a dictionary of its attributes, its name in the tables of
            `mothsim evaluate`, or words: `delay 20 ms, size 0.9`, see `mothsim.perturbations.make_perturbation`.
            Observations and `measured_state` are noisy and late, another body flies than controllers know, about
            which `body_spread` draws. Its noise and gusts stand in for `sensor_noise` and `gusts`.

    Raises:
        ValueError: an option out of range.
    """

    trajectory: Trajectory | str | Path | Function = "sum-of-primes"
    body: MothBody = field(default_factory=MothBody)
    actuation: Literal["under", "full"] = "under"
    version: Version = 0
    action_range: float = 1.0
    duration: float = 10.0
    period: float = SEGMENT
    start_spread: float = 1.0
    sensor_noise: float = 0.0
    force_noise: float = 0.0
    gusts: float = 0.0
    body_spread: float = 0.0
    perturbation: Perturbation | Mapping[str, Any] | str = "nominal"

    def __post_init__(self) -> None:
        if self.actuation not in ("under", "full"):
            raise ValueError(f"actuation = {self.actuation!r}: expected 'under' or 'full'")
        object.__setattr__(self, "body", _as_body(self.body))
        if self.version not in (0, 1):
            raise ValueError(f"version = {self.version!r}: expected 0 or 1")
        require_numbers(self, *_NUMBERS)
        for name in ("duration", "period"):
            self._require(name, 0.0 < getattr(self, name) < math.inf, "seconds above zero")
        self._require("action_range", 0.0 < self.action_range < math.inf, "a number above zero")
        self._require("period", self.period <= LONGEST, f"at most {LONGEST} s")
        longest = MOST_DECISIONS * self.period
        self._require("duration", self.duration <= longest, f"at most {longest:g} s, a million periods")
        object.__setattr__(self, "duration", whole_periods(self.duration, self.period))
        target = self.target()
        widest = target.lost_distance / math.hypot(*target.start_spread[:2])
        widest /= max(self.perturbed.start_scale, 1e-9)
        self._require("start_spread", 0.0 <= self.start_spread < widest, f"0 to {widest:.3g}")
        for name in ("sensor_noise", "force_noise", "gusts"):
            self._require(name, 0.0 <= getattr(self, name) < math.inf, "a number of zero or more")
        self._require("body_spread", 0.0 <= self.body_spread < 1.0, "0 or more, and below 1")
        for name, other in (("sensor_noise", self.perturbed.sensor_noise), ("gusts", self.perturbed.gusts)):
            self._require(name, not (getattr(self, name) and other), "0 beside a perturbation that has it too")
        object.__setattr__(self, "body", replace(self.body, wing_torque_limit=self._wing_torque_limit()))

    @cached_property
    def perturbed(self) -> Perturbation:
        """The perturbation itself, made where it is given by name or words."""
        perturbation = make_perturbation(self.perturbation)
        _ = perturbation.disturbances  # holds its numbers to their ranges
        return perturbation

    @property
    def measurement_noise(self) -> NDArray[np.float64]:
        """Standard deviations (8,) of the noise of a measured state."""
        return self.sensor_noise * SENSOR_NOISE + self.perturbed.sensor_noise * RANGES

    @property
    def wind_std(self) -> float:
        """Standard deviation of the wind along x and y, cm/s."""
        return self.gusts + self.perturbed.gusts

    @cached_property
    def flying_body(self) -> MothBody:
        """The body that flies, where none is drawn; controllers know `body`."""
        return self.perturbed.body(self.body)

    def _require(self, name: str, valid: bool, expected: str) -> None:
        if not valid:
            raise ValueError(f"{name} = {getattr(self, name)!r}: expected {expected}")

    def _wing_torque_limit(self) -> float:
        if self.actuation == "under":
            return 0.0
        return self.body.wing_torque_limit or self.body.abdomen_torque_limit

    @property
    def action_size(self) -> int:
        """Components of an action: 3, or 4 with wing torque."""
        return action_size(self.body)

    @property
    def decisions(self) -> int:
        """Decisions to the time limit."""
        return decisions(self.duration, self.period)

    def interface(self) -> Interface:
        """Observation and actions of the version."""
        return make_interface(
            self.version, self.target(), self.body, self.period, self.decisions, float(self.action_range)
        )

    def target(self) -> Trajectory:
        """Trajectory, made where `trajectory` is a name or a file."""
        return self._target

    @cached_property
    def _target(self) -> Trajectory:
        target = self.trajectory if isinstance(self.trajectory, Trajectory) else make_trajectory(self.trajectory)
        return target.for_flight(self.duration)


def _as_body(body: MothBody | Mapping[str, float]) -> MothBody:
    if isinstance(body, Mapping):
        try:
            return MothBody(**body)
        except TypeError as error:
            raise ValueError(f"body = {body!r}: {error}") from None
    if not isinstance(body, MothBody):
        raise ValueError(f"body = {body!r}: expected a MothBody, or a dictionary of its parameters")
    return body


class EnvInfo:
    """Properties of an environment that controllers and Gymnasium read."""

    config: EnvConfig
    _moths: Moths
    _spec: TrackSpec | None = None

    @property
    def max_episode_steps(self) -> int:
        """Time limit in decisions."""
        return self.config.decisions

    @property
    def spec(self) -> TrackSpec | None:
        """Gymnasium's specification; its `max_episode_steps` is this environment's, which `gymnasium.make` keeps to."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = complete_spec(spec, self.max_episode_steps)

    @property
    def trajectory(self) -> Trajectory:
        """Target, which controllers know in advance."""
        return self.config.target()

    @property
    def body(self) -> MothBody:
        """Nominal body, which controllers know; an episode's own may differ by `body_spread` and `perturbation`."""
        return self.config.body

    @property
    def duration(self) -> float:
        """Time limit, s."""
        return self.config.duration

    @property
    def interface(self) -> Interface:
        """Observation and actions of the environment's version."""
        return self._moths.interface

    @property
    def period(self) -> float:
        """Time from decision to decision, s."""
        return self.config.period
