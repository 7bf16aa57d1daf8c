"""LQR: the control of the guidance without a network."""

from __future__ import annotations

from mothsim.controllers.guidance.lq_tracking import Guidance
from mothsim.controllers.guidance.lqr_weights import LQRWeights
from mothsim.flight import Array, Task
from mothsim.solver.propagate import SEGMENT


class LQR:
    """Linear-quadratic tracking of a planned flight, with integral action.

    See `mothsim.controllers.guidance.lq_tracking`.
    """

    period = SEGMENT

    def __init__(self, weights: LQRWeights | None = None) -> None:
        self.guidance = Guidance(weights)

    def reset(self, task: Task) -> None:
        """Plan the flight for this body and target."""
        self.guidance.reset(task)

    def control(self, states: Array, time: float) -> Array:
        """Return controls (N, 4) for states (N, 8)."""
        return self.guidance.control(states, time)
