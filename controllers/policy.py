"""A policy: a network that flies alone, from what the moth senses and where its target goes to force and torque."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mothsim.actuation import from_components
from mothsim.controllers.compiled_policy import decide, target_rows
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import network_of_kind
from mothsim.flight import Array, Task, decisions
from mothsim.policy_interface import PolicyTarget, preview, to_control_components
from mothsim.policy_memory import PolicyMemory, first_memory, recall, remember
from mothsim.solver.propagate import SEGMENT

_UPRIGHT = np.pi / 2  # rad
_TOLERANCE = 1e-6


class Policy:
    """A policy network in closed loop: from an observation to a control, without engine, linearisation or plan.

    A network with the inputs of `mothsim.policy_memory` remembers, for each moth, from `reset` on.

    Args:
        network: the name of a shipped policy, a `.safetensors` file, or a `Network` of the kind `policy`.

    Raises:
        ValueError: the network is not a policy.
    """

    period = SEGMENT

    def __init__(self, network: str | Path | Network = "alone") -> None:
        self.network = network_of_kind(network, "policy")
        self._tilt = self.network.info.get("training", {}).get("tilt", 0.0)
        self._evaluate, self._remembers = CompiledNetwork(self.network), self.network.has_memory
        self._observes_up = self.network.observes_up
        for moths in (1, 100):  # so that no flight waits for the compiler
            self._evaluate(np.zeros((moths, self.network.sizes[0])))

    def reset(self, task: Task) -> None:
        """Look up the target of every decision.

        Raises:
            ValueError: the target has body angles that the policy is not trained at.
        """
        self._body = task.body
        self._memory: PolicyMemory | None = None
        self._target = preview(task.trajectory, task.body, SEGMENT, decisions(task.duration, SEGMENT))
        turned = self._target.postures[:, 0] - _UPRIGHT
        off = np.abs(np.arctan2(np.sin(turned), np.cos(turned))).max()
        if off > self._tilt + _TOLERANCE:
            raise ValueError(
                f"trajectory {task.trajectory.name!r} has body angles up to {off:.3g} rad off upright: expected at "
                f"most {self._tilt:.3g} rad, up to which the policy is trained"
            )

        self._rows = target_rows(self._target, task.body)

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8); the wing torque is 0."""
        step = round(time / SEGMENT)
        if not self._remembers:
            controls = np.empty((len(states), 4))
            shown = np.ascontiguousarray(states, np.float64), self._rows[step]
            decide(*shown, self._evaluate.packed, self._observes_up, controls)
            return controls
        target = self._target.at(step)
        components = np.zeros((len(states), 4))
        outputs = self._evaluate(self._observe(states, target))
        components[:, :3] = to_control_components(outputs, target.trims, self._body)
        if self._memory is not None:
            self._memory = remember(self._memory, components[:, :3], target.trims)
        return from_components(components)

    def _observe(self, states: Array, target: PolicyTarget) -> Array:
        """What the network with memory is shown of states (N, 8) and of what each moth remembers."""
        memory = first_memory(states, target) if self._memory is None else self._memory
        seen, self._memory = recall(states, target, memory, SEGMENT)
        return seen
