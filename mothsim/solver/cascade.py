"""The engine: a cascade of solvers, each taking the rows that the one before refused.

A solver refuses rows by its own error estimate; the tests measure the estimates against the fallback solver:

0. for tolerances of 1e-4 and coarser: single precision, in one step, then in three and in eight;
1. the march: the layer, then steps of the moth's own length;
2. the march without a layer, from lengths that resolve it, with more sweeps;
3. the fallback solver `mothsim.solver.radau`, one moth at a time.
"""

from __future__ import annotations

import math

import numpy as np

from mothsim.body import MothBody
from mothsim.dynamics import coefficients, unpack
from mothsim.solver.blocks import acceptable
from mothsim.solver.compiled import kernel
from mothsim.solver.march import FEW, solve_few, solve_in_lanes
from mothsim.solver.radau import solve_row
from mothsim.solver.single_precision import solve_single_precision
from mothsim.solver.threads import default_threads, run

SHARES = 1024, 8192
"""Approximate number of rows that a thread takes at a time, at least and at most."""
HEAD_START = 0.09
"""Fraction of a share that the calling thread takes in addition at first, since it starts before the others wake."""
COARSE_RTOL = 1e-4
"""Finest tolerance that single precision reaches; a coarser one is solved to this accuracy."""
_USUAL = 0.02  # s


@kernel
def solve_with_radau(packed, states, controls, duration, tolerance, final):
    """Propagate moths one at a time; rows that cannot be solved are NaN in `final`, their number is returned."""
    k = unpack(packed)
    refused = 0
    for row in range(len(states)):
        solve_row(packed, states[row], controls[row], duration, tolerance, 1e-4, final[row])
        if not acceptable(k, controls[row], duration, final[row]):
            final[row] = math.nan
            refused += 1
    return refused


def _march(packed, states, *how):
    """The march in wide lanes, or for a few moths in narrow ones, which is faster and gives the same bits."""
    return (solve_few if len(states) <= FEW else solve_in_lanes)(packed, states, *how)


def _tiers(duration, rtol):
    """Solvers of the cascade for a tolerance: functions `(packed, states, controls, final) -> rows refused`."""
    growth = max(1.0, duration / _USUAL)  # what went wrong early in a long segment has the time to grow
    tolerance = min(rtol, COARSE_RTOL) / growth
    turn = 3.5 * (tolerance / 1e-6) ** (1 / 8)
    if rtol >= COARSE_RTOL:
        pieces = math.ceil(duration / _USUAL - 1e-9)
        for count in (pieces, 3 * pieces, 8 * pieces):
            yield lambda p, s, c, final, count=count: solve_single_precision(p, s, c, duration, tolerance, count, final)
    if tolerance >= 3e-7:
        tries = 6 + int(200 * duration)
        yield lambda p, s, c, final: _march(p, s, c, duration, tolerance, True, 3, tries, turn, final)
    yield lambda p, s, c, final: _march(p, s, c, duration, 0.03 * tolerance, False, 6, 5000, turn, final)
    yield lambda p, s, c, final: solve_with_radau(p, s, c, duration, 0.1 * rtol / growth, final)


def _solve_part(packed, states, controls, duration, rtol, final) -> int:
    """Solve rows by the cascade; returns how many could not be solved."""
    tiers = _tiers(duration, rtol)
    refused = next(tiers)(packed, states, controls, final)
    for tier in tiers:
        if not refused:
            break
        rows = np.flatnonzero(np.isnan(final[:, 0]))
        solved = np.empty((len(rows), 8))
        refused = tier(packed, states[rows], controls[rows], solved)
        final[rows] = solved
    return refused


def share_out(rows: int, threads: int) -> list[slice]:
    """Slices of the rows: few, since each has a fixed cost, and equally many a thread if rows suffice."""
    least, most = SHARES
    rounds = math.ceil(rows / (threads * most))
    count = min(threads * rounds, math.ceil(rows / least))
    share = int(rows / (count + HEAD_START))
    ends = range(rows - (count - 1) * share, rows + 1, share)
    return [slice(start, end) for start, end in zip((0, *ends), ends, strict=False)]


def solve(packed, states, controls, duration, rtol, final, threads=None) -> int:
    """Fill `final` (N, 8), NaN in rows that cannot be solved; returns their number."""
    threads = default_threads() if threads is None else threads
    if len(states) <= SHARES[0] or threads == 1:
        return _solve_part(packed, states, controls, duration, rtol, final)
    failed = []

    def work(rows: slice) -> None:
        failed.append(_solve_part(packed, states[rows], controls[rows], duration, rtol, final[rows]))

    run(work, share_out(len(states), threads), threads)
    return sum(failed)


def compile_cascade(rtol: float) -> None:
    """Compile what a tolerance needs, or load it from the cache."""
    packed = coefficients(MothBody()).packed()
    for count in (1, FEW + 1):
        for tier in _tiers(1e-5, rtol):
            tier(packed, np.zeros((count, 8)), np.zeros((count, 4)), np.empty((count, 8)))
