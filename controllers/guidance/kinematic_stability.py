"""Gains of kinematic waypoints that are stable with a network, from its Jacobian at trim, without a flight.

The network's slopes, the linearised segment and the waypoint's law make a linear map of the state and of the integral
from one decision to the next. A share is too large where that map's spectral radius is one or more.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import to_components
from mothsim.body import MothBody
from mothsim.controllers.guidance.kinematic import KinematicGains
from mothsim.controllers.guidance.stability import ClosedLoopStability, linear_segment, network_slopes
from mothsim.controllers.networks.network import CONTROLS, Network
from mothsim.solver.propagate import SEGMENT

Array = NDArray[np.floating]

ANGLE_SHARES = (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.14, 0.16, 0.2)
POSITION_SHARES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)
_GAIN_MARGIN = 1.25  # times its share, the loop still settles
_FAR = 1 / 3  # of a position error is left of one of 2.8 cm, see `kinematic.ERROR_BOUND`


def kinematic_stability(
    network: Network, gains: KinematicGains, *, body: MothBody | None = None, angle: float = np.pi / 2
) -> ClosedLoopStability:
    """Spectral radius of a segment flown on kinematic waypoints, and offset of the hover without integral action.

    Args:
        network: the inverse model.
        gains: of the waypoints.
        body: by default Zahn et al.'s.
        angle: body angle of the hover, rad.

    Raises:
        ValueError: the body has no trim at that angle.
    """
    body = body or MothBody()
    trim, linear = linear_segment(body, angle)
    b, control = linear.b[:, :CONTROLS], network_slopes(network, trim.state)[2]
    loop, by_integral = _loop(network, gains, body, angle)
    bias = b @ (control - to_components(trim.control)[:CONTROLS])
    rest = np.linalg.lstsq(np.eye(8) - loop, bias, rcond=None)[0]
    gain, shift = gains.integral * SEGMENT, np.eye(8)[:, :2]
    # The integral takes the error in before it shifts the target.
    closed = np.block([[loop - gain * by_integral @ shift.T, by_integral], [-gain * shift.T, np.eye(2)]])
    return ClosedLoopStability(_radius(closed if gain else loop), float(np.hypot(rest[0], rest[1])))


def select_kinematic_gains(network: Network, body: MothBody | None = None, angle: float = np.pi / 2) -> KinematicGains:
    """The gains that a network's slopes allow, found in milliseconds, without a flight.

    Angles are pulled by the share with which the loop settles soonest far from the target, where the position error
    is bounded and angles matter most. The share of the position is the largest that leaves a gain margin of 1.25.

    Args:
        network: the inverse model; one that settles with none of the shares gets those that come nearest to it.
        body: by default Zahn et al.'s.
        angle: body angle of the hover, rad.

    Raises:
        ValueError: the body has no trim at that angle.
    """
    body = body or MothBody()

    def radius(gains: KinematicGains, left: float = 1.0) -> float:
        return _radius(_loop(network, gains, body, angle, left)[0])

    usual = KinematicGains()
    # The joint's giving way would hide how angles settle.
    pull = min(ANGLE_SHARES, key=lambda share: radius(replace(usual, angle=share, swing=0.0), _FAR))
    for position in reversed(POSITION_SHARES):
        if radius(replace(usual, angle=pull, position=_GAIN_MARGIN * position)) < 1:
            return replace(usual, angle=pull, position=position)
    every = [replace(usual, angle=share, position=position) for share in ANGLE_SHARES for position in POSITION_SHARES]
    return min(every, key=radius)


def _loop(
    network: Network, gains: KinematicGains, body: MothBody, angle: float, left: float = 1.0
) -> tuple[Array, Array]:
    """A segment's map of the state (8, 8) and of the integral (8, 2), with so much `left` of the position error."""
    trim, linear = linear_segment(body, angle)
    a, b = linear.a, linear.b[:, :CONTROLS]
    by_state, by_pose, _ = network_slopes(network, trim.state)
    one, position = np.eye(8), gains.position
    point = (1 - left * position) * one[:2] + (1 - position) * SEGMENT * one[4:6]
    point[0] -= gains.swing * one[6:8].mean(axis=0)
    angles = (1 - gains.angle) * (one[2:4] + SEGMENT * one[6:8])
    loop = a + b @ (by_state + by_pose @ np.concatenate([point, angles]))
    return loop, position * left * b @ by_pose[:, :2]


def _radius(matrix: Array) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())
