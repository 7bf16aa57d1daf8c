"""The quadratic programme of multiple shooting: states and controls of H segments, tied by linearised dynamics.

The variables are ordered as they follow one another, `u_0, s_1, u_1, s_2 ... u_H-1, s_H`, so that the solver's
factorisation goes from segment to segment and its work grows with H alone (PIQP: Schwan, Jiang, Kuhn and Jones 2023,
IEEE CDC, and its multistage backend). Controls are in units of the deviation that costs one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix

Array = NDArray[np.floating]

_STATE, _CONTROL = 8, 3
_STAGE = _CONTROL + _STATE
_SIDES = 12  # of the polygon, 3.4 % within the circle at their middle
_TOLERANCE = 1e-8


class ShootingQP:
    """Minimise `sum (s_k - r_k)' q_k (s_k - r_k) + |u_k - v|^2`, with q_H = p, under dynamics and limits.

    The dynamics are `s_k+1 = a_k s_k + b_k u_k + d_k` from a given s_0. The force, the first two components of a
    control, lies in a polygon of twelve corners on the circle of the largest force, the torque between its limits.

    Args:
        horizon: H.
        q, p: costs of a state (8, 8) and of the last one.
        scale: of a control (3,), one of its units in dyn and dyn cm.
        force, torque: limits, dyn and dyn cm.

    Raises:
        ValueError: the extra `[mpc]` is not installed.
    """

    def __init__(self, horizon: int, q: Array, p: Array, scale: Array, force: float, torque: float) -> None:
        try:
            import piqp
        except ModuleNotFoundError:
            raise ValueError('controller nmpc needs a solver: pip install "mothsim[mpc]"') from None
        self._made_of = horizon, q, p, scale, force, torque
        self.horizon, self._solved = horizon, piqp.PIQP_SOLVED
        stages = np.arange(horizon)
        self.costs = np.array([q] * (horizon - 1) + [p])
        cost = np.zeros((horizon, _STAGE, horizon, _STAGE))
        cost[stages, :_CONTROL, stages, :_CONTROL] = np.eye(_CONTROL)
        cost[stages, _CONTROL:, stages, _CONTROL:] = self.costs
        self._dynamics = _Pattern(self._dynamics_places(), (horizon * _STATE, horizon * _STAGE))
        sides = 2 * np.pi * (np.arange(_SIDES) + 0.5) / _SIDES
        forces = np.zeros((horizon, _SIDES, horizon, _STAGE))
        forces[stages, :, stages, :2] = np.stack([np.cos(sides), np.sin(sides)], axis=1) * scale[:2]
        within = np.full(horizon * _SIDES, force * np.cos(np.pi / _SIDES))
        bounds = np.full((2, horizon, _STAGE), np.inf)
        bounds[:, :, 2] = torque / scale[2]
        bounds[0] *= -1
        self._solver: Any = piqp.SparseSolver()
        self._solver.settings.kkt_solver = piqp.sparse_multistage
        self._solver.settings.eps_abs = self._solver.settings.eps_rel = _TOLERANCE
        zeros = np.zeros(horizon * _STAGE)
        self._solver.setup(
            csc_matrix(cost.reshape(len(zeros), -1)), zeros, self._dynamics.matrix(np.ones(self._dynamics.count)),
            np.zeros(horizon * _STATE), csc_matrix(forces.reshape(len(within), -1)), None, within,
            *bounds.reshape(2, -1),
        )  # fmt: skip

    def __reduce__(self) -> Any:
        """Copies begin anew: the solver itself cannot be copied."""
        return ShootingQP, self._made_of

    def _dynamics_places(self) -> NDArray[np.intp]:
        """Rows and columns (2, n) of the dynamics' entries: those of s_k+1, of b_k and of a_k, block by block."""
        places = []
        for k in range(self.horizon):
            rows, first = _STATE * k, _STAGE * k
            places.append(np.stack([rows + np.arange(_STATE), first + _CONTROL + np.arange(_STATE)]))
            places.append(_block(rows, first, _CONTROL))
        places += [_block(_STATE * k, _STAGE * k - _STATE, _STATE) for k in range(1, self.horizon)]
        return np.concatenate(places, axis=1)

    def solve(
        self, start: Array, dynamics: tuple[Array, Array, Array], wanted: Array, centre: Array
    ) -> tuple[Array, Array] | None:
        """Solve for states (H, 8), from s_1 on, and controls (H, 3), or none where the solver could not.

        Args:
            start: s_0, (8,).
            dynamics: a (H, 8, 8), b (H, 8, 3) and d (H, 8).
            wanted: r_k of s_1 to s_H, (H, 8).
            centre: v, (3,).
        """
        a, b, offsets = dynamics
        offsets = offsets.copy()
        offsets[0] += a[0] @ start
        pairs = np.concatenate([np.ones((self.horizon, _STATE)), -b.reshape(self.horizon, -1)], axis=1)
        matrix = self._dynamics.matrix(np.concatenate([pairs.ravel(), -a[1:].ravel()]))
        slope = np.empty((self.horizon, _STAGE))
        slope[:, :_CONTROL] = -centre
        slope[:, _CONTROL:] = -(self.costs @ wanted[:, :, None])[:, :, 0]
        self._solver.update(c=slope.ravel(), A=matrix, b=offsets.ravel())
        if self._solver.solve() != self._solved:
            return None
        stages = np.array(self._solver.result.x).reshape(self.horizon, _STAGE)
        return stages[:, _CONTROL:], stages[:, :_CONTROL]


class _Pattern:
    """A sparse matrix whose entries change and whose places do not.

    Args:
        places: rows and columns (2, n) of the entries.
        shape: of the matrix.
    """

    def __init__(self, places: NDArray[np.intp], shape: tuple[int, int]) -> None:
        self.count = places.shape[1]
        numbered = csc_matrix((np.arange(1.0, self.count + 1), places), shape)
        self._order = numbered.data.astype(np.intp) - 1
        self._matrix = numbered

    def matrix(self, entries: Array) -> csc_matrix:
        """The matrix with these entries (n,), in the order of the places."""
        self._matrix.data = entries[self._order]
        return self._matrix


def _block(row: int, column: int, width: int) -> NDArray[np.intp]:
    """Rows and columns of a block of `width` columns in the rows of one state."""
    places = np.indices((_STATE, width)).reshape(2, -1)
    return places + np.array([[row], [column]])
