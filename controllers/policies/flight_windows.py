"""Windows of flights, flown by the policy that is trained on them, with the Jacobians of all segments.

An engine flies the moths, segment by segment, and gives each segment's Jacobian: numba's on a CPU
(`mothsim.solver.jacobians`), JAX's on a GPU (`mothsim.solver.jax_jacobians`).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.policy_interface import (
    ENTRIES,
    GRAVITY_ENTRIES,
    PREVIEW,
    PolicyTarget,
    mean_velocities,
    observe,
    to_control_components,
    trims_at,
)
from mothsim.solver.jacobians import jacobians
from mothsim.solver.jax_jacobians import jacobians_in_jax
from mothsim.solver.propagate import SEGMENT

Array = NDArray[np.floating]
Parameters = tuple[tuple[Any, Any], ...]

_GONE = 25.0  # cm from the target, beyond which a moth is left out of the gradient
_SPINNING = 150.0  # rad/s, the same


class Window(NamedTuple):
    """A flight of T segments by B moths, as the gradient needs it; float32, segments first.

    Attributes:
        states: (T + 1, B, 8), and `components` (T, B, 3), as flown.
        by_state, by_components: (T, B, 8, 8) and (T, B, 8, 3), the segments' Jacobians.
        targets: (T + 1, B, 2), `velocities` (T + 1, B, 2) and `ahead` (T, B, K, 2), see `PolicyTarget`.
        postures, trims: (B, 2) and (B, 3), see `PolicyTarget`.
        sound: (B,) one, or zero where a moth was lost on the way and counts for nothing.
        goals: (T, B, 2) where the moths are to be at the segments' ends, cm, and `slack` (T, B) by how much less
            exactly, cm: the targets, and zero, unless the moths are led.
        unhurried: (B,) one where a target stands still, less where it moves, and zero where it is lively or the moth
            bears a load.
        leaping: (B,) one where a target that stands still jumps, and the moth is to come after it at its own pace.
    """

    states: Any
    components: Any
    by_state: Any
    by_components: Any
    targets: Any
    velocities: Any
    ahead: Any
    postures: Any
    trims: Any
    sound: Any
    goals: Any
    slack: Any
    unhurried: Any
    leaping: Any


class Led(NamedTuple):
    """Where B moths are led on their way to their targets, see `mothsim.controllers.policies.leading.lead`.

    Attributes:
        goals, slack, unhurried: (B, T, 2), cm, (B, T), cm, and (B,), see `Window`.
    """

    goals: Any
    slack: Any
    unhurried: Any


def forward(parameters: Parameters, inputs: Any, xp: Any = jnp) -> Any:
    """Outputs (N, 3) of observations (N, 29): hidden layers with tanh, the last linear."""
    hidden = inputs
    for weight, bias in parameters[:-1]:
        hidden = xp.tanh(hidden @ weight + bias)
    weight, bias = parameters[-1]
    return hidden @ weight + bias


def policy_answer(parameters: Parameters, states: Any, target: PolicyTarget, xp: Any = jnp) -> Any:
    """Outputs (N, 3) at states (N, 8) of a policy that observes where up is, or does not, by its number of inputs."""
    gravity = parameters[0][0].shape[0] == len(ENTRIES) + len(GRAVITY_ENTRIES)
    return forward(parameters, observe(states, target, xp, gravity), xp)


def fly_window(
    parameters: Parameters, starts: Array, targets: Any, velocities: Any, body: MothBody, angles: Any = np.pi / 2,
    engine: str = "numba", led: Led | None = None, leaping: NDArray[np.bool_] | None = None,
    loads: float | Array = 0.0,
) -> Window:  # fmt: skip
    """Fly a policy after targets, with the Jacobians of all segments.

    Args:
        parameters: of the policy.
        starts: (B, 8).
        targets: positions (B, T + 33, 2), cm, of T segments and what is previewed in the last.
        velocities: (B, T + 33, 2), cm/s, the same.
        body: that flies.
        angles: of the body at the targets, of all or of each (B,), rad.
        engine: one of `ENGINES`; by `jax` the window is made on JAX's device, in single precision throughout.
        led: where the moths are led; by default to the targets, at once.
        leaping: which moths leap (B,), see `Window`; by default none.
        loads: shares of trim's forces and torque, of all or of each (B,), that the policy does not count on; so it
            has to fly as if on a heavier body, or, where they are negative, a lighter one.
    """
    fly_segment, xp = ENGINES[engine]
    segments = targets.shape[1] - 1 - PREVIEW[-1]
    postures, trims = trims_at(np.broadcast_to(angles, len(starts)), body)
    trims = trims * (1 - np.broadcast_to(loads, len(starts))[:, None])
    ahead = mean_velocities(targets, velocities[:, :segments], SEGMENT)
    shown = [xp.moveaxis(each, 1, 0) for each in (targets[:, : segments + 1], velocities[:, : segments + 1], ahead)]
    dtype = np.float64 if engine == "numba" else np.float32
    parameters, starts, postures, trims = jax.tree.map(
        lambda a: xp.asarray(a, dtype), (parameters, starts, postures, trims)
    )
    state, lost, states, rows = starts, xp.zeros(len(starts), dtype=np.bool_), [starts], []
    for position, velocity, coming, following in zip(*shown, shown[0][1:], strict=False):
        target = PolicyTarget(position, velocity, coming, postures, trims)
        state, lost, row = fly_segment(parameters, state, lost, target, following, body)
        states.append(state)
        rows.append(row)
    components, *slopes = (xp.stack(each) for each in zip(*rows, strict=True))
    slopes = (xp.where(lost[:, None, None], 0.0, each) for each in slopes)
    goals, slack, unhurried = led or (targets, xp.zeros(targets.shape[:2]), xp.zeros(len(starts)))
    goals, slack = (xp.moveaxis(xp.asarray(each), 1, 0)[1 : segments + 1] for each in (goals, slack))
    leaping = np.zeros(len(starts), dtype=np.bool_) if leaping is None else leaping
    fields = (xp.stack(states), components, *slopes, *shown, postures, trims, ~lost, goals, slack, unhurried, leaping)
    return Window(*(xp.asarray(each, np.float32) for each in fields))


def _fly_segment(
    jacobians: Any, xp: Any, parameters: Parameters, state: Any, lost: Any, target: PolicyTarget, following: Any,
    body: MothBody,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Ends (B, 8), which moths are lost, and components and Jacobians of a segment; `following` is its end's target."""
    outputs = policy_answer(parameters, state, target, xp)
    components = to_control_components(outputs, target.trims, body, xp)
    end, *slopes = jacobians(state, components, body=body)
    off = xp.hypot(end[:, 0] - following[:, 0], end[:, 1] - following[:, 1])
    lost = lost | ~((off < _GONE) & (abs(end[:, 6:]).max(axis=1) < _SPINNING))
    rest = xp.pad(target.postures, ((0, 0), (2, 4)))
    return xp.where(lost[:, None], rest, end), lost, (components, *slopes)


ENGINES: dict[str, Any] = {
    "numba": (partial(_fly_segment, jacobians, np), np),
    "jax": (partial(jax.jit, static_argnames="body")(partial(_fly_segment, jacobians_in_jax, jnp)), jnp),
}
"""Engines that a policy is trained by: numba's, on a CPU, and JAX's, on whatever device JAX finds."""


def fastest_engine() -> str:
    """Return `jax` where JAX finds an accelerator, else `numba`."""
    return "numba" if jax.default_backend() == "cpu" else "jax"
