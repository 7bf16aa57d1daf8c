"""`propagate`: many moths over one segment of constant control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from mothsim.body import MothBody
from mothsim.dynamics import coefficients
from mothsim.radau import solve_row

SEGMENT = 0.02
"""Length of a segment, s: half a wing stroke."""


@dataclass(frozen=True)
class Propagation:
    """Where moths ended: `states` (N, 8) and whether each could be solved, `success` (N,).

    Rows that could not are NaN. For a single moth the shapes are (8,) and ().
    """

    states: NDArray[np.float64]
    success: NDArray[np.bool_]


def propagate(
    states: ArrayLike,
    controls: ArrayLike,
    *,
    body: MothBody | None = None,
    duration: float = SEGMENT,
    rtol: float = 1e-6,
) -> Propagation:
    """Propagate moths over one segment of constant control.

    Args:
        states: (N, 8) or (8,), `[x, y, theta, phi, xdot, ydot, thetadot, phidot]`, cm, rad, s.
        controls: (N, 4) or (4,), `[force, angle, abdomen_torque, wing_torque]`, dyn, rad, dyn cm.
        body: by default Zahn et al.'s moth.
        duration: s.
        rtol: error allowed, as a share of each component's largest magnitude.

    Raises:
        ValueError: shapes that do not fit, or a duration or tolerance out of range.
    """
    states = np.ascontiguousarray(states, dtype=np.float64)
    controls = np.ascontiguousarray(controls, dtype=np.float64)
    single = states.ndim == 1
    if states.shape[-1:] != (8,) or states.ndim > 2:
        raise ValueError(f"states has shape {states.shape}: expected (N, 8) or (8,)")
    if controls.shape != (*states.shape[:-1], 4):
        raise ValueError(f"controls has shape {controls.shape}: expected {(*states.shape[:-1], 4)}")
    packed = coefficients(body or MothBody()).packed()
    final = np.empty((1 if single else len(states), 8))
    _solve_rows(packed, states.reshape(-1, 8), controls.reshape(-1, 4), duration, rtol, final)
    success = np.isfinite(final).all(axis=1)
    return Propagation(final[0], success[0]) if single else Propagation(final, success)


@njit(cache=True, parallel=True)
def _solve_rows(packed, states, controls, duration, tolerance, final):
    for i in prange(len(states)):
        solve_row(packed, states[i], controls[i], duration, tolerance, 1e-4, final[i])
