"""How fast a policy's flights are flown and differentiated: segments a second, forward and with their gradient."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mothsim.actuation import from_components
from mothsim.body import MothBody
from mothsim.controllers.policies.flight_gradient import cost_and_gradient
from mothsim.controllers.policies.flight_windows import fastest_engine, fly_window
from mothsim.controllers.policies.flight_windows import forward as policy_outputs
from mothsim.controllers.policies.policy_targets import draw_starts, draw_targets
from mothsim.controllers.policies.policy_training import PolicySettings, init_policy
from mothsim.controllers.policies.segment_costs import CostWeights
from mothsim.controllers.policy import Policy
from mothsim.flight import fly
from mothsim.policy_interface import PREVIEW, PolicyTarget, mean_velocities, observe, to_control_components, trims_at
from mothsim.solver.jax_engine import propagate
from mothsim.solver.propagate import SEGMENT
from mothsim.timing import best_time

MOTHS = (256, 2048, 16_384, 131_072)
"""Numbers of moths that are flown side by side on an accelerator."""


def gradient_speeds(
    repeats: int = 5, reverse_mode: bool = True, seed: int = 0, moths: Sequence[int] = MOTHS
) -> list[dict[str, Any]]:
    """Those of the numba engine, and where JAX finds an accelerator those of its engine there, by number of moths.

    Args:
        repeats: of every measurement, see `gradient_speed`.
        reverse_mode: measure that too.
        seed: of targets and starts.
        moths: numbers of them on an accelerator.
    """
    measured = [gradient_speed(repeats=repeats, reverse_mode=reverse_mode, seed=seed)]
    if fastest_engine() == "jax":
        measured += [gradient_speed(count, 40, repeats, reverse_mode, seed, "jax") for count in moths]
    return measured


def gradient_speed(
    moths: int = 128, segments: int = 40, repeats: int = 5, reverse_mode: bool = True, seed: int = 0,
    engine: str = "numba",
) -> dict[str, Any]:  # fmt: skip
    """Segments a second of a policy of 32, 32 nodes: flown, and with the gradient through the flight.

    The gradient is that of training, by an engine's Jacobians, and for comparison that of reverse mode.

    Args:
        moths: flown side by side.
        segments: of a window of flight.
        repeats: of every measurement, of which the fastest counts.
        reverse_mode: measure that too.
        seed: of targets and starts.
        engine: `numba`, or `jax` on JAX's device.
    """
    network, rng, body = init_policy(PolicySettings(seed=seed)), np.random.default_rng(seed), MothBody()
    parameters = network.layers
    positions, velocities = draw_targets(rng, moths, segments, jnp if engine == "jax" else np)
    starts = draw_starts(rng, np.asarray(positions[:, 0]), np.asarray(velocities[:, 0]), 0.2)
    controller = Policy(network)

    def forward() -> None:
        fly(controller, "hover", duration=0.02 * segments, starts=starts)

    def gradient() -> None:
        window = fly_window(parameters, starts, positions, velocities, body, engine=engine)
        jax.block_until_ready(cost_and_gradient(parameters, window, CostWeights(np.float32(0.01)), body))

    works = {"forward": forward, "gradient": gradient}
    if engine == "jax" or reverse_mode:
        flight = jax.device_put(_motion(starts, np.asarray(positions), np.asarray(velocities), body))
        if engine == "jax":
            works["forward"] = lambda: jax.block_until_ready(_mean_distance(parameters, *flight, body))
        if reverse_mode:
            works["reverse"] = lambda: jax.block_until_ready(_by_reverse_mode(parameters, *flight, body))
    with jax.default_matmul_precision("highest"):
        rates = {name: moths * segments / best_time(work, repeats) for name, work in works.items()}
    measured = {f"{name}_per_second": rate for name, rate in rates.items()}
    return {"engine": engine, "moths": moths, "segments": segments, **measured}


def _motion(starts: Any, positions: Any, velocities: Any, body: MothBody) -> Any:
    """Starts (B, 8), targets, segments first, and trim's postures and components, in single precision."""
    segments = positions.shape[1] - 1 - PREVIEW[-1]
    ahead = mean_velocities(positions, velocities[:, :segments], SEGMENT)
    shown = (positions[:, :segments], velocities[:, :segments], ahead, positions[:, 1 : segments + 1])
    shown = tuple(np.moveaxis(each, 1, 0) for each in shown)
    return jax.tree.map(np.float32, (starts, shown, trims_at(np.full(len(starts), np.pi / 2), body)))


@partial(jax.jit, static_argnames="body")
def _mean_distance(parameters: Any, starts: Any, shown: Any, trim: Any, body: MothBody) -> Any:
    """Mean distance of the same flights from their targets, flown by the JAX engine."""

    @jax.checkpoint
    def segment(states: Any, inputs: Any) -> Any:
        *motion, goal = inputs
        outputs = policy_outputs(parameters, observe(states, PolicyTarget(*motion, *trim), jnp))
        components = to_control_components(outputs, trim[1], body, jnp)
        states = propagate(states, from_components(jnp.pad(components, ((0, 0), (0, 1))), jnp), body, steps=1)
        return states, jnp.sqrt(((states[:, :2] - goal) ** 2).sum(axis=1) + 1e-4).mean()

    return jax.lax.scan(segment, starts, shown)[1].mean()


_by_reverse_mode = partial(jax.jit, static_argnames="body")(jax.grad(_mean_distance))


def report(result: dict[str, Any]) -> str:
    """One line for people."""
    reverse = result.get("reverse_per_second")
    return (
        f"policies: {result['forward_per_second']:,.0f} segments a second flown, "
        f"{result['gradient_per_second']:,.0f} with their gradient"
        + (f", {reverse:,.0f} by reverse mode through the JAX engine" if reverse else "")
        + f" ({result['moths']:,} moths, engine {result['engine']})"
    )
