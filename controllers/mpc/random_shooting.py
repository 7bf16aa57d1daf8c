"""Random shooting over several segments: the sampled plan of least cost is flown."""

from __future__ import annotations

from mothsim.controllers.mpc.base import Array, SamplingMPC, cheapest
from mothsim.controllers.mpc.costs import Cost


class RandomShooting(SamplingMPC):
    """Random shooting: the plan of least cost is kept, and sampled about with less noise; see `SamplingMPC`."""

    def __init__(
        self,
        cost: str | Cost = "tracking",
        *,
        num_samples: int = 128,
        horizon: int = 4,
        iterations: int = 4,
        noise_std: float = 3.0,
        noise_decay: float = 0.3,
    ) -> None:
        super().__init__(
            cost,
            num_samples=num_samples,
            horizon=horizon,
            iterations=iterations,
            noise_std=noise_std,
            noise_decay=noise_decay,
        )

    def update_plan(self, plans: Array, costs: Array) -> Array:
        """Return the plans (N, H, m) of least cost among (N, K, H, m)."""
        return cheapest(plans, costs)
