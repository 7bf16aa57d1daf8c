"""The fast scheme, in lanes: an exponential layer, then implicit collocation in a few long steps.

In momenta (`mothsim.dynamics`) all coordinates move on milliseconds but one: the bend's rate d obeys
`J d' = G - c d`, with the reduced inertia J, the joint's damping c and all other moments G, and settles within about
`10 J/c`, half a millisecond, onto the slow manifold `d = (G - J d')/c`.

**The layer**, the first `10 J0/c` of a segment, J0 being J at its start. Time is measured in `J0/c`, so that all
weights are constants. With `r = c/J0` the equation is `d' = -r d + N`, `N = G/J + (r - c/J) d` smooth, and so
`d(t) = exp(-r t) d0 + integral exp(-r (t - s)) N ds`. Every quantity here is slow or relaxes, so it is interpolated
at five nodes by `1, t, t^2, exp(-r t), r t exp(-r t)`, and integrated (with or without the kernel) exactly for
those. The first sweep goes from node to node with the values at those before, the second with the values at all.

**A step** of length h has Lobatto nodes. The smooth rates are integrated as a polynomial through all of them (order
2n at the end). For the bend's rate the polynomial through its start and the nodes satisfies the stiff equation at
each node but the start: `J_i/h sum_j D_ij d_j + c d_i = G_i`, linear once G is known, and as good for `h c/J` of a
thousand as of one tenth. A sweep solves it, then visits the nodes in order with the newest of everything (Gauss and
Seidel), and corrects `d_i` there by `(change of G) / (c + J/(h A_ii))`, A the inverse of D.

**The estimate** is the larger of two, measured on random steps of five bodies against the Radau solver. One is a tenth
of the last sweep's change of the angular rates, which bounds the error that three sweeps and more leave, though not
two. The other, of what a polynomial does not resolve, comes from the two highest Legendre coefficients of the rates:
the step's end is wrong by less than 5e-4 of them plus their square, because quadrature is better than interpolation;
but by up to 3e-2 where a velocity changes sign, as drag, `|v| v`, has a kink there; and by more again where the
head-thorax turns over 4 rad in one step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mothsim.dynamics import bend_drive, drag, inertias, joint_velocity, moments
from mothsim.solver.collocation import LAYER, STEP
from mothsim.solver.compiled import subkernel
from mothsim.solver.lanes import larger, load, select, smaller, store
from mothsim.solver.trig import sine_cosine

# Rows of a block of moths.
X, Y, PX, PY, SPIN, THETA, BEND, RATE = range(8)
ALONG, ACROSS, TORQUE, WING = range(8, 12)
SPEED_SCALE, RATE_SCALE, ANGLE_SCALE = range(12, 15)
TIME, LENGTH, TRIES = range(15, 18)
ROWS = 18

DEGREE = len(STEP.nodes) - 1
LAYER_DEGREE = len(LAYER.nodes) - 1
LAYER_LENGTH = LAYER.length
LAYER_SWEEPS = 2
_NODES = max(DEGREE, LAYER_DEGREE) + 1


class Nodes(NamedTuple):
    """Quantities at the nodes of a step: blocks of lanes, a row for each node."""

    rate: np.ndarray  # rate of the bend
    turn: np.ndarray  # rate of theta
    spin_rate: np.ndarray
    px_rate: np.ndarray
    py_rate: np.ndarray
    drag_along: np.ndarray
    drag_across: np.ndarray
    drive: np.ndarray
    inertia: np.ndarray
    xdot: np.ndarray
    ydot: np.ndarray
    forcing: np.ndarray  # in the layer: `N` above
    matrix: np.ndarray  # (DEGREE * DEGREE,), of the stiff equation


@subkernel
def make_nodes(row):
    """Nodes in rows of a type that `mothsim.solver.lanes.rows` makes."""
    n = _NODES
    return Nodes(
        np.empty(n, row), np.empty(n, row), np.empty(n, row), np.empty(n, row), np.empty(n, row), np.empty(n, row),
        np.empty(n, row), np.empty(n, row), np.empty(n, row), np.empty(n, row), np.empty(n, row), np.empty(n, row),
        np.empty(DEGREE * DEGREE, row),
    )  # fmt: skip


@subkernel
def weighted(row, count, values):
    """Weighted sum of a quantity over the first `count` nodes."""
    s = row[0] * load(values, 0)
    for j in range(1, count):
        s = s + row[j] * load(values, j)
    return s


@subkernel
def moments_at(k, moth, drag_along, drag_across, sb, cb):
    """Moments of drag and control about the joint, `mothsim.dynamics.moments`, of moths in lanes."""
    return moments(k, load(moth, ALONG), load(moth, ACROSS), load(moth, WING), drag_along, drag_across, sb, cb)


@subkernel
def visit_bend(k, moth, nodes, i, row, count, h, rate):
    """First half of an update of node i: bend, angular momentum and `G`, the moments that drive the bend."""
    bend = load(moth, BEND) + h * weighted(row, count, nodes.rate)
    sb, cb = sine_cosine(bend)
    a, b, inverse, inertia = inertias(k, cb)
    q1, q2 = moments_at(k, moth, load(nodes.drag_along, i), load(nodes.drag_across, i), sb, cb)
    store(nodes.spin_rate, i, q1 + q2)
    spin = load(moth, SPIN) + h * weighted(row, count, nodes.spin_rate)
    w = (spin - b * rate) * inverse
    drive = bend_drive(k, a, b, inverse, q1, q2, sb, bend, w, w + rate, load(moth, TORQUE))
    return sb, cb, b, inverse, inertia, spin, drive


@subkernel
def visit_body(k, moth, nodes, i, row, count, h, rate, sb, cb, b, inverse, spin):
    """Second half: the head-thorax's rate, momentum and drag. Returns by how much that rate changed, rad/s."""
    along = load(moth, ALONG)
    across = load(moth, ACROSS)
    w = (spin - b * rate) * inverse
    change = abs(w - load(nodes.turn, i))
    store(nodes.turn, i, w)
    theta = load(moth, THETA) + h * weighted(row, count, nodes.turn)
    s, c = sine_cosine(theta)
    force_x = along * c - across * s
    force_y = along * s + across * c - k.weight
    drag_along = load(nodes.drag_along, i)
    drag_across = load(nodes.drag_across, i)
    store(nodes.px_rate, i, force_x - (c * drag_along - s * drag_across))
    store(nodes.py_rate, i, force_y - (s * drag_along + c * drag_across))
    px = load(moth, PX) + h * weighted(row, count, nodes.px_rate)
    py = load(moth, PY) + h * weighted(row, count, nodes.py_rate)
    store_drag(k, moth, nodes, i, px, py, s, c, sb, cb, w, w + rate, force_x, force_y)
    return change


