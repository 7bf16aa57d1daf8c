"""The cross-entropy method (Rubinstein 1999, Methodol Comput Appl Probab 1:127)."""

from __future__ import annotations

import numpy as np

from mothsim.checks import as_count
from mothsim.controllers.mpc.base import Array, SamplingMPC
from mothsim.controllers.mpc.costs import Cost


class CEM(SamplingMPC):
    """Cross-entropy method: plans are sampled about the mean of the best, with their standard deviation.

    Args:
        elites: number of plans of least cost that give mean and deviation.
        cost, num_samples, horizon, iterations: see `SamplingMPC`.
        noise_std: standard deviation in the first iteration of a decision.

    Raises:
        ValueError: see `SamplingMPC`; or `elites` is not from 2 to `num_samples`.
    """

    def __init__(
        self,
        cost: str | Cost = "tracking",
        *,
        num_samples: int = 128,
        horizon: int = 4,
        iterations: int = 4,
        noise_std: float = 0.3,
        elites: int = 6,
    ) -> None:
        super().__init__(
            cost, num_samples=num_samples, horizon=horizon, iterations=iterations, noise_std=noise_std, noise_decay=1.0
        )
        as_count("elites", elites, 2)
        if elites > num_samples:
            raise ValueError(f"elites = {elites!r}: expected 2 to the number of samples, {num_samples}")
        self.elites = elites

    def sample(self, number: int) -> Array:
        """Sample plans (N, K, H, m) about the mean, in a decision's first iteration with `noise_std`."""
        if number == 0:
            self.deviation = np.full(self.plan.shape, self.noise_std)
        return self.plan[:, None] + self.deviation[:, None] * self.noise()

    def update_plan(self, plans: Array, costs: Array) -> Array:
        """Return the mean (N, H, m) of the elite plans, and keep their deviation for the next iteration."""
        order = np.argsort(costs, axis=1, kind="stable")[:, : self.elites]
        best = np.take_along_axis(plans, order[:, :, None, None], axis=1)
        sound = np.isfinite(np.take_along_axis(costs, order, axis=1))[:, :, None, None]
        count = np.maximum(sound.sum(axis=1), 1)
        mean = np.where(sound, best, 0.0).sum(axis=1) / count
        self.deviation = np.sqrt((np.where(sound, best - mean[:, None], 0.0) ** 2).sum(axis=1) / count)
        return mean
