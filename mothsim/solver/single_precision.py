"""The scheme in single precision, for the thousands of rollouts of a Monte Carlo controller.

At 1e-4 a segment is the layer and one long step of two sweeps, for twice as many moths side by side as in double
precision. Displacements are relative to the start and angles to the start's whole turns, which keeps rounding small.
Rows whose error estimate exceeds the tolerance are refused: the engine solves them again in three and in eight steps,
and those that are still refused in double precision.
"""

from __future__ import annotations

import math

import numpy as np

from mothsim.dynamics import unpack
from mothsim.solver.blocks import acceptable, enter, gather, leave, scatter
from mothsim.solver.compiled import kernel, subkernel
from mothsim.solver.lanes import SINGLES, load, store
from mothsim.solver.march import begin
from mothsim.solver.scheme import RATE, ROWS, TIME, TRIES, make_nodes, step

LANES = SINGLES["lanes"].shape[0]
SWEEPS = 2
_LARGEST_ANGLE = 100.0  # sines of larger angles lose digits in single precision


@subkernel
def unwrap(angle):
    """The whole turns (rad) below an angle."""
    return math.tau * math.floor(angle / math.tau)


@subkernel
def gather_near(states, controls, first, state, control):
    """Rows from `first` on into lanes, joints at the origin and angles in the first turn; past the end the last."""
    gather(states, first, state)
    gather(controls, first, control)
    for lane in range(LANES):
        row = min(first + lane, len(states) - 1)
        turns = unwrap(states[row, 2])
        phi = states[row, 3] - turns
        state["lanes"][0, lane] = 0.0
        state["lanes"][1, lane] = 0.0
        state["lanes"][2, lane] = states[row, 2] - turns
        state["lanes"][3, lane] = phi if abs(phi) < _LARGEST_ANGLE else math.nan
        control["lanes"][1, lane] = controls[row, 1] - unwrap(controls[row, 1])


@subkernel
def scatter_back(state, states, first, final):
    """Lanes to rows from `first` on, at the places and turns that they started from."""
    scatter(state, final, first)
    for row in range(first, min(first + LANES, len(states))):
        turns = unwrap(states[row, 2])
        final[row, 0] += states[row, 0]
        final[row, 1] += states[row, 1]
        final[row, 2] += turns
        final[row, 3] += turns


@kernel
def solve_single_precision(packed, states, controls, duration, tolerance, pieces, final):
    """Propagate moths in so many equal steps; rows that are refused are NaN in `final`, their number is returned."""
    k = unpack(packed)
    state, control = np.empty(8, SINGLES), np.empty(4, SINGLES)
    moth, end, errors = np.empty(ROWS, SINGLES), np.empty(ROWS, SINGLES), np.empty(1, SINGLES)
    nodes = make_nodes(SINGLES)
    refused = 0
    for first in range(0, len(states), LANES):
        gather_near(states, controls, first, state, control)
        enter(k, state, control, moth)
        begin(k, moth, nodes, duration, tolerance, True, 1.0)
        h = (duration - load(moth, TIME)) / pieces
        error = 0.0 * h
        for _ in range(pieces):
            error = error + step(k, moth, h, SWEEPS, nodes, end)
            for i in range(RATE + 1):
                store(moth, i, load(end, i))
        leave(k, moth, state)
        store(errors, 0, error)
        scatter_back(state, states, first, final)
        for lane in range(min(LANES, len(states) - first)):
            row = first + lane
            good = errors["lanes"][0, lane] <= tolerance and moth["lanes"][TRIES, lane] >= 0.0
            if not (good and acceptable(k, controls[row], duration, final[row])):
                final[row] = math.nan
                refused += 1
    return refused