@subkernel
def store_drag(k, moth, nodes, i, px, py, s, c, sb, cb, w, f, force_x, force_y):
    """Drag at node i, and the rates of momentum and angular momentum with it."""
    xdot, ydot = joint_velocity(k, px, py, s, c, s * cb + c * sb, c * cb - s * sb, w, f)
    store(nodes.xdot, i, xdot)
    store(nodes.ydot, i, ydot)
    drag_x, drag_y = drag(k, xdot, ydot)
    drag_along = s * drag_y + c * drag_x
    drag_across = c * drag_y - s * drag_x
    q1, q2 = moments_at(k, moth, drag_along, drag_across, sb, cb)
    store(nodes.px_rate, i, force_x - drag_x)
    store(nodes.py_rate, i, force_y - drag_y)
    store(nodes.spin_rate, i, q1 + q2)
    store(nodes.drag_along, i, drag_along)
    store(nodes.drag_across, i, drag_across)
    return q1, q2


@subkernel
def start(k, moth, nodes):
    """Set all quantities at node 0 from the state."""
    bend = load(moth, BEND)
    rate = load(moth, RATE)
    along = load(moth, ALONG)
    across = load(moth, ACROSS)
    sb, cb = sine_cosine(bend)
    s, c = sine_cosine(load(moth, THETA))
    a, b, inverse, inertia = inertias(k, cb)
    w = (load(moth, SPIN) - b * rate) * inverse
    f = w + rate
    force_x = along * c - across * s
    force_y = along * s + across * c - k.weight
    q1, q2 = store_drag(k, moth, nodes, 0, load(moth, PX), load(moth, PY), s, c, sb, cb, w, f, force_x, force_y)
    store(nodes.rate, 0, rate)
    store(nodes.turn, 0, w)
    store(nodes.drive, 0, bend_drive(k, a, b, inverse, q1, q2, sb, bend, w, f, load(moth, TORQUE)))
    store(nodes.inertia, 0, inertia)


