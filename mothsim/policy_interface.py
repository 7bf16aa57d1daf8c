"""What a policy observes and what its outputs mean: in the frame of the moth's body, and about trim.

The arithmetic is `@shared`: NumPy arrays, JAX arrays and compiled code's numbers go through the same lines, so that a
flight, an environment and a gradient through the flight all observe alike. Nothing here needs the engine, a
linearisation or a plan; trim is looked up once for each angle of the target, before a flight.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import to_components
from mothsim.arithmetic import shared, square_root
from mothsim.body import MothBody
from mothsim.trajectories import Trajectory
from mothsim.trim import find_trim

Array = NDArray[np.floating]

PREVIEW = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Decisions ahead at which the target is previewed: between them its mean velocity is shown."""

_DISTANCE, _SPEED, _COMING, _RATE, _BEND = 5.0, 150.0, 200.0, 40.0, 2.0  # cm, cm/s, cm/s, rad/s, rad
_FULL = 1e-6  # share of a limit squared that is left at the limit itself, which no output reaches
_LEAST = 1e-6  # room that a limit leaves where it leaves none, so that nothing is divided by zero
_ALONG, _ACROSS, _TORQUE = 7500.0, 3000.0, 28000.0  # dyn, dyn, dyn cm


class PolicyEntry(NamedTuple):
    """A number that a policy observes or gives.

    Attributes:
        name, unit, frame: the quantity; `body` is along and across the head-thorax, turned with it.
        scale: what the quantity is divided by; of an output, what one unit stands for.
        bound: of the scaled number, which it approaches smoothly and never passes; of an output there is none, and
            the control that it asks for approaches the body's limits.
    """

    name: str
    unit: str
    frame: str
    scale: float
    bound: float


ENTRIES = (
    PolicyEntry("target - joint, along", "cm", "body", 1.0, _DISTANCE),
    PolicyEntry("target - joint, across", "cm", "body", 1.0, _DISTANCE),
    PolicyEntry("joint velocity - target's, along", "cm/s", "body", 15.0, _SPEED / 15),
    PolicyEntry("joint velocity - target's, across", "cm/s", "body", 15.0, _SPEED / 15),
    PolicyEntry("sin(theta - trim theta)", "1", "world", 1 / 3, 3.0),
    PolicyEntry("1 - cos(theta - trim theta)", "1", "world", 1 / 3, 6.0),
    PolicyEntry("phi - theta - trim bend", "rad", "body", 1 / 3, 3 * _BEND),
    PolicyEntry("thetadot", "rad/s", "world", 5.0, _RATE / 5),
    PolicyEntry("phidot - thetadot", "rad/s", "body", 5.0, _RATE / 5),
    *(
        PolicyEntry(f"target's mean velocity {a} to {b} decisions ahead - now, {axis}", "cm/s", "body", 20.0, 10.0)
        for a, b in zip((0, *PREVIEW[:-1]), PREVIEW, strict=True)
        for axis in ("along", "across")
    ),
)
"""The numbers of an observation, in order; the first of the preview is the target's next 20 ms."""

GRAVITY_ENTRIES = tuple(
    PolicyEntry(f"up {direction} the {part} - trim's", "1", part, 1 / 3, 6.0)
    for part in ("head-thorax", "abdomen")
    for direction in ("along", "across")
)
"""The numbers that follow in the observation of a policy that is to fly at any body angle: where up is. The force that
carries the weight turns with them, so that one gain compensates tilt at every angle."""

OUTPUT_ENTRIES = (
    PolicyEntry("force - trim's, along", "dyn", "body", _ALONG, math.inf),
    PolicyEntry("force - trim's, across", "dyn", "body", _ACROSS, math.inf),
    PolicyEntry("abdominal torque - trim's", "dyn cm", "body", _TORQUE, math.inf),
)
"""The numbers that a policy answers with, in order: an even scale about trim."""


