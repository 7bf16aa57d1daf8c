"""Blocks of moths through the fast scheme, and what it cannot do through the careful solver."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mothsim.dynamics import Coefficients, from_momenta, to_momenta
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
    step,
)  # fmt: skip
from mothsim.threads import default_threads, run
from mothsim.trig import sine_cosine

MAX_TRIES = 60
LANES = lane_count(np.float64)
SHARE = 1024
FAST_RTOL = 5e-7


@njit(forceinline=True)
def unpack(p):
    return Coefficients(
        p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10],
        p[11], p[12], p[13], p[14], p[15], p[16], p[17], p[18], p[19], p[20], p[21],
    )  # fmt: skip


@njit
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


@njit
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
def even(length, remaining):
    """The longest step not above `length` that divides what remains evenly."""
    return remaining / larger(ceiling(remaining / length), 1.0)


@njit
def enter_all(k, states, controls, duration, tolerance, moths, nodes, buffers):
    """All moths of a chunk into `moths` (count, ROWS), past the layer; TRIES < 0 marks the fast way's refusals."""
    state, control, moth = buffers
    width = state.shape[1]
    count = len(states)
    for first in range(0, count, width):
        for lane in range(width):
            row = min(first + lane, count - 1)
            for i in range(8):
                state[i, lane] = states[row, i]
            for i in range(4):
                control[i, lane] = controls[row, i]
        enter(k, state, control, moth)
        h, error = layer(k, moth, nodes, moth)
        fit = (error <= 30.0 * tolerance) & (h <= 0.2 * duration)
        store(moth, TRIES, select(fit, 0.0 * h, -1.0))
        store(moth, TIME, h)
        remaining = duration - h
        store(moth, LENGTH, remaining)
        for lane in range(min(width, count - first)):
            for i in range(ROWS):
                moths[first + lane, i] = moth[i, lane]


@njit
def march(k, duration, tolerance, sweeps, moths, nodes, buffers):
    """All moths of a chunk to the end of the segment, each with its own steps; lanes refill as moths finish."""
    _, end, moth = buffers
    width = moth.shape[1]
    tenant = np.full(width, -1, np.int64)
    waiting = 0
    count = len(moths)
    spare = -1
    while True:
        busy = False
        for lane in range(width):
            row = tenant[lane]
            if row >= 0 and (moth[TIME, lane] >= duration or moth[TRIES, lane] > MAX_TRIES):
                for i in range(ROWS):
                    moths[row, i] = moth[i, lane]
                row = -1
            if row < 0:
                while waiting < count and not moths[waiting, TRIES] >= 0:
                    waiting += 1
                if waiting < count:
                    row = waiting
                    waiting += 1
                    for i in range(ROWS):
                        moth[i, lane] = moths[row, i]
                    spare = row
                elif spare < 0:
                    return
                tenant[lane] = row
            busy = busy or row >= 0
        if not busy:
            return
        for lane in range(width):
            if tenant[lane] < 0 and moth[TIME, lane] >= 0:
                for i in range(ROWS):
                    moth[i, lane] = moths[spare, i]
        advance(k, duration, tolerance, sweeps, moth, end, nodes)


@njit
def advance(k, duration, tolerance, sweeps, moth, end, nodes):
    """One step tried in every lane: taken where its error is small, and the next one's length chosen."""
    h = load(moth, LENGTH)
    time = load(moth, TIME)
    error = step(k, moth, h, sweeps, nodes, end) / tolerance
    good = error <= 1.0
    for i in range(8):
        store(moth, i, select(good, load(end, i), load(moth, i)))
    ratio = 1.0 / larger(error, 1e-6)
    factor = smaller(larger(0.9 * square_root(square_root(square_root(ratio))), 0.3), 3.0)
    remaining = duration - time
    finished = good & (remaining <= h * 1.0000001)
    time = select(finished, duration, select(good, time + h, time))
    store(moth, TIME, time)
    store(moth, LENGTH, even(h * factor, duration - time))
    store(moth, TRIES, load(moth, TRIES) + 1.0)


CHUNK = 256


@njit(cache=True, nogil=True)
def solve_rows(packed, states, controls, duration, tolerance, sweeps, final):
    """Propagate moths in lanes of float64; rows that only the careful solver can do are NaN in `final`."""
    k = unpack(packed)
    count = len(states)
    nodes = make_nodes(LANES, np.float64)
    buffers = (np.empty((8, LANES)), np.empty((8, LANES)), np.empty((ROWS, LANES)))
    moths = np.empty((min(CHUNK, count), ROWS))
    for first in range(0, count, CHUNK):
        last = min(first + CHUNK, count)
        part = moths[: last - first]
        enter_all(k, states[first:last], controls[first:last], duration, tolerance, part, nodes, buffers)
        march(k, duration, tolerance, sweeps, part, nodes, buffers)
        leave_all(k, duration, part, buffers, final[first:last])


@njit(cache=True, nogil=True)
def solve_carefully(packed, states, controls, duration, tolerance, final):
    """Propagate the rows that are NaN in `final` one at a time."""
    for row in range(len(states)):
        if math.isnan(final[row, 0]):
            solve_row(packed, states[row], controls[row], duration, tolerance, 1e-4, final[row])


@njit
def leave_all(k, duration, moths, buffers, final):
    state, _, moth = buffers
    width = state.shape[1]
    count = len(moths)
    for first in range(0, count, width):
        for lane in range(width):
            row = min(first + lane, count - 1)
            for i in range(ROWS):
                moth[i, lane] = moths[row, i]
        leave(k, moth, state)
        for lane in range(min(width, count - first)):
            row = first + lane
            done = moths[row, TIME] >= duration and moths[row, TRIES] >= 0
            for i in range(8):
                done = done and math.isfinite(state[i, lane])
            for i in range(8):
                final[row, i] = state[i, lane] if done else math.nan


def _solve_part(packed, states, controls, duration, rtol, final):
    if rtol >= FAST_RTOL:
        solve_rows(packed, states, controls, duration, min(rtol, 1e-5), 3, final)
        if not np.isnan(final[:, 0]).any():
            return
    else:
        final[:] = np.nan
    solve_carefully(packed, states, controls, duration, 0.1 * rtol, final)


def solve(packed, states, controls, duration, rtol, final, threads=None):
    """Fill `final` (N, 8), NaN in rows that cannot be solved."""
    count = len(states)
    threads = default_threads() if threads is None else threads
    if count <= SHARE or threads == 1:
        _solve_part(packed, states, controls, duration, rtol, final)
        return
    parts = [slice(first, first + SHARE) for first in range(0, count, SHARE)]
    run(lambda part: _solve_part(packed, states[part], controls[part], duration, rtol, final[part]), parts, threads)
