"""MPPI: model predictive path integral control (Williams et al. 2017, J Guid Control Dyn 40:344)."""

from __future__ import annotations

import numpy as np

from mothsim.controllers.mpc.base import Array, SamplingMPC, check_positive
from mothsim.controllers.mpc.costs import Cost


class MPPI(SamplingMPC):
    """Model predictive path integral control: sampled plans, averaged by `exp(-(cost - least) / temperature)`.

    Args:
        temperature: relative to the median plan's cost above the least, so that one value serves transients and hover.
        cost, num_samples, horizon, iterations, noise_std, noise_decay: see `SamplingMPC`.
    """

    def __init__(
        self,
        cost: str | Cost = "close-tracking",
        *,
        num_samples: int = 128,
        horizon: int = 4,
        iterations: int = 4,
        noise_std: float = 3.0,
        noise_decay: float = 0.2,
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
        check_positive("temperature", temperature)
        self.temperature = temperature

    def update_plan(self, plans: Array, costs: Array) -> Array:
        """Return the weighted mean (N, H, m) of plans (N, K, H, m) with costs (N, K)."""
        ordered, finite = np.sort(costs, axis=1), np.isfinite(costs).sum(axis=1)
        with np.errstate(invalid="ignore"):  # where all failed
            middle = ordered[np.arange(len(costs)), finite // 2] - ordered[:, 0]
            scale = self.temperature * np.maximum(middle, 1e-300)
            weights = np.exp(-(costs - ordered[:, :1]) / scale[:, None])
        weights /= weights.sum(axis=1, keepdims=True)
        return (weights[:, :, None, None] * plans).sum(axis=1)
