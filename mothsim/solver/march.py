"""The march: adaptive steps of the scheme for a batch of moths, every lane with its own time and step length.

A lane takes the next moth as soon as one is finished, so that no lane waits for the slowest moth of a block.
"""

from __future__ import annotations

import math

import numpy as np

from mothsim.arithmetic import square_root
from mothsim.dynamics import inertias, unpack
from mothsim.solver.blocks import acceptable, enter, gather, leave, scatter
from mothsim.solver.compiled import inlined, kernel, subkernel
from mothsim.solver.lanes import DOUBLES, ceiling, larger, load, rows, select, smaller, store
from mothsim.solver.scheme import LENGTH, RATE, ROWS, TIME, TRIES, X, layer, make_nodes, start, step

FEW = 4
_NARROW = rows(np.float64, FEW)
CHUNK = 256
_SETTLED_ONLY = 3e-9  # below this tolerance a bend's rate that is still settling at the end is not known well enough
FURTHEST_TURN = 30.0
"""Rows that turn further in a segment (rad) are refused: so wild a motion magnifies errors that steps cannot see."""


@subkernel
def evenly(remaining, length):
    """The longest step not above `length` that goes into what remains a whole number of times."""
    return remaining / larger(ceiling(remaining / length), 1.0)


@subkernel
def first_length(k, moth, nodes, turn):
    """Time (s) in which the head-thorax turns by `turn` (rad), at its rate and acceleration now."""
    _, _, inverse, _ = inertias(k, 0.0 * turn)
    w = abs(load(nodes.turn, 0)) + 1.0
    acceleration = abs(load(nodes.spin_rate, 0)) * inverse
    return 2.0 * turn / (w + square_root(w * w + 2.0 * turn * acceleration))


@inlined
def begin(k, moth, nodes, duration, tolerance, with_layer, turn):
    """The start of a segment: the layer, where its estimate allows it, and the length of the first step."""
    start(k, moth, nodes)
    length = first_length(k, moth, nodes, turn + 0.0 * load(moth, X))
    if with_layer:
        time, error = layer(k, moth, nodes, moth)
        # The layer's smooth functions follow what moves little while it lasts: here less than 0.03 rad.
        slow = (time <= first_length(k, moth, nodes, 0.03 + 0.0 * time)) & (time * abs(load(nodes.rate, 0)) <= 0.03)
        fit = (error <= 20.0 * tolerance) & (time <= 0.5 * duration) & slow
        store(moth, TRIES, select(fit, load(moth, TRIES), -1.0))
    else:
        time = 0.0 * length
        settling = load(nodes.inertia, 0) / k.damping
        length = smaller(length, 2.0 * settling)
        if tolerance < _SETTLED_ONLY:
            store(moth, TRIES, select(duration >= 20.0 * settling, load(moth, TRIES), -1.0))
    store(moth, TIME, time)
    store(moth, LENGTH, evenly(duration - time, length))


@inlined
def advance(k, moth, end, nodes, duration, tolerance, sweeps):
    """One step tried in every lane: taken where its error is small, and the next one's length chosen."""
    h = load(moth, LENGTH)
    time = load(moth, TIME)
    # Errors of many steps add up, some of them to nothing: halfway between a share of the tolerance and all of it.
    error = step(k, moth, h, sweeps, nodes, end) * square_root(duration / h) / tolerance
    good = error <= 1.0
    for i in range(RATE + 1):
        store(moth, i, select(good, load(end, i), load(moth, i)))
    remaining = duration - time
    last = remaining <= h * 1.000001
    time = select(good, select(last, duration + 0.0 * h, time + h), time)
    root = square_root(square_root(1.0 / larger(error, 1e-4)))
    shrunk = select(error < 1e6, larger(smaller(0.8 * root, 0.8), 0.2), 0.2 + 0.0 * h)
    length = h * select(good, smaller(larger(square_root(root), 1.0), 3.0), shrunk)
    store(moth, TIME, time)
    store(moth, LENGTH, evenly(duration - time, length))
    store(moth, TRIES, load(moth, TRIES) + 1.0)


@subkernel
def march(k, moths, moth, end, nodes, duration, tolerance, sweeps, most_tries):
    """Every moth of a table (count, ROWS) to the end of the segment, or to more tries than are allowed."""
    lanes = moth["lanes"]
    width = lanes.shape[1]
    tenants = np.full(width, -1)
    waiting = 0
    gather(moths, 0, moth)
    while True:
        working = False
        for lane in range(width):
            row = tenants[lane]
            if row >= 0 and (lanes[TIME, lane] == duration or not lanes[TRIES, lane] < most_tries):
                for i in range(ROWS):
                    moths[row, i] = lanes[i, lane]
                row = -1
            while row < 0 and waiting < len(moths):
                if moths[waiting, TRIES] >= 0.0:
                    row = waiting
                    for i in range(ROWS):
                        lanes[i, lane] = moths[row, i]
                waiting += 1
            tenants[lane] = row
            working = working or row >= 0
        if not working:
            return
        advance(k, moth, end, nodes, duration, tolerance, sweeps)


@inlined
def solve_chunk(k, states, controls, how, moths, work, final):
    """Some rows through the fast scheme: in, along, and out again."""
    duration, tolerance, with_layer, sweeps, most_tries, turn = how
    state, control, moth, end, nodes = work
    width = moth["lanes"].shape[1]
    for first in range(0, len(states), width):
        gather(states, first, state)
        gather(controls, first, control)
        enter(k, state, control, moth)
        begin(k, moth, nodes, duration, tolerance, with_layer, turn)
        scatter(moth, moths, first)
    march(k, moths, moth, end, nodes, duration, tolerance, sweeps, most_tries)
    for first in range(0, len(states), width):
        gather(moths, first, moth)
        leave(k, moth, state)
        scatter(state, final, first)
    refused = 0
    for row in range(len(states)):
        solved = moths[row, TIME] == duration and moths[row, TRIES] >= 0.0
        solved = solved and abs(final[row, 2] - states[row, 2]) <= FURTHEST_TURN
        if not (solved and acceptable(k, controls[row], duration, final[row])):
            refused += 1
            final[row] = math.nan
    return refused


@inlined
def solve_in_rows(row, packed, states, controls, how, final):
    """Propagate moths in lanes of a type."""
    k = unpack(packed)
    work = (np.empty(8, row), np.empty(4, row), np.empty(ROWS, row), np.empty(ROWS, row), make_nodes(row))
    moths = np.empty((min(CHUNK, len(states)), ROWS))
    refused = 0
    for first in range(0, len(states), CHUNK):
        chunk = slice(first, min(first + CHUNK, len(states)))
        table = moths[: chunk.stop - chunk.start]
        refused += solve_chunk(k, states[chunk], controls[chunk], how, table, work, final[chunk])
    return refused


@kernel
def solve_in_lanes(packed, states, controls, duration, tolerance, with_layer, sweeps, most_tries, turn, final):
    """Propagate moths in lanes; rows that are refused are NaN in `final`, and their number is returned."""
    how = (duration, tolerance, with_layer, sweeps, most_tries, turn)
    return solve_in_rows(DOUBLES, packed, states, controls, how, final)


@kernel
def solve_few(packed, states, controls, duration, tolerance, with_layer, sweeps, most_tries, turn, final):
    """The same to the bit, quicker for up to `FEW` moths."""
    how = (duration, tolerance, with_layer, sweeps, most_tries, turn)
    return solve_in_rows(_NARROW, packed, states, controls, how, final)
