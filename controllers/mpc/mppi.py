"""MPPI: model predictive path integral control (Williams et al. 2017, J Guid Control Dyn 40:344)."""

from __future__ import annotations

import numpy as np

from mothsim.controllers.mpc.base import Array, SamplingMPC
from mothsim.controllers.mpc.costs import Cost


class MPPI(SamplingMPC):
    """Averages the sampled plans, each weighed by `exp(-(cost - least) / temperature)`.

    Args:
        temperature: as a share of the median plan's excess cost, so that it suits transients and hovering alike.
        cost, num_samples, horizon, iterations, noise_std, noise_decay: see `SamplingMPC`.
    """

    def __init__(
        self,
        cost: str | Cost = "tracking",
        *,
        num_samples: int = 128,
        horizon: int = 4,
        iterations: int = 4,
        noise_std: float = 1.0,
        noise_decay: float = 0.3,
        temperature: float = 0.01,
    ) -> None:
        super().__init__(
            cost,
            num_samples=num_samples,
            horizon=horizon,
            iterations=iterations,
            noise_std=noise_std,
            noise_decay=noise_decay,
        )
        if not (np.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature = {temperature!r}: expected a number above zero")
        self.temperature = temperature

    def update_plan(self, plans: Array, costs: Array) -> Array:
        """The weighted mean (N, H, m) of plans (N, K, H, m)."""
        ordered, finite = np.sort(costs, axis=1), np.isfinite(costs).sum(axis=1)
        with np.errstate(invalid="ignore"):  # where all failed
            middle = ordered[np.arange(len(costs)), finite // 2] - ordered[:, 0]
            scale = self.temperature * np.maximum(middle, 1e-300)
            weights = np.exp(-(costs - ordered[:, :1]) / scale[:, None])
        weights /= weights.sum(axis=1, keepdims=True)
        return (weights[:, :, None, None] * plans).sum(axis=1)
