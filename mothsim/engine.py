"""The engine: moths in lanes through the fast scheme, and what it refuses through slower, surer ways.

Rows pass three rungs, each taking what the one before refused by its own error estimate:

1. the layer, then steps of the moth's own length to the end of the segment;
2. steps alone, from lengths that resolve the layer, with more sweeps;
3. the careful solver, one moth at a time.

In a march every lane is at its own time with its own step, and takes the next moth when one is finished.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mothsim.body import MothBody
from mothsim.dynamics import Coefficients, coefficients, from_momenta, inertias, to_momenta
from mothsim.lanes import ceiling, lane_count, larger, load, select, smaller, square_root, store
from mothsim.radau import solve_row
from mothsim.scheme import (
    ACROSS,
    ALONG,
    ANGLE_SCALE,
    BEND,
    LENGTH,
    PX,
    PY,
    RATE,
    RATE_SCALE,
    ROWS,
    SPEED_SCALE,
    SPIN,
    THETA,
    TIME,
    TORQUE,
    TRIES,
    WING,
    X,
    Y,
    layer,
    make_nodes,
    start,
    step,
)
from mothsim.threads import default_threads, run
from mothsim.trig import sine_cosine

LANES = lane_count(np.float64)
CHUNK = 256
SHARE = 1024


@njit(forceinline=True)
def unpack(p):
    """Coefficients from their packed array; a tuple of constant length for the compiler."""
    return Coefficients(
        p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10],
        p[11], p[12], p[13], p[14], p[15], p[16], p[17], p[18], p[19], p[20], p[21],
    )  # fmt: skip


@njit(forceinline=True)
def enter(k, state, control, moth):
    """States and controls to momenta, angles and scales."""
    theta = load(state, 2)
    bend = load(state, 3) - theta
    sin_angle, cos_angle = sine_cosine(load(control, 1))
    sb, cb = sine_cosine(bend)
    s, c = sine_cosine(theta)
    xdot, ydot, w, f = load(state, 4), load(state, 5), load(state, 6), load(state, 7)
    whole = (load(state, 0), load(state, 1), theta, theta + bend, xdot, ydot, w, f)
    sum_x, sum_y, px, py, spin = to_momenta(k, whole, (s, c, sb, cb))
    store(moth, X, sum_x)
    store(moth, Y, sum_y)
    store(moth, PX, px)
    store(moth, PY, py)
    store(moth, SPIN, spin)
    store(moth, THETA, theta)
    store(moth, BEND, bend)
    store(moth, RATE, f - w)
    store(moth, ALONG, load(control, 0) * cos_angle)
    store(moth, ACROSS, load(control, 0) * sin_angle)
    store(moth, TORQUE, load(control, 2))
    store(moth, WING, load(control, 3))
    store(moth, SPEED_SCALE, 300.0 + square_root(xdot * xdot + ydot * ydot))
    store(moth, RATE_SCALE, 100.0 + abs(w) + abs(f))
    store(moth, ANGLE_SCALE, 3.0 + 0.0 * w)
    # Past a million radians sines in lanes lose digits: such rows are for the careful solver.
    known = (abs(theta) < 1e6) & (abs(bend) < 1e6) & (abs(load(control, 1)) < 1e6)
    store(moth, TRIES, select(known, 0.0 * w, -1.0))


@njit(forceinline=True)
def leave(k, moth, state):
    """Momenta and angles back to states."""
    theta = load(moth, THETA)
    bend = load(moth, BEND)
    sb, cb = sine_cosine(bend)
    s, c = sine_cosine(theta)
    momenta = (load(moth, X), load(moth, Y), load(moth, PX), load(moth, PY), load(moth, SPIN))
    x, y, theta, phi, xdot, ydot, w, f = from_momenta(k, momenta, theta, bend, load(moth, RATE), (s, c, sb, cb))
    store(state, 0, x)
    store(state, 1, y)
    store(state, 2, theta)
    store(state, 3, phi)
    store(state, 4, xdot)
    store(state, 5, ydot)
    store(state, 6, w)
    store(state, 7, f)


@njit(forceinline=True)
def evenly(remaining, length):
    """The longest step not above `length` that goes into what remains a whole number of times."""
    return remaining / larger(ceiling(remaining / length), 1.0)


@njit(forceinline=True)
def first_length(k, moth, nodes, turn):
    """Time (s) in which the head-thorax turns by `turn` (rad), at its rate and acceleration now."""
    _, _, inverse, _ = inertias(k, 0.0 * turn)
    w = abs(load(nodes.turn, 0)) + 1.0
    acceleration = abs(load(nodes.spin_rate, 0)) * inverse
    return 2.0 * turn / (w + square_root(w * w + 2.0 * turn * acceleration))


@njit(forceinline=True)
def begin(k, moth, nodes, duration, tolerance, with_layer, turn):
    """The start of a segment: the layer, where its estimate allows it, and the length of the first step."""
    start(k, moth, nodes)
    length = first_length(k, moth, nodes, turn + 0.0 * load(moth, X))
    if with_layer:
        time, error = layer(k, moth, nodes, moth)
        slow = time <= first_length(k, moth, nodes, 0.03 + 0.0 * time)
        fit = (error <= 20.0 * tolerance) & (time <= 0.5 * duration) & slow
        store(moth, TRIES, select(fit, load(moth, TRIES), -1.0))
    else:
        time = 0.0 * length
        length = smaller(length, 2.0 * load(nodes.inertia, 0) / k.damping)
    store(moth, TIME, time)
    store(moth, LENGTH, evenly(duration - time, length))


@njit(forceinline=True)
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


@njit
def gather(table, first, lanes):
    """Rows of a table, from `first` on, into lanes; lanes past the end hold the last row."""
    for lane in range(lanes.shape[1]):
        row = min(first + lane, len(table) - 1)
        for i in range(table.shape[1]):
            lanes[i, lane] = table[row, i]


@njit
def scatter(lanes, table, first):
    """Lanes back into the rows of a table, from `first` on."""
    for lane in range(min(lanes.shape[1], len(table) - first)):
        for i in range(table.shape[1]):
            table[first + lane, i] = lanes[i, lane]


@njit
def march(k, moths, moth, end, nodes, duration, tolerance, sweeps, most_tries):
    """Every moth of a table (count, ROWS) to the end of the segment, or to more tries than are allowed."""
    lanes = moth.shape[1]
    tenants = np.full(lanes, -1)
    waiting = 0
    gather(moths, 0, moth)
    while True:
        working = False
        for lane in range(lanes):
            row = tenants[lane]
            if row >= 0 and (moth[TIME, lane] == duration or not moth[TRIES, lane] < most_tries):
                for i in range(ROWS):
                    moths[row, i] = moth[i, lane]
                row = -1
            while row < 0 and waiting < len(moths):
                if moths[waiting, TRIES] >= 0.0:
                    row = waiting
                    for i in range(ROWS):
                        moth[i, lane] = moths[row, i]
                waiting += 1
            tenants[lane] = row
            working = working or row >= 0
        if not working:
            return
        advance(k, moth, end, nodes, duration, tolerance, sweeps)


@njit
def solve_chunk(k, states, controls, how, moths, work, final):
    """Some rows through the fast scheme: in, along, and out again."""
    duration, tolerance, with_layer, sweeps, most_tries, turn = how
    state, control, moth, end, nodes = work
    for first in range(0, len(states), LANES):
        gather(states, first, state)
        gather(controls, first, control)
        enter(k, state, control, moth)
        begin(k, moth, nodes, duration, tolerance, with_layer, turn)
        scatter(moth, moths, first)
    march(k, moths, moth, end, nodes, duration, tolerance, sweeps, most_tries)
    for first in range(0, len(states), LANES):
        gather(moths, first, moth)
        leave(k, moth, state)
        scatter(state, final, first)
    refused = 0
    for row in range(len(states)):
        solved = moths[row, TIME] == duration and moths[row, TRIES] >= 0.0
        for value in final[row]:
            solved = solved and math.isfinite(value)
        if not solved:
            refused += 1
            final[row] = math.nan
    return refused


@njit(cache=True, nogil=True)
def solve_in_lanes(packed, states, controls, duration, tolerance, with_layer, sweeps, most_tries, turn, final):
    """Propagate moths in lanes; rows that are refused are NaN in `final`, and their number is returned."""
    k = unpack(packed)
    work = (np.empty((8, LANES)), np.empty((4, LANES)), np.empty((ROWS, LANES)), np.empty((ROWS, LANES)),
            make_nodes(LANES, np.float64))  # fmt: skip
    moths = np.empty((min(CHUNK, len(states)), ROWS))
    refused = 0
    for first in range(0, len(states), CHUNK):
        part = slice(first, min(first + CHUNK, len(states)))
        table = moths[: part.stop - part.start]
        how = (duration, tolerance, with_layer, sweeps, most_tries, turn)
        refused += solve_chunk(k, states[part], controls[part], how, table, work, final[part])
    return refused


@njit(cache=True, nogil=True)
def solve_carefully(packed, states, controls, duration, tolerance, final):
    """Propagate moths one at a time; rows that cannot be solved are NaN in `final`."""
    for row in range(len(states)):
        solve_row(packed, states[row], controls[row], duration, tolerance, 1e-4, final[row])


def _solve_part(packed, states, controls, duration, rtol, final):
    """The three rungs."""
    tolerance = min(rtol, 1e-4)
    turn = 3.5 * (tolerance / 1e-6) ** (1 / 8)
    if rtol >= 3e-7:
        if not solve_in_lanes(
            packed, states, controls, duration, tolerance, True, 3, 6 + int(200 * duration), turn, final
        ):
            return
        rows = np.flatnonzero(np.isnan(final[:, 0]))
    else:
        rows = np.arange(len(states))
    part = np.empty((len(rows), 8))
    states, controls = states[rows], controls[rows]
    if solve_in_lanes(packed, states, controls, duration, 0.03 * tolerance, False, 6, 5000, turn, part):
        left = np.flatnonzero(np.isnan(part[:, 0]))
        careful = np.empty((len(left), 8))
        solve_carefully(packed, states[left], controls[left], duration, 0.1 * rtol, careful)
        part[left] = careful
    final[rows] = part


def solve(packed, states, controls, duration, rtol, final, threads=None):
    """Fill `final` (N, 8), NaN in rows that cannot be solved."""
    threads = default_threads() if threads is None else threads
    if len(states) <= SHARE or threads == 1:
        _solve_part(packed, states, controls, duration, rtol, final)
        return
    parts = [slice(first, first + SHARE) for first in range(0, len(states), SHARE)]
    run(lambda part: _solve_part(packed, states[part], controls[part], duration, rtol, final[part]), parts, threads)


def warm_up() -> None:
    """Compile all that flying needs, or load it from the cache: seconds the first time ever, else a moment."""
    packed = coefficients(MothBody()).packed()
    final = np.empty((1, 8))
    solve_in_lanes(packed, np.zeros((1, 8)), np.zeros((1, 4)), 0.001, 1e-3, True, 3, 10, 1.0, final)
    solve_carefully(packed, np.zeros((1, 8)), np.zeros((1, 4)), 1e-5, 1e-3, final)