@subkernel
def finish(moth, nodes, last, row, double, h, end):
    """The smooth coordinates at the end of a step, by quadrature of the last rates of all nodes."""
    count = last + 1
    px = load(moth, PX)
    py = load(moth, PY)
    store(end, X, load(moth, X) + h * (px + h * weighted(double, count, nodes.px_rate)))
    store(end, Y, load(moth, Y) + h * (py + h * weighted(double, count, nodes.py_rate)))
    store(end, PX, px + h * weighted(row, count, nodes.px_rate))
    store(end, PY, py + h * weighted(row, count, nodes.py_rate))
    store(end, SPIN, load(moth, SPIN) + h * weighted(row, count, nodes.spin_rate))
    store(end, THETA, load(moth, THETA) + h * weighted(row, count, nodes.turn))
    store(end, BEND, load(moth, BEND) + h * weighted(row, count, nodes.rate))
    store(end, RATE, load(nodes.rate, last))


@subkernel
def layer(k, moth, nodes, end):
    """The first instant, while the bend's rate relaxes, after `start`. Returns its length (s) and an error estimate."""
    over = 1.0 / load(nodes.inertia, 0)
    relaxation = k.damping * over
    h = LAYER_LENGTH / relaxation
    rate0 = load(moth, RATE)
    store(nodes.forcing, 0, load(nodes.drive, 0) * over)
    error = 0.0 * h
    for sweep in range(LAYER_SWEEPS):
        first = sweep == 0
        for i in range(1, LAYER_DEGREE + 1):
            row = LAYER.first[i] if first else LAYER.full[i]
            relax = LAYER.relax_first[i] if first else LAYER.relax[i]
            count = i + 1 if first else LAYER_DEGREE + 1
            if first:
                store(nodes.forcing, i, load(nodes.forcing, i - 1))
                store(nodes.drag_along, i, load(nodes.drag_along, i - 1))
                store(nodes.drag_across, i, load(nodes.drag_across, i - 1))
            guessed = load(nodes.forcing, i)
            rate = LAYER.decay[i] * rate0 + h * weighted(relax, count, nodes.forcing)
            store(nodes.rate, i, rate)
            sb, cb, b, inverse, inertia, spin, drive = visit_bend(k, moth, nodes, i, row, count, h, rate)
            over = 1.0 / inertia
            forcing = drive * over + (relaxation - k.damping * over) * rate
            store(nodes.forcing, i, forcing)
            change = h * relax[i] * (forcing - guessed)
            rate = rate + change
            store(nodes.rate, i, rate)
            turned = visit_body(k, moth, nodes, i, row, count, h, rate, sb, cb, b, inverse, spin)
            if not first:
                error = larger(error, larger(turned, abs(change)))
    finish(moth, nodes, LAYER_DEGREE, LAYER.full[LAYER_DEGREE], LAYER.double, h, end)
    return h, error / load(moth, RATE_SCALE)


@subkernel
def solve_rates(k, nodes, h):
    """Solve `J d' = G - c d` for the bend's rate at all nodes at once, for given G and J: a dense linear system."""
    matrix = nodes.matrix
    n = DEGREE
    for i in range(n):
        over = load(nodes.inertia, i + 1) / h
        store(nodes.rate, i + 1, load(nodes.drive, i + 1) - over * STEP.slope[i + 1, 0] * load(nodes.rate, 0))
        for j in range(n):
            store(matrix, i * n + j, over * STEP.slope[i + 1, j + 1])
        store(matrix, i * n + i, load(matrix, i * n + i) + k.damping)
    for i in range(n):
        pivot = 1.0 / load(matrix, i * n + i)
        store(matrix, i * n + i, pivot)
        for j in range(i + 1, n):
            factor = load(matrix, j * n + i) * pivot
            for m in range(i + 1, n):
                store(matrix, j * n + m, load(matrix, j * n + m) - factor * load(matrix, i * n + m))
            store(nodes.rate, j + 1, load(nodes.rate, j + 1) - factor * load(nodes.rate, i + 1))
    for i in range(n - 1, -1, -1):
        value = load(nodes.rate, i + 1)
        for j in range(i + 1, n):
            value = value - load(matrix, i * n + j) * load(nodes.rate, j + 1)
        store(nodes.rate, i + 1, value * load(matrix, i * n + i))


