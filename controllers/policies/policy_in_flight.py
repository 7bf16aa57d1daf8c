"""A policy with memory, as the disturbed flights that it learns from ask it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.policies.disturbed_flights import Shown
from mothsim.controllers.policies.flight_windows import Parameters, forward
from mothsim.policy_interface import PREVIEW, PolicyTarget, to_control_components, trims_at
from mothsim.policy_memory import PolicyMemory, first_memory, recall, remember
from mothsim.solver.propagate import SEGMENT

Array = NDArray[np.floating]


class PolicyInFlight:
    """A policy as it is trained by now; see `mothsim.controllers.policies.disturbed_flights.InTraining`.

    Args:
        parameters: of the policy.
        body: the nominal one.
    """

    def __init__(self, parameters: Parameters, body: MothBody) -> None:
        self._parameters = tuple((np.asarray(w, np.float64), np.asarray(b, np.float64)) for w, b in parameters)
        self._body = body

    def first_memory(self, states: Array, positions: Array, velocities: Array) -> PolicyMemory:
        """What it remembers where flights begin."""
        ahead = np.zeros((len(positions), len(PREVIEW), 2))
        return first_memory(states, upright(positions, velocities, ahead, self._body))

    def decide(self, sensed: Array, memory: PolicyMemory, shown: Shown) -> tuple[Array, Array, PolicyMemory]:
        """Components (B, 3), what was observed (B, 62), and what is remembered after."""
        target = upright(shown.position, shown.velocity, shown.ahead, self._body)
        seen, memory = recall(sensed, target, memory, SEGMENT)
        components = to_control_components(forward(self._parameters, seen, np), target.trims, self._body)
        return components, seen, remember(memory, components, target.trims)

    def for_gradient(self, memory: PolicyMemory) -> PolicyMemory:
        """What it remembers without its record of the response, of which the gradient takes the estimates."""
        return memory._replace(response=())


def upright(positions: Any, velocities: Any, ahead: Any, body: MothBody) -> PolicyTarget:
    """Targets of one decision, (B, 2) each and (B, K, 2), at which the moths are to hold themselves upright."""
    postures, trims = trims_at(np.full(len(positions), math.pi / 2), body)
    return PolicyTarget(positions, velocities, ahead, postures, trims)
