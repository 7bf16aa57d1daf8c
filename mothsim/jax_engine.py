"""`propagate` in JAX: the same equations and the same scheme, to vmap, jit and differentiate, on any device.

The exponential layer, then a fixed number of equal steps; every moth takes the same path, so there is nothing
for a device to branch on, and forward and reverse derivatives are those of the scheme itself. What the numba
engine does for violent moths, shorter steps until an estimate is content, is here a choice of `steps`.
Double precision needs `jax.config.update("jax_enable_x64", True)` before arrays are made.

Nothing else in `mothsim` imports this module, so flying does not wait for JAX.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mothsim.body import MothBody
from mothsim.dynamics import Coefficients, coefficients, from_momenta, rates, to_momenta
from mothsim.integrator import LONGEST, SEGMENT
from mothsim.tables import LAYER, STEP

Moth = tuple[Any, ...]

_LAYER_SWEEPS, _SWEEPS = 4, 4


class _Problem(NamedTuple):
    """Coefficients and control of one moth."""

    k: Coefficients
    control: Moth  # F cos(alpha), F sin(alpha), abdominal torque, wing torque


def propagate(states, controls, body: MothBody | None = None, duration: float = SEGMENT, *, steps: int = 4):
    """Final states of moths after a segment of constant control.

    Args:
        states: (..., 8), `[x, y, theta, phi, xdot, ydot, thetadot, phidot]`, cm, rad, s.
        controls: (..., 4), `[force, angle, abdomen_torque, wing_torque]`, dyn, rad, dyn cm.
        body: by default Zahn et al.'s moth.
        duration: s, above 0 and at most 1; it must leave room for the layer, 10 J/c (under 0.7 ms for that moth).
        steps: equal steps after the layer. 4 agree with `mothsim.propagate` to 1e-6 for Zahn et al.'s random
            segments of 20 ms in double precision; 2 are enough for gentle flight.

    Returns:
        (..., 8). Where the layer does not fit into the segment the row is NaN.

    Raises:
        ValueError: shapes that do not fit, or a duration or number of steps out of range.
    """
    states, controls = jnp.asarray(states), jnp.asarray(controls)
    if states.shape[-1:] != (8,):
        raise ValueError(f"states has shape {states.shape}: expected (..., 8)")
    if controls.shape != (*states.shape[:-1], 4):
        raise ValueError(f"controls has shape {controls.shape}: expected {(*states.shape[:-1], 4)}")
    if not 0 < duration <= LONGEST:
        raise ValueError(f"duration = {duration!r}: expected seconds, above 0 and at most {LONGEST}")
    if steps < 1:
        raise ValueError(f"steps = {steps!r}: expected 1 or more")
    dtype = jnp.result_type(states.dtype, controls.dtype, jnp.float32)
    k = Coefficients(*(np.asarray(value, dtype) for value in coefficients(body or MothBody())))
    state = tuple(jnp.moveaxis(states.astype(dtype), -1, 0))
    force, angle, torque, wing = jnp.moveaxis(controls.astype(dtype), -1, 0)
    problem = _Problem(k, (force * jnp.cos(angle), force * jnp.sin(angle), torque, wing))
    bend = state[3] - state[2]
    moth = (*to_momenta(k, state, _trig(state[2], bend)), state[2], bend, state[7] - state[6])
    moth, time = _layer(problem, moth)
    length = (duration - time) / steps
    length = jnp.where(length > 0, length, jnp.nan)
    moth, _ = jax.lax.scan(lambda z, _: (_step(problem, z, length), None), moth, None, length=steps)
    end = from_momenta(k, moth[:5], moth[5], moth[6], moth[7], _trig(moth[5], moth[6]))
    return jnp.stack(end, axis=-1)


def _trig(theta, bend) -> Moth:
    return jnp.sin(theta), jnp.cos(theta), jnp.sin(bend), jnp.cos(bend)


def _rates(problem: _Problem, smooth, bend_rate):
    """Rates of `smooth` (5, ...): P_x, P_y, L, theta, bend; and G and J of the stiff equation."""
    px, py, spin, theta, bend = smooth
    out = rates(problem.k, problem.control, (px, py, spin), bend, bend_rate, _trig(theta, bend))
    px_rate, py_rate, spin_rate, turn, drive, inertia = out
    return jnp.stack([px_rate, py_rate, spin_rate, turn, bend_rate]), drive, inertia


def _end(moth: Moth, smooth, changes, double, h, bend_rate) -> Moth:
    """The moth at the end of a step, from the rates of its smooth coordinates at all nodes."""
    twice = _weighted(double, changes)
    x = moth[0] + h * (moth[2] + h * twice[0])
    y = moth[1] + h * (moth[3] + h * twice[1])
    return (x, y, *smooth, bend_rate)


def _layer(problem: _Problem, moth: Moth) -> tuple[Moth, Any]:
    """The first instant, while the bend's rate relaxes; also its length (s)."""
    smooth0, rate0 = jnp.stack(moth[2:7]), moth[7]
    change, drive, inertia = _rates(problem, smooth0, rate0)
    relaxation = problem.k.damping / inertia
    h = LAYER.length / relaxation
    nodes = len(LAYER.nodes)

    def sweep(known, _):
        changes, forcings = (list(rows) for rows in known[:2])
        rate = rate0
        for i in range(1, nodes):
            rate = float(LAYER.decay[i]) * rate0 + h * _weighted(LAYER.relax[i], forcings)
            smooth = smooth0 + h * _weighted(LAYER.full[i], changes)
            changes[i], drive, inertia = _rates(problem, smooth, rate)
            forcings[i] = drive / inertia + (relaxation - problem.k.damping / inertia) * rate
        return (jnp.stack(changes), jnp.stack(forcings), rate), None

    known = (jnp.stack([change] * nodes), jnp.stack([drive / inertia] * nodes), rate0)
    (changes, _, rate), _ = jax.lax.scan(sweep, known, None, length=_LAYER_SWEEPS)
    smooth = smooth0 + h * _weighted(LAYER.full[-1], changes)
    return _end(moth, smooth, changes, LAYER.double, h, rate), h


