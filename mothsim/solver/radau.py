"""Fallback solver: adaptive five-stage Radau IIA collocation (order 9), one moth at a time.

Hairer and Wanner 1996, Solving Ordinary Differential Equations II, section IV.8. Of the moth's equations one
is stiff, and linearly so (`J d' = G - c d`, see `mothsim.dynamics`). So a sweep evaluates all stages, solves
that one equation exactly for the bend rate at all of them (a five by five system), and sets the smooth
coordinates by quadrature; sweeps converge by a factor of a hundred or so at the steps that accuracy asks for.
The error estimate is the fifth divided difference over the step's start and its five stages, of the smooth
rates and of the bend rate: zero for whatever the collocation polynomial follows exactly.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial import Polynomial

from mothsim.dynamics import from_momenta, rates, to_momenta, unpack
from mothsim.solver.compiled import kernel, subkernel

STAGES = 5
ORDER = 2 * STAGES - 1
_SWEEPS = 14
_MAX_STEPS = 20_000


def radau_nodes(stages: int) -> np.ndarray:
    """Right Radau nodes on (0, 1]: the zeros of `d^(s-1)/dx^(s-1) [x^(s-1) (x - 1)^s]`."""
    x = Polynomial([0.0, 1.0])
    polynomial = x ** (stages - 1) * (x - 1) ** stages
    roots = np.sort(polynomial.deriv(stages - 1).roots().real)
    roots[-1] = 1.0
    return roots


def integration_matrix(nodes: np.ndarray) -> np.ndarray:
    """`A[i, j]`: the integral from 0 to `nodes[i]` of the Lagrange polynomial of `nodes[j]`."""
    powers = np.arange(len(nodes))
    lagrange = np.linalg.inv(nodes[:, None] ** powers)
    return (nodes[:, None] ** (powers + 1) / (powers + 1)) @ lagrange


NODES = radau_nodes(STAGES)
MATRIX = integration_matrix(NODES)
# Value at 0 of the polynomial through the stages: what a smooth quantity's start should have been.
BACKWARD = np.array([np.prod([c / (c - b) for c in NODES if c != b]) for b in NODES])
assert np.allclose(MATRIX @ NODES**3, NODES**4 / 4, atol=1e-13)
assert np.isclose(MATRIX[-1] @ NODES ** (ORDER - 1), 1 / ORDER, atol=1e-13)
assert np.isclose(BACKWARD.sum(), 1, atol=1e-12)


@subkernel
def _solve(matrix, right):
    """Solve a small dense system in place by elimination; the diagonal dominates, so no pivoting."""
    n = len(right)
    for i in range(n):
        for j in range(i + 1, n):
            factor = matrix[j, i] / matrix[i, i]
            for m in range(i + 1, n):
                matrix[j, m] -= factor * matrix[i, m]
            right[j] -= factor * right[i]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            right[i] -= matrix[i, j] * right[j]
        right[i] /= matrix[i, i]


@subkernel
def _evaluate(k, control, z, out):
    """Rates of `z = X, Y, P_x, P_y, L, theta, bend, bend rate`; `out[7]` is G/J and `out[8]` c/J."""
    trig = (math.sin(z[5]), math.cos(z[5]), math.sin(z[6]), math.cos(z[6]))
    px, py, spin, w, drive, inertia = rates(k, control, (z[2], z[3], z[4]), z[6], z[7], trig)
    out[0], out[1], out[2], out[3], out[4], out[5], out[6] = z[2], z[3], px, py, spin, w, z[7]
    out[7] = drive / inertia
    out[8] = k.damping / inertia


@subkernel
def _step(k, control, z0, f0, h, scale, stages, f, work):
    """One step: fills `stages` (5, 8) and `f` (5, 9), guesses in `stages`. Returns the scaled error estimate.

    Returns infinity where the sweeps do not converge.
    """
    system, right = work
    for i in range(STAGES):
        _evaluate(k, control, stages[i], f[i])
    change = math.inf
    for _ in range(_SWEEPS):
        for i in range(STAGES):
            right[i] = z0[7]
            for j in range(STAGES):
                right[i] += h * MATRIX[i, j] * f[j, 7]
                system[i, j] = h * MATRIX[i, j] * f[j, 8]
            system[i, i] += 1.0
        _solve(system, right)
        previous = change
        change = 0.0
        for i in range(STAGES):
            change = max(change, abs(right[i] - stages[i, 7]) / scale[7])
            stages[i, 7] = right[i]
            f[i, 6] = right[i]
        for i in range(STAGES):
            for n in range(7):
                value = z0[n]
                for j in range(STAGES):
                    value += h * MATRIX[i, j] * f[j, n]
                if n >= 2:
                    change = max(change, abs(value - stages[i, n]) / scale[n])
                stages[i, n] = value
        for i in range(STAGES):
            _evaluate(k, control, stages[i], f[i])
        if not change < math.inf:
            return math.inf
        if change < 1e-13 or (change < 1e-11 and change > 0.3 * previous):
            break
    if change > 1e-11:
        return math.inf
    worst = 0.0
    for n in range(2, 8):
        miss = z0[n] if n >= 6 else h * f0[n]
        for i in range(STAGES):
            miss -= BACKWARD[i] * (stages[i, n] if n >= 6 else h * f[i, n])
        worst = max(worst, abs(miss) / scale[n])
    return worst


@kernel
def solve_row(packed, state, control, duration, tolerance, first_step, final):
    """Propagate one moth; fills `final` (8,) and returns the steps taken, or -1 where it cannot be solved.

    Args:
        packed: (22,) coefficients, `Coefficients.packed()`.
        state: (8,), see `mothsim.propagate`.
        control: (4,), see `mothsim.propagate`.
        duration: s.
        tolerance: scaled error allowed a step.
        first_step: s; with `tolerance` infinite every step has this length.
        final: (8,), written; NaN where the row fails.
    """
    k = unpack(packed)
    final[:] = math.nan
    for value in state:
        if not math.isfinite(value):
            return -1
    for value in control:
        if not math.isfinite(value):
            return -1
    bend = state[3] - state[2]
    trig = (math.sin(state[2]), math.cos(state[2]), math.sin(bend), math.cos(bend))
    force = (control[0] * math.cos(control[1]), control[0] * math.sin(control[1]), control[2], control[3])
    whole = (state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7])
    z = np.empty(8)
    z[0], z[1], z[2], z[3], z[4] = to_momenta(k, whole, trig)
    z[5], z[6], z[7] = state[2], bend, state[7] - state[6]
    scale = _scales(k, z, state)
    f0 = np.empty(9)
    f = np.empty((STAGES, 9))
    stages = np.empty((STAGES, 8))
    work = (np.empty((STAGES, STAGES)), np.empty(STAGES))
    t = 0.0
    h = min(first_step, duration)
    for step in range(_MAX_STEPS):
        _evaluate(k, control=force, z=z, out=f0)
        last = t + h >= duration * (1 - 1e-12)
        if last:
            h = duration - t
        for i in range(STAGES):
            for n in range(8):
                stages[i, n] = z[n]
        error = _step(k, force, z, f0, h, scale, stages, f, work)
        if error <= tolerance and error < math.inf:
            t += h
            for n in range(8):
                z[n] = stages[STAGES - 1, n]
            if last:
                trig = (math.sin(z[5]), math.cos(z[5]), math.sin(z[6]), math.cos(z[6]))
                end = from_momenta(k, (z[0], z[1], z[2], z[3], z[4]), z[5], z[6], z[7], trig)
                for n in range(8):
                    final[n] = end[n]
                return step + 1
        if tolerance < math.inf:
            h *= 0.25 if error == math.inf else min(4.0, max(0.2, 0.85 * (tolerance / (error + 1e-300)) ** (1 / 6)))
        elif error == math.inf:
            return -1
        if h < 1e-13:
            return -1
    return -1


@subkernel
def _scales(k, z, state):
    """Magnitudes that errors are measured against, by coordinate; at least those of a brisk flight."""
    speed = 300.0 + math.hypot(state[4], state[5])
    spin = 50.0 + abs(state[6]) + abs(state[7])
    scale = np.empty(8)
    scale[0] = scale[1] = k.mass * speed
    scale[2] = scale[3] = k.mass * speed
    scale[4] = (k.head_inertia + k.abdomen_inertia) * spin
    scale[5] = scale[6] = 3.0
    scale[7] = spin
    return scale
