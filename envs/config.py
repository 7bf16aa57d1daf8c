"""What an environment can be asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from mothsim.body import MothBody
from mothsim.flight import decisions
from mothsim.solver.propagate import SEGMENT
from mothsim.trajectories import Trajectory, make_trajectory


@dataclass(frozen=True, kw_only=True)
class EnvConfig:
    """Options of the environments; each random one is drawn anew every episode, from the environment's seed.

    Attributes:
        trajectory: a name, a CSV file (see `mothsim.make_trajectory`), or a `Trajectory`.
        body: the moth, as controllers should believe it to be.
        actuation: `under` (no wing torque) or `full`: the wings' torque is the fourth action, within the body's
            limit, or within its abdomen's where the body has none.
        duration: time limit, s.
        period: s from decision to decision.
        start_spread: times the trajectory's `start_spread` about trim, uniform; 0 starts in trim.
        sensor_noise: times `mothsim.disturbances.SENSOR_NOISE`, normal, on all that is observed; 0 is none.
        force_noise: standard deviation of the force along and across the head-thorax, drawn every decision,
            as a share of the weight; 0 is none.
        gusts: standard deviation of the wind along x and y, cm/s, a random process of
            `mothsim.disturbances.GUST_TIME`; 0 is none.
        body_spread: the parameters `mothsim.disturbances.DRAWN` are multiplied by factors uniform within 1 -+ this;
            0 keeps the body.

    Raises:
        ValueError: an option out of range.
    """

    trajectory: Trajectory | str | Path = "sum-of-primes"
    body: MothBody = field(default_factory=MothBody)
    actuation: Literal["under", "full"] = "under"
    duration: float = 10.0
    period: float = SEGMENT
    start_spread: float = 1.0
    sensor_noise: float = 0.0
    force_noise: float = 0.0
    gusts: float = 0.0
    body_spread: float = 0.0

    def __post_init__(self) -> None:
        if self.actuation not in ("under", "full"):
            raise ValueError(f"actuation = {self.actuation!r}: expected 'under' or 'full'")
        if not isinstance(self.body, MothBody):
            raise ValueError(f"body = {self.body!r}: expected a MothBody")
        for name in ("duration", "period"):
            self._require(name, 0.0 < getattr(self, name) < math.inf, "seconds above zero")
        target = self.target()
        widest = target.lost_distance / math.hypot(*target.start_spread[:2])
        self._require("start_spread", 0.0 <= self.start_spread < widest, f"0 to {widest:.3g}")
        for name in ("sensor_noise", "force_noise", "gusts"):
            self._require(name, 0.0 <= getattr(self, name) < math.inf, "a number of zero or more")
        self._require("body_spread", 0.0 <= self.body_spread < 1.0, "0 or more, and below 1")
        object.__setattr__(self, "body", replace(self.body, wing_torque_limit=self._wing_torque_limit()))

    def _require(self, name: str, valid: bool, expected: str) -> None:
        if not valid:
            raise ValueError(f"{name} = {getattr(self, name)!r}: expected {expected}")

    def _wing_torque_limit(self) -> float:
        if self.actuation == "under":
            return 0.0
        return self.body.wing_torque_limit or self.body.abdomen_torque_limit

    @property
    def action_size(self) -> int:
        """3, or 4 with wing torque."""
        return 4 if self.actuation == "full" else 3

    @property
    def decisions(self) -> int:
        """Steps to the time limit."""
        return decisions(self.duration, self.period)

    def target(self) -> Trajectory:
        """The trajectory itself."""
        return self.trajectory if isinstance(self.trajectory, Trajectory) else make_trajectory(self.trajectory)


class EnvInfo:
    """What an environment tells controllers of its settings."""

    config: EnvConfig

    @property
    def trajectory(self) -> Trajectory:
        """The target, as controllers may know it ahead."""
        return self.config.target()

    @property
    def body(self) -> MothBody:
        """The moth, as controllers should believe it to be."""
        return self.config.body

    @property
    def duration(self) -> float:
        """Time limit, s."""
        return self.config.duration

    @property
    def period(self) -> float:
        """From decision to decision, s."""
        return self.config.period
