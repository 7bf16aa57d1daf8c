"""Closed-loop flight of an inverse-model network, from the waypoints of the guidance."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from mothsim.actuation import from_components
from mothsim.angles import turns_off
from mothsim.controllers.guidance.lq_tracking import Guidance
from mothsim.controllers.guidance.lqr_weights import LQRWeights
from mothsim.controllers.guidance.stability import select_lqr_weights
from mothsim.controllers.networks.network import CONTROLS, Network
from mothsim.controllers.networks.network_inputs import network_inputs
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import find_network
from mothsim.flight import Array, Task
from mothsim.solver.propagate import SEGMENT


class InverseModel:
    """An inverse-model network in closed loop (Zahn et al. 2022 left this as future work).

    Args:
        network: a `Network`, or a name or file of one, see `mothsim.controllers.networks.storage.find_network`.
        weights: of the guidance; by default those that the network's Jacobian at trim allows, see
            `mothsim.controllers.guidance.stability.select_lqr_weights`.
        waypoint: `reachable`, the pose that the guidance's own control reaches in simulation; or `raw`, the target's
            own pose at the segment's end, with which every network is lost within two seconds.
    """

    period = SEGMENT

    def __init__(
        self,
        network: str | Path | Network = "sparse-98",
        weights: LQRWeights | None = None,
        waypoint: Literal["reachable", "raw"] = "reachable",
    ) -> None:
        if waypoint not in ("reachable", "raw"):
            raise ValueError(f"waypoint = {waypoint!r}: expected 'reachable' or 'raw'")
        self.network = network if isinstance(network, Network) else find_network(network)
        if self.network.kind != "inverse-model":
            raise ValueError(f"network is of the kind {self.network.kind!r}: expected 'inverse-model'")
        self.guidance = Guidance(weights)
        self._select_weights = weights is None
        self.waypoint = waypoint
        self._evaluate = CompiledNetwork(self.network)
        for moths in (1, 100):  # so that no flight waits for the compiler
            self._evaluate(np.zeros((moths, 10)))

    def reset(self, task: Task) -> None:
        """Prepare the guidance for this body and target."""
        if self._select_weights:
            angle = float(task.trajectory.angle(0.0))
            self.guidance = Guidance(select_lqr_weights(self.network, task.body, angle))
        self.guidance.reset(task)

    def control(self, states: Array, time: float) -> Array:
        """Return controls (N, 4) for states (N, 8); the wing torque is 0, as in the network's training."""
        controls = self.guidance.control(states, time)
        if self.waypoint == "reachable":
            poses = self.guidance.waypoint(states, controls)
        else:
            poses = np.tile(self.guidance.target(time + self.period), (len(states), 1))
            poses[:, 2:4] += turns_off(states, poses)[:, None]
        components = np.zeros((len(states), 4))
        components[:, :CONTROLS] = self._evaluate(network_inputs(states, poses))[:, :CONTROLS]
        return from_components(components)
