"""What a learner observes and what its actions mean, by version of the environments.

The environments fly by these, and so does a policy that `mothsim.fly` flies.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mothsim import policy_interface
from mothsim.actuation import from_actions, from_components, to_actions, to_components
from mothsim.body import MothBody
from mothsim.observation import ENTRIES, ObservationBuilder
from mothsim.trajectories import Trajectory

Array = NDArray[np.floating]
Steps = NDArray[np.int64]
Version = Literal[0, 1]


class Interface(Protocol):
    """Observations and actions of moths along a trajectory, decision by decision.

    Attributes:
        bounds: (n,) largest magnitudes of the n numbers of an observation.
    """

    bounds: NDArray[np.float32]

    def observe(self, states: Array, steps: Steps) -> NDArray[np.float32]:
        """Observations (N, n) of states (N, 8) at decisions (N,)."""
        ...

    def controls(self, actions: Array, steps: Steps) -> Array:
        """Controls (N, 4) of actions (N, 4) in [-1, 1] at decisions (N,)."""
        ...

    def actions(self, controls: Array, steps: Steps) -> Array:
        """Actions (N, 4) of controls (N, 4) at decisions (N,), beyond +-1 where no action reaches them."""
        ...


class WorldInterface:
    """Version 0: the moth in the world's frame, see `mothsim.observation`, and actions on a hyperbolic sine's scale."""

    bounds = np.array([entry.bound for entry in ENTRIES], dtype=np.float32)

    def __init__(self, builder: ObservationBuilder, body: MothBody) -> None:
        self.observe, self._body = builder.observe, body

    def controls(self, actions: Array, steps: Steps) -> Array:
        """Controls (N, 4), see `mothsim.actuation.from_actions`."""
        return from_actions(actions, self._body)

    def actions(self, controls: Array, steps: Steps) -> Array:
        """Actions (N, 4), see `mothsim.actuation.to_actions`."""
        return to_actions(controls, self._body)


class BodyInterface:
    """Version 1: what policies observe and answer, see `mothsim.policy_interface`; an action is a share of a range.

    Args:
        trajectory, body, period, decisions: of the flight.
        action_range: what an action of one stands for, in a policy's outputs.
    """

    bounds = np.array([entry.bound for entry in policy_interface.ENTRIES], dtype=np.float32)

    def __init__(
        self, trajectory: Trajectory, body: MothBody, period: float, decisions: int, action_range: float
    ) -> None:
        self._target = policy_interface.preview(trajectory, body, period, decisions)
        self._body, self._range = body, action_range

    def observe(self, states: Array, steps: Steps) -> NDArray[np.float32]:
        """Observations (N, 29), cut to their bounds."""
        seen = policy_interface.observe(states, self._target.at(steps)).astype(np.float32)
        return np.clip(seen, -self.bounds, self.bounds)

    def controls(self, actions: Array, steps: Steps) -> Array:
        """Controls (N, 4): departures from trim on an even scale, which approach the body's limits smoothly."""
        components = policy_interface.to_all_components(self._range * actions, self._target.trims[steps], self._body)
        return from_components(components)

    def actions(self, controls: Array, steps: Steps) -> Array:
        """Actions (N, 4), the inverse of `controls`."""
        trims = self._target.trims[steps]
        return policy_interface.to_outputs(to_components(controls), trims, self._body) / self._range


def make_interface(
    version: Version, trajectory: Trajectory, body: MothBody, period: float, decisions: int, action_range: float = 1.0
) -> Interface:
    """The interface of a version of the environments, for a flight of so many decisions.

    Raises:
        ValueError: an unknown version, or in version 1 a target at whose body angle there is no trim.
    """
    if version == 0:
        return WorldInterface(ObservationBuilder(trajectory, period, decisions), body)
    if version == 1:
        return BodyInterface(trajectory, body, period, decisions + 1, action_range)
    raise ValueError(f"version = {version!r}: expected 0 or 1")
