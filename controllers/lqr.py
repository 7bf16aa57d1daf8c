"""LQR: the guidance's own control, flown as it is."""

from __future__ import annotations

from controllers.guidance import Guidance, Weights
from mothsim.flight import Array, Task
from mothsim.integrator import SEGMENT


class LQR:
    """Linear-quadratic tracking about trim, with preview and integral action (see `controllers.guidance`)."""

    period = SEGMENT

    def __init__(self, weights: Weights | None = None) -> None:
        self.guidance = Guidance(weights)

    def reset(self, task: Task) -> None:
        """Compute the gains for this body and target."""
        self.guidance.reset(task)

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8)."""
        return self.guidance.control(states, time)
