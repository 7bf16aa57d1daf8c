"""Random shooting over several segments: the cheapest of the plans that were tried."""

from __future__ import annotations

from mothsim.controllers.mpc.base import Array, Sampling, cheapest
from mothsim.controllers.mpc.costs import Cost


class RandomShooting(Sampling):
    """Keeps the cheapest plan, and in the next round looks around it more closely; arguments as for `Sampling`."""

    def __init__(
        self,
        cost: str | Cost = "tracking",
        *,
        samples: int = 128,
        horizon: int = 4,
        rounds: int = 4,
        spread: float = 3.0,
        decay: float = 0.3,
    ) -> None:
        super().__init__(cost, samples=samples, horizon=horizon, rounds=rounds, spread=spread, decay=decay)

    def weigh(self, plans: Array, costs: Array) -> Array:
        """The cheapest of plans (N, K, H, m), (N, H, m)."""
        return cheapest(plans, costs)