def _step(problem: _Problem, moth: Moth, h) -> Moth:
    """One step of collocation: a sweep that knows only the nodes before, then sweeps over all of them."""
    smooth0, rate0 = jnp.stack(moth[2:7]), moth[7]
    damping = problem.k.damping
    change, drive, inertia = _rates(problem, smooth0, rate0)
    changes, bend_rates, drives, inertias = [change], [rate0], [drive], [inertia]
    for i in range(1, len(STEP.nodes)):
        guessed = [*changes, changes[-1]]
        smooth = smooth0 + h * _weighted(STEP.first[i, : i + 1], guessed)
        change, drive, inertia = _rates(problem, smooth, bend_rates[-1])
        known = _weighted(STEP.slope_first[i, :i], bend_rates)
        rate = (drive - inertia / h * known) / (damping + inertia / h * float(STEP.slope_first[i, i]))
        changes.append(change.at[4].set(rate))
        bend_rates.append(rate)
        drives.append(drive)
        inertias.append(inertia)

    def sweep(nodes, _):
        changes, drives, inertias = (list(rows) for rows in nodes[:3])
        bend_rates = [rate0, *_solve(problem, rate0, drives[1:], inertias[1:], h)]
        changes = [change.at[4].set(rate) for change, rate in zip(changes, bend_rates, strict=True)]
        for i in range(1, len(STEP.nodes)):
            smooth = smooth0 + h * _weighted(STEP.full[i], changes)
            change, drive, inertia = _rates(problem, smooth, bend_rates[i])
            own = damping + inertia / h * float(STEP.stiffness[i])
            bend_rates[i] = bend_rates[i] + (drive - drives[i]) / own
            changes[i], drives[i], inertias[i] = change.at[4].set(bend_rates[i]), drive, inertia
        return (jnp.stack(changes), jnp.stack(drives), jnp.stack(inertias), bend_rates[-1]), None

    nodes = (jnp.stack(changes), jnp.stack(drives), jnp.stack(inertias), bend_rates[-1])
    (changes, _, _, rate), _ = jax.lax.scan(sweep, nodes, None, length=_SWEEPS)
    smooth = smooth0 + h * _weighted(STEP.full[-1], changes)
    return _end(moth, smooth, changes, STEP.double, h, rate)


def _weighted(weights, values) -> Any:
    """Weighted sum over nodes."""
    return sum(float(weight) * value for weight, value in zip(weights, values, strict=True))


def _solve(problem: _Problem, rate0, drives, inertias, h) -> list:
    """The bend's rate at all nodes from `J d' = G - c d`, by elimination without pivots."""
    n = len(drives)
    over = [inertia / h for inertia in inertias]
    right = [drives[i] - over[i] * float(STEP.slope[i + 1, 0]) * rate0 for i in range(n)]
    matrix = [[over[i] * float(STEP.slope[i + 1, j + 1]) for j in range(n)] for i in range(n)]
    for i in range(n):
        matrix[i][i] = matrix[i][i] + problem.k.damping
    for i in range(n):
        for j in range(i + 1, n):
            factor = matrix[j][i] / matrix[i][i]
            for m in range(i + 1, n):
                matrix[j][m] = matrix[j][m] - factor * matrix[i][m]
            right[j] = right[j] - factor * right[i]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            right[i] = right[i] - matrix[i][j] * right[j]
        right[i] = right[i] / matrix[i][i]
    return right
