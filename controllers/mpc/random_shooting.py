"""Random shooting over several segments: the cheapest of the plans that were tried."""

from __future__ import annotations

from mothsim.controllers.mpc.base import Array, SamplingMPC, cheapest
from mothsim.controllers.mpc.costs import Cost


class RandomShooting(SamplingMPC):
    """Keeps the cheapest plan, and in the next round looks around it more closely; arguments as for `SamplingMPC`."""

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
        """The cheapest of plans (N, K, H, m), (N, H, m)."""
        return cheapest(plans, costs)
