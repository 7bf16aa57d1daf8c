"""Conversion of a block of moths: states and controls to momenta, angles and scales of the scheme, and back."""

from __future__ import annotations

import math

from mothsim.arithmetic import square_root
from mothsim.dynamics import from_momenta, to_momenta
from mothsim.solver.compiled import subkernel
from mothsim.solver.lanes import load, select, store
from mothsim.solver.scheme import (
    ACROSS,
    ALONG,
    ANGLE_SCALE,
    BEND,
    PX,
    PY,
    RATE,
    RATE_SCALE,
    SPEED_SCALE,
    SPIN,
    THETA,
    TORQUE,
    TRIES,
    WING,
    X,
    Y,
)
from mothsim.solver.trig import sine_cosine

FASTEST, SPINNIEST = 3e4, 5e3
"""Largest speed that the force alone would give in the duration (cm/s), and largest final angular rate (rad/s), of rows
that the scheme answers for: more violent motion magnifies errors beyond any tolerance."""


@subkernel
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
    # Past a million radians sines in lanes lose digits: such rows go to the Radau solver.
    known = (abs(theta) < 1e6) & (abs(bend) < 1e6) & (abs(load(control, 1)) < 1e6)
    store(moth, TRIES, select(known, 0.0 * w, -1.0))


@subkernel
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


@subkernel
def gather(table, first, block):
    """Rows of a table, from `first` on, into lanes; lanes past the end hold the last row."""
    lanes = block["lanes"]
    for lane in range(lanes.shape[1]):
        row = min(first + lane, len(table) - 1)
        for i in range(table.shape[1]):
            lanes[i, lane] = table[row, i]


@subkernel
def scatter(block, table, first):
    """Lanes back into the rows of a table, from `first` on."""
    lanes = block["lanes"]
    for lane in range(min(lanes.shape[1], len(table) - first)):
        for i in range(table.shape[1]):
            table[first + lane, i] = lanes[i, lane]


@subkernel
def acceptable(k, control, duration, final):
    """Whether a row's final state is finite, and within `FASTEST` and `SPINNIEST`."""
    for value in final:
        if not math.isfinite(value):
            return False
    thrown = abs(control[0]) * duration * k.inverse_mass
    return thrown <= FASTEST and abs(final[6]) <= SPINNIEST and abs(final[7]) <= SPINNIEST
