"""Jacobians of segments in JAX, by nine tangents that fly along with every moth, on whatever device JAX finds."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from mothsim.actuation import from_components
from mothsim.body import MothBody
from mothsim.solver.jax_engine import propagate
from mothsim.solver.propagate import SEGMENT


def jacobians_in_jax(
    states: Any, components: Any, *, body: MothBody | None = None, duration: float = SEGMENT, steps: int = 1
) -> tuple[Any, Any, Any]:
    """Ends (N, 8) of segments and their Jacobians (N, 8, 8) and (N, 8, 3); in single precision, unless JAX has double.

    Args:
        states: (N, 8), where the segments begin.
        components: (N, 3), force along and across the head-thorax, dyn, and abdominal torque, dyn cm.
        body: by default Zahn et al.'s.
        duration: of the segments, s.
        steps: see `mothsim.solver.jax_engine.propagate`; with one, segments of flights that a policy holds agree with
            the numba engine's to 1e-4 of their range.

    Returns:
        Ends, slopes by the state and slopes by the components; NaN where a segment could not be solved.
    """

    def end(motion: Any, parts: Any) -> Any:
        moved = jnp.concatenate([states[:, :2], motion], axis=1)
        controls = from_components(jnp.pad(parts, ((0, 0), (0, 1))), jnp)
        return propagate(moved, controls, body, duration, steps=steps)

    def push(tangent: Any) -> Any:
        tangents = jnp.broadcast_to(tangent, (len(states), 9))
        return jax.jvp(end, (states[:, 2:], components), (tangents[:, :6], tangents[:, 6:]))

    # Where the moth is, the equations do not care.
    ends, slopes = jax.vmap(push, out_axes=(None, 2))(jnp.eye(9, dtype=states.dtype))
    still = jnp.broadcast_to(jnp.eye(8, 2, dtype=states.dtype), (len(states), 8, 2))
    return ends, jnp.concatenate([still, slopes[:, :, :6]], axis=2), slopes[:, :, 6:]
