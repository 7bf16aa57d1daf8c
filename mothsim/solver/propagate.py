"""`propagate`: many moths over one segment of constant control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mothsim.body import MothBody
from mothsim.dynamics import coefficients

SEGMENT = 0.02
"""Length of a segment, s: half a wing stroke."""

LONGEST = 1.0
"""Longest segment that `propagate` takes, s."""

FINEST, COARSEST = 1e-10, 1e-2
"""Tolerances that `propagate` takes."""

_DEFAULT_PACKED = coefficients(MothBody()).packed()
_NO_ROWS = np.empty(0, np.intp)


@dataclass(frozen=True)
class Propagation:
    """Final states (N, 8) of moths, and `success` (N,), whether each could be solved.

    Rows that could not, or that move too violently (`mothsim.solver.blocks.FASTEST`), are NaN. `path` (N, T, 8) holds
    the states at the requested times, or is None.
    For a single moth the shapes are (8,), () and (T, 8).
    """

    states: NDArray[np.float64]
    success: NDArray[np.bool_]
    path: NDArray[np.float64] | None = None


def propagate(
    states: ArrayLike,
    controls: ArrayLike,
    *,
    body: MothBody | Sequence[MothBody] | None = None,
    duration: float = SEGMENT,
    rtol: float = 1e-6,
    times: ArrayLike | None = None,
    threads: int | None = None,
) -> Propagation:
    """Propagate moths over one segment of constant control.

    A row's result is the same to the bit in any batch, in any order and on any number of threads.

    The error stays within ten times `rtol`, and mostly far below it: `tests/mothsim/solver/test_trust.py` measures it.
    From 1e-4 on rows are solved in single precision (`mothsim.solver.single_precision`), about four times as fast.

    Args:
        states: (N, 8) or (8,), `[x, y, theta, phi, xdot, ydot, thetadot, phidot]`, cm, rad, s.
        controls: (N, 4) or (4,), `[force, angle, abdomen_torque, wing_torque]`, dyn, rad, dyn cm.
        body: one for all, or a sequence of N; by default Zahn et al.'s moth.
        duration: s, above 0 and at most 1.
        rtol: error aimed at, as a share of each component's largest magnitude in brisk flight (about 30 cm,
            2 pi rad, 1500 cm/s and 300 rad/s, more for rows that start faster); 1e-10 to 1e-2.
        times: (T,) in s, from 0 to `duration`, of the states in `path`; each takes as long as a segment.
        threads: by default the processor's, or NUMBA_NUM_THREADS.

    Raises:
        ValueError: shapes that do not fit, or a body, duration, tolerance, time or number of threads out of range.
            A row with numbers that are not finite, or that cannot be solved, raises nothing: see `Propagation`.
    """
    states = _rows("states", states, 8)
    controls = _rows("controls", controls, 4)
    if controls.ndim != states.ndim or (states.ndim == 2 and len(controls) != len(states)):
        raise ValueError(f"controls has shape {controls.shape}: expected {(*states.shape[:-1], 4)}")
    if not isinstance(duration, Real) or isinstance(duration, bool) or not 0 < duration <= LONGEST:
        raise ValueError(f"duration = {duration!r}: expected seconds, above 0 and at most {LONGEST}")
    duration = float(duration)
    if not (isinstance(rtol, Real) and FINEST <= rtol <= COARSEST):
        raise ValueError(f"rtol = {rtol!r}: expected {FINEST} to {COARSEST}")
    if threads is not None and threads < 1:
        raise ValueError(f"threads = {threads!r}: expected one or more")
    single = states.ndim == 1
    groups = _groups(body, 1 if single else len(states))
    rows, inputs = states.reshape(-1, 8), controls.reshape(-1, 4)
    final, failed = _by_body(rows, inputs, groups, duration, rtol, threads)
    path = None if times is None else _path(rows, inputs, groups, duration, rtol, threads, times)
    # A row that failed is NaN all along; where none did, rows are not fetched from the cores that solved them.
    success = ~np.isnan(final[:, 0]) if failed else np.ones(len(final), dtype=bool)
    if single:
        return Propagation(final[0], success[0], None if path is None else path[0])
    return Propagation(final, success, path)


def warm_up(rtol: float = 1e-6) -> None:
    """Compile the engine, or load it from the cache: seconds the first time, else a fraction of one.

    Args:
        rtol: as for `propagate`; from 1e-4 on that is single precision too.
    """
    from mothsim.solver.cascade import compile_cascade

    compile_cascade(rtol)


def _rows(name: str, values: ArrayLike, width: int) -> NDArray[np.float64]:
    """Values as a float64 array (N, width) or (width,) of the one memory layout that the engine is compiled for.

    A read-only or unaligned array is copied: numba has other types for those and would compile the engine anew.
    """
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {values!r}: expected numbers, shape (N, {width}) or ({width},)") from None
    if not array.flags.carray:
        array = array.copy()
    if array.ndim not in (1, 2) or array.shape[-1] != width:
        raise ValueError(f"{name} has shape {array.shape}: expected (N, {width}) or ({width},)")
    return array


@cache
def _engine():
    """Import the engine on first use: numba takes time to load, and may be absent where JAX solves."""
    from mothsim.solver.cascade import solve

    return solve


@lru_cache(maxsize=4096)
def _packed(body: MothBody) -> NDArray[np.float64]:
    return coefficients(body).packed()


def _groups(body, count: int) -> list[tuple[NDArray[np.float64], NDArray[np.intp]]]:
    """Packed coefficients of each body, with its rows; a single body has an empty list, which stands for all rows."""
    if body is None:
        return [(_DEFAULT_PACKED, _NO_ROWS)]
    if isinstance(body, MothBody):
        return [(_packed(body), _NO_ROWS)]
    try:
        bodies = list(body)
    except TypeError:
        bodies = [body]
    if len(bodies) != count or not all(isinstance(one, MothBody) for one in bodies):
        raise ValueError(f"body = {body!r}: expected a MothBody, or {count} of them")
    rows: dict[MothBody, list[int]] = {}
    for row, one in enumerate(bodies):
        rows.setdefault(one, []).append(row)
    return [(_packed(one), np.array(members)) for one, members in rows.items()]


def _by_body(states, controls, groups, duration, rtol, threads) -> tuple[NDArray[np.float64], int]:
    """Final states (N, 8), and how many rows failed."""
    final = np.empty((len(states), 8))
    if len(groups) == 1:
        return final, _engine()(groups[0][0], states, controls, duration, rtol, final, threads)
    failed = 0
    for packed, rows in groups:
        part = np.empty((len(rows), 8))
        failed += _engine()(packed, states[rows], controls[rows], duration, rtol, part, threads)
        final[rows] = part
    return final, failed


def _path(states, controls, groups, duration, rtol, threads, times) -> NDArray[np.float64]:
    times = np.asarray(times, dtype=np.float64)
    if times.ndim != 1 or not np.all((times >= 0) & (times <= duration)):
        raise ValueError(f"times = {times!r}: expected (T,) seconds from 0 to duration = {duration!r}")
    path = np.empty((len(states), len(times), 8))
    for i, time in enumerate(times):
        path[:, i] = _by_body(states, controls, groups, time, rtol, threads)[0] if time > 0 else states
    return path
