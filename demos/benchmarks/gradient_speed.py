"""How fast a policy's flights are flown and differentiated: segments a second, forward and with their gradient."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.learning.flight_gradient import CostWeights, cost_and_gradient, fly_window
from mothsim.controllers.learning.policy_targets import draw_starts, draw_targets
from mothsim.controllers.learning.policy_training import PolicySettings, init_policy
from mothsim.controllers.policy import Policy
from mothsim.flight import fly
from mothsim.timing import best_time


def gradient_speed(moths: int = 128, segments: int = 40, repeats: int = 5, seed: int = 0) -> dict[str, Any]:
    """Segments a second of a policy of 32, 32 nodes: flown, and with the gradient through the flight.

    Args:
        moths: flown side by side.
        segments: of a window of flight.
        repeats: of every measurement, of which the fastest counts.
        seed: of targets and starts.
    """
    network, rng, body = init_policy(PolicySettings(seed=seed)), np.random.default_rng(seed), MothBody()
    parameters = tuple(zip(network.weights, network.biases, strict=True))
    positions, velocities = draw_targets(rng, moths, segments)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], 0.2)
    controller = Policy(network)

    def forward() -> None:
        fly(controller, "hover", duration=0.02 * segments, starts=starts)

    def gradient() -> None:
        window = fly_window(parameters, starts, positions, velocities, body)
        jax.block_until_ready(cost_and_gradient(parameters, window, CostWeights(np.float32(0.01)), body))

    count = moths * segments
    rates = {name: count / best_time(work, repeats) for name, work in (("forward", forward), ("gradient", gradient))}
    return {"moths": moths, "segments": segments, **{f"{name}_per_second": rate for name, rate in rates.items()}}


def report(result: dict[str, Any]) -> str:
    """One line for people."""
    return (
        f"policies: {result['forward_per_second']:,.0f} segments a second flown, "
        f"{result['gradient_per_second']:,.0f} with their gradient ({result['moths']} moths)"
    )
