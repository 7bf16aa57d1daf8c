"""Kinematic waypoints: where an inverse model should take the moth next, from positions and velocities alone.

No model of the moth, no plan and no linear-quadratic law. The pin joint's waypoint is its drift `x + h xdot` over a
segment of h seconds, the target's own acceleration part, and a share of the error that would be left:

    drift + (p(t + h) - p(t) - h pdot(t)) + position * (bounded(p - x + integral) + h (pdot - xdot))

The angles' waypoint is their drift, pulled by a share towards trim at the target's body angle: handed trim itself, a
network is asked for a pose that three controls cannot reach. A moth whose joint is held in place swings below it like
a pendulum, hardly damped, so the joint gives way along x by a little of the swing's rate. All of it is written once,
for NumPy and JAX.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.flight import Task, decisions
from mothsim.solver.propagate import SEGMENT
from mothsim.trajectories import Trajectory
from mothsim.trim import find_trim

Array = NDArray[np.floating]

ERROR_BOUND = 1.0
"""Length that a position error never exceeds in the law, cm: from farther off a moth is not pulled harder."""
ACCELERATION_BOUND = 0.6
"""The same of a target's acceleration part in one segment, cm; that of 3000 cm/s^2."""
INTEGRAL_BOUND = 2.0
"""Of the integral along x and along y, cm."""


@dataclass(frozen=True)
class KinematicGains:
    """Gains of the waypoints.

    Attributes:
        position: share of the way from the drift to the target that is asked of a segment.
        angle: the same from the angles' drift to trim.
        swing: how far the joint gives way to the swing, cm a rad/s.
        integral: gain on the integral of the position error, 1/s.

    Raises:
        ValueError: a gain that is not finite, or below zero.
    """

    position: float = 0.4
    angle: float = 0.05
    swing: float = 0.005
    integral: float = 2.0

    def __post_init__(self) -> None:
        for field, value in zip(fields(self), astuple(self), strict=True):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} = {value!r}: expected a finite number of zero or more")


class TargetMotion(NamedTuple):
    """A target at decisions, and over the segment after each.

    Attributes:
        position: (..., 2), cm.
        drift: (..., 2), the segment times the velocity, cm.
        acceleration: (..., 2), what the next position is off that drift, bounded, cm.
        posture: (..., 2), theta and phi of trim at the segment's end, rad.
    """

    position: Any
    drift: Any
    acceleration: Any
    posture: Any


def bounded(vectors: Any, bound: float) -> Any:
    """Vectors (..., 2) shortened, smoothly, to at most `bound`."""
    return vectors / (1 + (vectors**2).sum(-1)[..., None] / bound**2) ** 0.5


def target_motion(position: Any, velocity: Any, following: Any, posture: Any) -> TargetMotion:
    """The motion of a target at `position` (..., 2), cm, of `velocity`, cm/s, which a segment later is `following`."""
    drift = SEGMENT * velocity
    return TargetMotion(position, drift, bounded(following - position - drift, ACCELERATION_BOUND), posture)


def target_motions(trajectory: Trajectory, body: MothBody, count: int) -> TargetMotion:
    """A trajectory's motion at its first `count` decisions, arrays (count, 2).

    Raises:
        ValueError: the body has no trim at a body angle of the trajectory.
    """
    times = SEGMENT * np.arange(count + 1)
    positions = trajectory.position(times)
    angles = trajectory.angle(times[1:]).tolist()
    postures = {angle: find_trim(body, angle).state[2:4] for angle in dict.fromkeys(angles)}
    posture = np.array([postures[angle] for angle in angles])
    return target_motion(positions[:-1], trajectory.velocity(times[:-1]), positions[1:], posture)


def add_error(integral: Any, states: Any, target: TargetMotion, gain: Any) -> Any:
    """The integral (N, 2), cm, with the bounded position error of states (N, 8) added; `gain` in 1/s."""
    xp = states.__array_namespace__()
    grown = integral + SEGMENT * gain * bounded(target.position - states[:, :2], ERROR_BOUND)
    return xp.clip(grown, -INTEGRAL_BOUND, INTEGRAL_BOUND)


def waypoints(states: Any, integral: Any, target: TargetMotion, gains: Any) -> Any:
    """Poses (N, 4), `[x, y, theta, phi]`, to ask of a network a segment ahead.

    Args:
        states: (N, 8).
        integral: (N, 2), see `add_error`.
        target: of all, or a row a moth.
        gains: `KinematicGains`, or what has its attributes.
    """
    xp = states.__array_namespace__()
    offset = bounded(target.position - states[:, :2] + integral, ERROR_BOUND)
    error = offset + target.drift - SEGMENT * states[:, 4:6]
    giving_way = gains.swing * states[:, 6:8].mean(-1)[:, None] * np.array([1.0, 0.0])
    point = states[:, :2] + SEGMENT * states[:, 4:6] + target.acceleration + gains.position * error - giving_way
    angles = states[:, 2:4] + SEGMENT * states[:, 6:8]
    return xp.concat([point, angles + gains.angle * _to_posture(xp, angles, target.posture)], axis=1)


def _to_posture(xp: Any, angles: Any, posture: Any) -> Any:
    """From angles (N, 2) to trim (N, 2) by way of less than half a turn, theta and phi moved by the same turns."""
    way = posture - angles
    return way - math.tau * xp.round(way.mean(-1)[:, None] / math.tau)


class KinematicGuidance:
    """Kinematic waypoints for N moths along a trajectory."""

    def __init__(self, gains: KinematicGains) -> None:
        self.gains = gains

    def reset(self, task: Task) -> None:
        """Look the target up at every decision, and clear the integral.

        Raises:
            ValueError: the body has no trim at a body angle of the trajectory.
        """
        self.targets = target_motions(task.trajectory, task.body, decisions(task.duration, SEGMENT))
        self.integral = np.zeros((len(task.seeds), 2))

    def waypoint(self, states: Array, time: float) -> Array:
        """Poses (N, 4) to ask for a segment ahead of states (N, 8) at `time`, s."""
        step = round(time / SEGMENT)
        target = TargetMotion(*(column[step] for column in self.targets))
        self.integral = add_error(self.integral, states, target, self.gains.integral)
        return waypoints(states, self.integral, target, self.gains)
