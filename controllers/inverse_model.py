"""Closed-loop flight of an inverse-model network: a waypoint goes in, a control comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from mothsim.actuation import from_components
from mothsim.angles import turns_off, unwrapped
from mothsim.body import MothBody, make_body
from mothsim.controllers.guidance.kinematic import KinematicGains, KinematicGuidance
from mothsim.controllers.guidance.kinematic_stability import kinematic_stability, select_kinematic_gains
from mothsim.controllers.guidance.lq_tracking import Guidance
from mothsim.controllers.guidance.lqr_weights import LQRWeights
from mothsim.controllers.guidance.stability import ClosedLoopStability, closed_loop_stability, select_lqr_weights
from mothsim.controllers.networks.network import CONTROLS, Network
from mothsim.controllers.networks.network_inputs import network_inputs
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import network_of_kind
from mothsim.flight import Array, Task
from mothsim.solver.propagate import SEGMENT

Waypoint = Literal["reachable", "raw", "kinematic"]
WAYPOINT = "waypoint"
"""Where a network's `info` has the waypoint that it was trained to fly on, see `own_waypoint`."""
GAINS = "kinematic_gains"
"""Where it has the gains that were learnt with it, in the order of `KinematicGains`."""

FULL_GAINS = KinematicGains(position=0.5, angle=0.5, swing=0.0, integral=2.0)
"""Gains of kinematic waypoints for a fully actuated moth: four controls reach any pose, angles too."""


def own_waypoint(network: Network) -> str:
    """Return the waypoint that a network flies on by default."""
    return network.info.get(WAYPOINT, "kinematic" if network.fully_actuated else "reachable")


class InverseModel:
    """An inverse-model network in closed loop, which Zahn et al. 2022 left as future work.

    Args:
        network: a `Network`, or a name or file of one, see `mothsim.controllers.networks.storage.find_network`.
        weights: of the guidance; by default those that the network's Jacobian at trim allows, see
            `mothsim.controllers.guidance.stability.select_lqr_weights`.
        waypoint: `kinematic`, from positions and velocities alone, so that the network flies alone, see
            `mothsim.controllers.guidance.kinematic`; `reachable`, the pose that the guidance's own control reaches in
            simulation; or `raw`, the target's own pose at the segment's end, with which most networks are lost within
            two seconds. By default the network's own, of a fully actuated moth's network `kinematic`.
        gains: of kinematic waypoints; by default those learnt with the network, `FULL_GAINS` for a fully actuated
            moth's, or those that its slopes allow, see `mothsim.controllers.guidance.kinematic_stability`.

    Raises:
        ValueError: an unknown network or waypoint, or an option that the waypoint has no use for.
    """

    period = SEGMENT

    def __init__(
        self,
        network: str | Path | Network = "inverse-93",
        weights: LQRWeights | None = None,
        waypoint: Waypoint | None = None,
        gains: KinematicGains | None = None,
    ) -> None:
        self.network = network_of_kind(network, "inverse-model")
        self.default_body = make_body(self.network.info.get("body", "zahn2022"))
        self.waypoint = waypoint or own_waypoint(self.network)
        if self.waypoint not in get_args(Waypoint):
            raise ValueError(f"waypoint = {self.waypoint!r}: expected one of {', '.join(get_args(Waypoint))}")
        unused = ("weights", weights) if self.waypoint == "kinematic" else ("gains", gains)
        if unused[1] is not None:
            raise ValueError(f"{unused[0]} = {unused[1]!r}: waypoint {self.waypoint!r} has none; expected None")
        self._select_weights = weights is None
        self.guidance: Any = self._kinematic(gains) if self.waypoint == "kinematic" else Guidance(weights)
        self._evaluate = CompiledNetwork(self.network)
        for moths in (1, 100):  # so that no flight waits for the compiler
            self._evaluate(np.zeros((moths, 10)))

    def _kinematic(self, gains: KinematicGains | None) -> KinematicGuidance:
        learnt = self.network.info.get(GAINS)
        if gains is None and self.network.fully_actuated:
            gains = FULL_GAINS
        if gains is None:
            gains = KinematicGains(*learnt) if learnt else select_kinematic_gains(self.network, self.default_body)
        return KinematicGuidance(gains)

    def reset(self, task: Task) -> None:
        """Prepare the guidance for this body and target."""
        if self.waypoint != "kinematic" and self._select_weights:
            angle = float(task.trajectory.angle(0.0))
            self.guidance = Guidance(select_lqr_weights(self.network, task.body, angle))
        self.guidance.reset(task)

    def stability(self, angle: float = np.pi / 2, body: MothBody | None = None) -> ClosedLoopStability:
        """What the linearised segment, flown on these waypoints, says of the hover at a body angle.

        Args:
            angle: body angle, rad.
            body: that flies; by default the one that the network is for.

        Raises:
            ValueError: the network gives a wing torque, which the linearised segment does not have, or the body has no
                trim at that angle.
        """
        body = body or self.default_body
        if self.network.fully_actuated:
            raise ValueError("stability: expected a network of three controls, not of a fully actuated moth")
        if self.waypoint == "kinematic":
            return kinematic_stability(self.network, self.guidance.gains, body=body, angle=angle)
        return closed_loop_stability(self.network, self.guidance, body=body, angle=angle)

    def control(self, states: Array, time: float) -> Array:
        """Return controls (N, 4) for states (N, 8); the wing torque is 0 unless the network was trained with it."""
        if self.waypoint == "kinematic":
            states = unwrapped(states)  # whoever came here by a turn more or less is flown the same
        components = np.zeros((len(states), 4))
        controls = CONTROLS + self.network.fully_actuated
        components[:, :controls] = self._evaluate(network_inputs(states, self._poses(states, time)))[:, :controls]
        return from_components(components)

    def _poses(self, states: Array, time: float) -> Array:
        """Return waypoints (N, 4)."""
        if self.waypoint == "kinematic":
            return self.guidance.waypoint(states, time)
        controls = self.guidance.control(states, time)
        if self.waypoint == "reachable":
            return self.guidance.waypoint(states, controls)
        poses = np.tile(self.guidance.target(time + self.period), (len(states), 1))
        poses[:, 2:4] += turns_off(states, poses)[:, None]
        return poses
