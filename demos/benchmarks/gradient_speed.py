"""How fast a policy's flights are flown and differentiated: segments a second, forward and with their gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mothsim.actuation import from_components
from mothsim.body import MothBody
from mothsim.controllers.policies.flight_gradient import CostWeights, cost_and_gradient, fly_window
from mothsim.controllers.policies.flight_gradient import forward as policy_outputs
from mothsim.controllers.policies.policy_targets import draw_starts, draw_targets
from mothsim.controllers.policies.policy_training import PolicySettings, init_policy
from mothsim.controllers.policy import Policy
from mothsim.flight import fly
from mothsim.policy_interface import PREVIEW, PolicyTarget, mean_velocities, observe, to_control_components, trims_at
from mothsim.solver.jax_engine import propagate
from mothsim.solver.propagate import SEGMENT
from mothsim.timing import best_time


def gradient_speed(
    moths: int = 128, segments: int = 40, repeats: int = 5, reverse_mode: bool = True, seed: int = 0
) -> dict[str, Any]:
    """Segments a second of a policy of 32, 32 nodes: flown, and with the gradient through the flight.

    The gradient is that of training, by the numba engine's Jacobians, and for comparison that of reverse mode.

    Args:
        moths: flown side by side.
        segments: of a window of flight.
        repeats: of every measurement, of which the fastest counts.
        reverse_mode: measure that too.
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

    count, works = moths * segments, {"forward": forward, "gradient": gradient}
    if reverse_mode:
        differentiate = _reverse_mode(starts, positions, velocities, body)
        works["reverse"] = lambda: jax.block_until_ready(differentiate(parameters))
    rates = {name: count / best_time(work, repeats) for name, work in works.items()}
    return {"moths": moths, "segments": segments, **{f"{name}_per_second": rate for name, rate in rates.items()}}


def _reverse_mode(starts: Any, positions: Any, velocities: Any, body: MothBody) -> Any:
    """The gradient of the same flights' mean distance, by reverse mode through the JAX engine."""
    segments = positions.shape[1] - 1 - PREVIEW[-1]
    ahead = mean_velocities(positions, velocities[:, :segments], SEGMENT)
    postures, trims = trims_at(np.full(len(starts), np.pi / 2), body)
    shown = (positions[:, :segments], velocities[:, :segments], ahead, positions[:, 1 : segments + 1])
    motion = tuple(jnp.asarray(np.moveaxis(each, 1, 0), jnp.float32) for each in shown)

    def segment(parameters: Any, states: Any, inputs: Any) -> Any:
        position, velocity, coming, goal = inputs
        target = PolicyTarget(position, velocity, coming, postures, trims)
        outputs = policy_outputs(parameters, observe(states, target, jnp))
        components = to_control_components(outputs, trims, body, jnp)
        states = propagate(states, from_components(jnp.pad(components, ((0, 0), (0, 1))), jnp), body, steps=2)
        return states, jnp.sqrt(((states[:, :2] - goal) ** 2).sum(axis=1) + 1e-4).mean()

    def cost(parameters: Any) -> Any:
        _, costs = jax.lax.scan(partial(segment, parameters), jnp.asarray(starts, jnp.float32), motion)
        return costs.mean()

    return jax.jit(jax.grad(cost))


def report(result: dict[str, Any]) -> str:
    """One line for people."""
    reverse = result.get("reverse_per_second")
    return (
        f"policies: {result['forward_per_second']:,.0f} segments a second flown, "
        f"{result['gradient_per_second']:,.0f} with their gradient"
        + (f", {reverse:,.0f} by reverse mode through the JAX engine" if reverse else "")
        + f" ({result['moths']} moths)"
    )