class PolicyTarget(NamedTuple):
    """The target as a policy is shown it: T decisions of it, or one, or one for each of N moths.

    Attributes:
        positions, velocities: (T, 2), cm and cm/s, in the world's frame.
        ahead: (T, K, 2) mean velocities between the decisions of `PREVIEW`, less the velocity now, cm/s.
        postures: (T, 2), trim's theta and phi at the target's body angle, rad.
        trims: (T, 3), trim's components: force along and across the head-thorax, abdominal torque; dyn, dyn cm.
    """

    positions: Any
    velocities: Any
    ahead: Any
    postures: Any
    trims: Any

    def at(self, decision: Any) -> PolicyTarget:
        """The target at one decision, or at a decision (N,) for each of N moths."""
        return PolicyTarget(*(each[decision] for each in self))


def preview(trajectory: Trajectory, body: MothBody, period: float, decisions: int) -> PolicyTarget:
    """The target at so many decisions, one every `period` s.

    Raises:
        ValueError: the target has a body angle at which the body has no trim.
    """
    times = np.arange(decisions + PREVIEW[-1]) * period
    positions, velocities = trajectory.position(times), trajectory.velocity(times[:decisions])
    postures, trims = trims_at(trajectory.angle(times[:decisions]), body)
    ahead = mean_velocities(positions, velocities, period)
    return PolicyTarget(positions[:decisions], velocities, ahead, postures, trims)


def trims_at(angles: Array, body: MothBody) -> tuple[Array, Array]:
    """Trim's postures (N, 2) and components (N, 3) at body angles (N,), rad.

    Raises:
        ValueError: there is no trim at one of them.
    """
    different, which = np.unique(angles, return_inverse=True)
    trims = [find_trim(body, float(angle)) for angle in different]
    postures = np.array([trim.state[2:4] for trim in trims])[which]
    return postures, np.array([to_components(trim.control)[:3] for trim in trims])[which]


def mean_velocities(positions: Array, velocities: Array, period: float) -> Array:
    """Mean velocities ahead (..., T, K, 2), less those now, of positions (..., T + 32, 2), velocities (..., T, 2)."""
    ends = np.array((0, *PREVIEW))
    shown = positions[..., np.arange(velocities.shape[-2])[:, None] + ends, :]
    way = shown[..., 1:, :] - shown[..., :-1, :]
    return way / (np.diff(ends)[:, None] * period) - velocities[..., None, :]


def observe(states: Any, target: PolicyTarget, xp: Any = np, gravity: bool = False) -> Any:
    """Observations (N, 29), see `ENTRIES`, of states (N, 8) and a target of one decision.

    Args:
        states: (N, 8).
        target: of all moths, or of each: positions (2,) or (N, 2), and so on.
        xp: `numpy`, or `jax.numpy`.
        gravity: whether to observe where up is too, see `GRAVITY_ENTRIES`: (N, 33).
    """
    positions, velocities, ahead, postures, _ = target
    theta, bend = states[:, 2], states[:, 3] - states[:, 2]
    cos, sin = xp.cos(theta), xp.sin(theta)
    tilt = theta - postures[..., 0]
    error, velocity = positions - states[:, :2], states[:, 4:6] - velocities
    moth = observed_motion(
        error[:, 0], error[:, 1], velocity[:, 0], velocity[:, 1], xp.sin(tilt), xp.cos(tilt),
        bend - (postures[..., 1] - postures[..., 0]), states[:, 6], states[:, 7], cos, sin,
    )  # fmt: skip
    shape = (len(theta), len(PREVIEW))
    coming = xp.stack(observed_preview(ahead[..., 0], ahead[..., 1], cos[:, None], sin[:, None]), -1)
    parts = [xp.stack(moth, -1), xp.broadcast_to(coming, (*shape, 2)).reshape(shape[0], -1)]
    if gravity:
        phi, trim = states[:, 3], (postures[..., 0], postures[..., 1])
        for angle, at_trim in ((theta, trim[0]), (phi, trim[1])):
            up = observed_up(xp.cos(angle), xp.sin(angle), xp.cos(at_trim), xp.sin(at_trim))
            parts.append(xp.stack(up, -1))
    return xp.concatenate(parts, -1)


