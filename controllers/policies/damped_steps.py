"""Damped Gauss-Newton steps (Levenberg 1944; Marquardt 1963) on all parameters of a policy, tried on its flights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_GROW, _SHRINK, _TRIES, _MOST = 3.0, 0.7, 6, 10.0  # of the damping
_AVERAGED = 30  # last steps, at most a quarter of all, over whose parameters the policy's are the mean
_FLOOR = 0.1  # of the mean diagonal, added to each element's own where it scales the damping


def take_step(
    values: Array, matrix: Any, slope: Any, damping: float, least: float, improves: Callable[[Array], bool]
) -> tuple[Array, float]:
    """Take the least damped step that improves flights; returns the parameters (P,) and the next step's damping.

    Args:
        values: parameters (P,).
        matrix: Gauss-Newton matrix (P, P) of the cost.
        slope: its gradient (P,).
        damping: relative to the matrix's diagonal, at first; it grows until a step improves.
        least: damping to which it falls from step to step.
        improves: tells of parameters (P,) whether flights cost less.
    """
    tried = damping
    for _ in range(_TRIES):
        moved = values - np.asarray(_damped_step(matrix, slope, tried), np.float64)
        if np.isfinite(np.float32(moved)).all() and improves(moved):
            return moved, max(_SHRINK * tried, least)
        tried *= _GROW
    return values, min(_GROW * damping, _MOST)  # such flights say nothing of the next step's


def averaged(mean: Array, values: Array, step: int, steps: int) -> Array:
    """Mean (P,) of the parameters over the last steps so far, of their mean before and the values after a step."""
    unaveraged = steps - min(_AVERAGED, steps // 4)
    share = 1 / max(1, step + 1 - unaveraged)
    return mean + share * (values - mean)


@jax.jit
def _damped_step(matrix: Any, slope: Any, damping: Any) -> Any:
    diagonal = jnp.diag(matrix)
    scale = jnp.diag(damping * (diagonal + _FLOOR * diagonal.mean()))
    return jax.scipy.linalg.solve(matrix + scale, slope, assume_a="pos")
