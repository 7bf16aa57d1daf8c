"""The engine: a ladder of ways to solve a segment, each taking the rows that the one before refused.

By their own error estimates, which are measured against the careful solver in the tests:

0. for tolerances of 1e-4 and coarser: single precision, in one step, then in three and in eight;
1. the march: the layer, then steps of the moth's own length;
2. the march without a layer, from lengths that resolve it, with more sweeps;
3. the careful solver, one moth at a time.
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
"""About the rows that a thread takes at a time, at least and at most."""
HEAD_START = 0.09
"""Of a share, that the thread which calls takes more than the others at first: it is at work before they wake."""
COARSE_RTOL = 1e-4
"""The coarsest tolerance that there is work to save for, and the finest that single precision reaches."""
_USUAL = 0.02  # s


@kernel
def solve_carefully(packed, states, controls, duration, tolerance, final):
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
    """The march in wide lanes, or for a few moths in narrow ones: the same bits sooner."""
    return (solve_few if len(states) <= FEW else solve_in_lanes)(packed, states, *how)


def _tiers(duration, rtol):
    """The ladder for a tolerance: functions `(packed, states, controls, final) -> rows refused`."""
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
    yield lambda p, s, c, final: solve_carefully(p, s, c, duration, 0.1 * rtol / growth, final)


def _solve_part(packed, states, controls, duration, rtol, final) -> int:
    """Down the ladder; how many rows could not be solved."""
    rungs = _tiers(duration, rtol)
    refused = next(rungs)(packed, states, controls, final)
    for rung in rungs:
        if not refused:
            break
        rows = np.flatnonzero(np.isnan(final[:, 0]))
        subkernel = np.empty((len(rows), 8))
        refused = rung(packed, states[rows], controls[rows], subkernel)
        final[rows] = subkernel
    return refused


def share_out(rows: int, threads: int) -> list[slice]:
    """As few parts as possible, for ending one costs as much as many rows; equally many a thread if rows are enough."""
    least, most = SHARES
    rounds = math.ceil(rows / (threads * most))
    count = min(threads * rounds, math.ceil(rows / least))
    share = int(rows / (count + HEAD_START))
    ends = range(rows - (count - 1) * share, rows + 1, share)
    return [slice(start, end) for start, end in zip((0, *ends), ends, strict=False)]


def solve(packed, states, controls, duration, rtol, final, threads=None) -> int:
    """Fill `final` (N, 8), NaN in rows that cannot be solved; how many those are."""
    threads = default_threads() if threads is None else threads
    if len(states) <= SHARES[0] or threads == 1:
        return _solve_part(packed, states, controls, duration, rtol, final)
    failed = []

    def work(subkernel: slice) -> None:
        failed.append(_solve_part(packed, states[subkernel], controls[subkernel], duration, rtol, final[subkernel]))

    run(work, share_out(len(states), threads), threads)
    return sum(failed)


def compile_cascade(rtol: float) -> None:
    """Compile what a tolerance needs, or load it from the cache."""
    packed = coefficients(MothBody()).packed()
    for count in (1, FEW + 1):
        for rung in _tiers(1e-5, rtol):
            rung(packed, np.zeros((count, 8)), np.zeros((count, 4)), np.empty((count, 8)))