@subkernel
def guess(nodes, i):
    """Extrapolate drag and rates from the nodes before to node i."""
    row = STEP.guess[i]
    store(nodes.drag_along, i, weighted(row, i, nodes.drag_along))
    store(nodes.drag_across, i, weighted(row, i, nodes.drag_across))
    store(nodes.rate, i, weighted(row, i, nodes.rate))
    store(nodes.turn, i, load(nodes.turn, i - 1))


@subkernel
def step(k, moth, h, sweeps, nodes, end):
    """One step of length h (s). Fills `end` and returns an error estimate, as a share of the scales."""
    start(k, moth, nodes)
    error = 0.0 * h
    for sweep in range(sweeps):
        first = sweep == 0
        if not first:
            solve_rates(k, nodes, h)
        for i in range(1, DEGREE + 1):
            row = STEP.first[i] if first else STEP.full[i]
            count = i + 1 if first else DEGREE + 1
            if first:
                guess(nodes, i)
            rate = load(nodes.rate, i)
            sb, cb, b, inverse, inertia, spin, drive = visit_bend(k, moth, nodes, i, row, count, h, rate)
            over = inertia / h
            if first:
                known = over * weighted(STEP.slope_first[i], i, nodes.rate)
                new = (drive - known) / (k.damping + over * STEP.slope_first[i, i])
            else:
                new = rate + (drive - load(nodes.drive, i)) / (k.damping + over * STEP.stiffness[i])
            store(nodes.rate, i, new)
            store(nodes.drive, i, drive)
            store(nodes.inertia, i, inertia)
            change = visit_body(k, moth, nodes, i, row, count, h, new, sb, cb, b, inverse, spin)
            if sweep == sweeps - 1:
                error = larger(error, larger(change, abs(new - rate)))
    finish(moth, nodes, DEGREE, STEP.full[DEGREE], STEP.double, h, end)
    return estimate(k, moth, nodes, end, h, error / load(moth, RATE_SCALE))


@subkernel
def estimate(k, moth, nodes, end, h, change):
    """Error of a step relative to the scales: of the sweeps' convergence, and of the interpolation."""
    rough = roughness(k, moth, nodes, h)
    factor = select(reverses(nodes), 0.03 + 0.0 * h, 5e-4 + 0.3 * rough)
    excess = larger(0.25 * abs(load(end, THETA) - load(moth, THETA)), 1.0)
    excess = excess * excess
    excess = excess * excess
    return larger(0.1 * change, factor * rough * excess * excess)


@subkernel
def reverses(nodes):
    """Whether a velocity changes sign, where drag has a kink."""
    least = 0.0 * load(nodes.xdot, 0)
    for i in range(DEGREE):
        x = load(nodes.xdot, i) * load(nodes.xdot, i + 1)
        y = load(nodes.ydot, i) * load(nodes.ydot, i + 1)
        least = smaller(least, smaller(x, y))
    return least < 0.0


@subkernel
def roughness(k, moth, nodes, h):
    """The highest two Legendre coefficients of the rates over a step, as a share of the scales."""
    count = DEGREE + 1
    _, _, inverse, _ = inertias(k, 0.0 * h)
    spin = abs(weighted(STEP.top[0], count, nodes.spin_rate)) + abs(weighted(STEP.top[1], count, nodes.spin_rate))
    px = abs(weighted(STEP.top[0], count, nodes.px_rate)) + abs(weighted(STEP.top[1], count, nodes.px_rate))
    py = abs(weighted(STEP.top[0], count, nodes.py_rate)) + abs(weighted(STEP.top[1], count, nodes.py_rate))
    turn = abs(weighted(STEP.top[0], count, nodes.turn)) + abs(weighted(STEP.top[1], count, nodes.turn))
    rate = abs(weighted(STEP.top[0], count, nodes.rate)) + abs(weighted(STEP.top[1], count, nodes.rate))
    momentum = larger(px, py) * k.inverse_mass / load(moth, SPEED_SCALE)
    angle = larger(turn, rate) / load(moth, ANGLE_SCALE)
    return h * larger(larger(spin * inverse / load(moth, RATE_SCALE), momentum), angle)