@shared
def observed_motion(ex, ey, vx, vy, sin_tilt, cos_tilt, bend, thetadot, phidot, cos, sin):
    """The first nine entries: of the target less the joint, the joint's velocity less the target's, and the rest.

    `cos` and `sin` are theta's; `bend` is phi - theta less trim's.
    """
    distance = 1.0 / square_root(1.0 + (ex * ex + ey * ey) / _DISTANCE**2)
    speed = 1.0 / (15.0 * square_root(1.0 + (vx * vx + vy * vy) / _SPEED**2))
    return (
        (cos * ex + sin * ey) * distance,
        (cos * ey - sin * ex) * distance,
        (cos * vx + sin * vy) * speed,
        (cos * vy - sin * vx) * speed,
        3.0 * sin_tilt,
        3.0 * (1.0 - cos_tilt),
        3.0 * softened(bend, _BEND),
        softened(thetadot, _RATE) / 5.0,
        softened(phidot - thetadot, _RATE) / 5.0,
    )


@shared
def observed_preview(x, y, cos, sin):
    """A pair of preview entries, of a mean velocity ahead less the velocity now."""
    speed = 1.0 / (20.0 * square_root(1.0 + (x * x + y * y) / _COMING**2))
    return (cos * x + sin * y) * speed, (cos * y - sin * x) * speed


@shared
def observed_up(cos, sin, trim_cos, trim_sin):
    """Up along and across a part of the body, less that at trim, by the part's angle and trim's."""
    return 3.0 * (sin - trim_sin), 3.0 * (cos - trim_cos)


@shared
def softened(x, bound):
    """A number as it is where it is small, and never beyond `bound`."""
    return x / square_root(1.0 + (x / bound) * (x / bound))


def to_control_components(outputs: Any, trims: Any, body: MothBody, xp: Any = np) -> Any:
    """Components (N, 3), dyn and dyn cm, that a policy's outputs (N, 3) ask for: a departure from trim (3,) or (N, 3).

    The departure is at most what the body's limits leave beyond trim, which it approaches smoothly.
    """
    departure = departures(outputs[:, 0], outputs[:, 1], outputs[:, 2], *room_beyond_trim(trims, body, xp))
    return trims + xp.stack(departure, -1)


def to_all_components(outputs: Any, trims: Any, body: MothBody) -> Array:
    """Components (N, 4) that outputs (N, 4) ask for: a policy's, and wing torque on the abdominal torque's scale."""
    torque = softened(_TORQUE * outputs[:, 3:], max(body.wing_torque_limit, _LEAST))
    return np.concatenate([to_control_components(outputs[:, :3], trims, body), torque], axis=1)


def to_outputs(components: Array, trims: Array, body: MothBody) -> Array:
    """Outputs (N, 4) that ask for components (N, 4); the inverse of `to_all_components`, finite at the limits too."""
    departures = components.copy()
    departures[:, :3] -= trims
    force_room, torque_room = room_beyond_trim(trims, body, np)
    rooms = force_room, torque_room, max(body.wing_torque_limit, _LEAST)
    sizes = np.hypot(departures[:, 0], departures[:, 1]), departures[:, 2], departures[:, 3]
    force, torque, wing = (
        1 / np.sqrt(np.maximum(1 - (size / room) ** 2, _FULL)) for size, room in zip(sizes, rooms, strict=True)
    )
    scales = np.stack([force / _ALONG, force / _ACROSS, torque / _TORQUE, wing / _TORQUE], axis=1)
    return departures * scales


def room_beyond_trim(trims: Any, body: MothBody, xp: Any) -> tuple[Any, Any]:
    """How much force, dyn, and abdominal torque, dyn cm, the limits leave beyond trim."""
    force = xp.sqrt(trims[..., 0] ** 2 + trims[..., 1] ** 2)
    torque = body.abdomen_torque_limit - abs(trims[..., 2])
    return xp.maximum(body.force_limit - force, _LEAST), xp.maximum(torque, _LEAST)


@shared
def departures(along, across, torque, force_room, torque_room):
    """Departures from trim's components that outputs ask for, within so much force and abdominal torque."""
    fx, fy = _ALONG * along, _ACROSS * across
    cut = 1.0 / square_root(1.0 + (fx * fx + fy * fy) / (force_room * force_room))
    return fx * cut, fy * cut, softened(_TORQUE * torque, torque_room)
