"""Flies a network: the guidance's waypoint goes in, a control comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from controllers.guidance import Guidance
from controllers.learning.kernel import CompiledNetwork
from controllers.learning.near_trim import whole_turns
from controllers.learning.network import CONTROLS, Network
from controllers.learning.storage import find_network
from controllers.weights import Weights
from mothsim.actuation import from_components
from mothsim.flight import Array, Task
from mothsim.integrator import SEGMENT


class InverseModel:
    """An inverse-model network in closed loop (Zahn et al. 2022 left this as future work).

    Args:
        network: the name of a shipped network, a `.safetensors` file, or a `Network`.
        weights: of the guidance.
        waypoint: `reachable`, the pose that the guidance's own control would reach; or `raw`, the target's own
            pose at the segment's end, which loses every network within two seconds.
    """

    period = SEGMENT

    def __init__(
        self,
        network: str | Path | Network = "sparse-98",
        weights: Weights | None = None,
        waypoint: Literal["reachable", "raw"] = "reachable",
    ) -> None:
        if waypoint not in ("reachable", "raw"):
            raise ValueError(f"waypoint = {waypoint!r}: expected 'reachable' or 'raw'")
        self.network = network if isinstance(network, Network) else find_network(network)
        self.guidance = Guidance(weights)
        self.waypoint = waypoint
        self._evaluate = CompiledNetwork(self.network)
        self._evaluate(np.zeros((1, 10)))  # so that no flight waits for the compiler

    def reset(self, task: Task) -> None:
        """Prepare the guidance for this body and target."""
        self.guidance.reset(task)

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8); the wing torque is 0, as in the network's training."""
        controls = self.guidance.control(states, time)
        if self.waypoint == "reachable":
            poses = self.guidance.waypoint(states, controls)
        else:
            poses = np.tile(self.guidance.target(time + self.period), (len(states), 1))
        components = np.zeros((len(states), 4))
        components[:, :CONTROLS] = self._evaluate(network_inputs(states, poses))[:, :CONTROLS]
        return from_components(components)


def network_inputs(states: Array, poses: Array) -> Array:
    """A network's inputs (N, 10) for states (N, 8) and poses to reach (N, 4), `[x, y, theta, phi]`.

    Positions are relative to the start; both angles, and the pose with them, are moved by `whole_turns`.
    """
    turns = whole_turns(states)
    x, y, theta, phi, xdot, ydot, thetadot, phidot = states.T
    return np.stack(
        [
            phi - turns,
            theta - turns,
            poses[:, 0] - x,
            poses[:, 1] - y,
            poses[:, 3] - turns,
            poses[:, 2] - turns,
            xdot,
            ydot,
            phidot,
            thetadot,
        ],
        axis=1,
    )
