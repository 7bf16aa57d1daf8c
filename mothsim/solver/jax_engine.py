"""`propagate` in JAX: the same equations and the same scheme, to vmap, jit and differentiate, on any device.

The exponential layer, then a fixed number of equal steps; every moth takes the same path, so there is nothing
for a device to branch on, and forward and reverse derivatives are those of the scheme itself. What the numba
engine does for violent moths, shorter steps until an estimate is content, is here a choice of `steps`.
Double precision needs `jax.config.update("jax_enable_x64", True)` before arrays are made.

Nothing else in `mothsim` imports this module, so flying does not wait for JAX; and it runs where there is no numba.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mothsim.arithmetic import PER_TURN, quarter_angle, sine_cosine_of_quarter
from mothsim.body import MothBody
from mothsim.checks import as_count
from mothsim.dynamics import Coefficients, coefficients, from_momenta, rates, to_momenta
from mothsim.segments import Solver
from mothsim.solver.collocation import LAYER, STEP
from mothsim.solver.propagate import LONGEST, SEGMENT

try:
    from jax import enable_x64
except ImportError:  # older JAX
    from jax.experimental import enable_x64  # pyright: ignore[reportAttributeAccessIssue]

Moth = tuple[Any, ...]

_LAYER_SWEEPS, _SWEEPS = 3, 3


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
            segments of 20 ms in double precision; 2 are enough for near-hover flight.

    Returns:
        (..., 8). Where the layer does not fit into the segment the row is NaN.

    Raises:
        ValueError: shapes that do not fit, or a duration or number of steps out of range.
    """
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # whatever the program's flags are
        return _propagate(jnp.asarray(states), jnp.asarray(controls), body or MothBody(), duration, steps)


def _propagate(states, controls, body: MothBody, duration: float, steps: int):
    if states.shape[-1:] != (8,):
        raise ValueError(f"states has shape {states.shape}: expected (..., 8)")
    if controls.shape != (*states.shape[:-1], 4):
        raise ValueError(f"controls has shape {controls.shape}: expected {(*states.shape[:-1], 4)}")
    if not 0 < duration <= LONGEST:
        raise ValueError(f"duration = {duration!r}: expected seconds, above 0 and at most {LONGEST}")
    as_count("steps", steps)
    dtype = jnp.result_type(states.dtype, controls.dtype, jnp.float32)
    k = Coefficients(*(np.asarray(value, dtype) for value in coefficients(body)))
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


def solver(
    body: MothBody | None = None, duration: float = SEGMENT, *, steps: int = 4, batch: int | None = None
) -> Solver:
    """What `mothsim.segments.generate` may solve its segments with, on whatever device JAX finds.

    Args:
        body: see `propagate`.
        duration: see `propagate`.
        steps: see `propagate`.
        batch: moths that the device works on at a time; by default 1024 on a CPU, whose cache holds them, else all.

    Returns:
        `solve(states (N, 8), controls (N, 4)) -> ends (N, 8)`, float64 throughout, whatever JAX's default is.
    """

    @jax.jit
    def chunks(states, controls):
        return jax.lax.map(lambda chunk: propagate(chunk[0], chunk[1], body, duration, steps=steps), (states, controls))

    def solve(states, controls):
        size = batch or (1024 if jax.default_backend() == "cpu" else max(1, len(states)))
        count = -(-len(states) // size)
        with enable_x64(True):
            # The last chunk is filled up with rows that are solved already.
            ends = chunks(np.resize(states, (count, size, 8)), np.resize(controls, (count, size, 4)))
        return np.asarray(ends).reshape(-1, 8)[: len(states)]

    return solve


def _trig(theta, bend) -> Moth:
    return (*_sine_cosine(theta), *_sine_cosine(bend))


def _sine_cosine(x) -> Moth:
    """By the engine's own series: a device's sine in double precision takes as long as a whole node."""
    return sine_cosine_of_quarter(quarter_angle(x, jnp.round(x * PER_TURN)))


def _rates(problem: _Problem, smooth, bend_rate):
    """Rates of the smooth coordinates P_x, P_y, L, theta, bend; and G and J of the stiff equation."""
    px, py, spin, theta, bend = smooth
    out = rates(problem.k, problem.control, (px, py, spin), bend, bend_rate, _trig(theta, bend))
    px_rate, py_rate, spin_rate, turn, drive, inertia = out
    return (px_rate, py_rate, spin_rate, turn, bend_rate), drive, inertia


def _end(moth: Moth, changes, row, double, h, bend_rate) -> Moth:
    """The moth at the end of a step, from the rates of its smooth coordinates at all nodes."""
    x = moth[0] + h * (moth[2] + h * _weighted(double, changes[0]))
    y = moth[1] + h * (moth[3] + h * _weighted(double, changes[1]))
    return (x, y, *_advanced(moth, h, row, changes), bend_rate)


def _advanced(moth: Moth, h, row, changes) -> Moth:
    """The smooth coordinates at a node, by its row of weights."""
    return tuple(start + h * _weighted(row, change) for start, change in zip(moth[2:7], changes, strict=True))


def _weighted(row, values):
    """Weighted sum over nodes, the first axis; a GPU's default would round to ten bits."""
    return jnp.tensordot(jnp.asarray(row, values.dtype), values, 1, precision="highest")


def _set(nodes, i, values):
    """Quantities at node i: arrays, nodes first, or tuples of such arrays."""
    return jax.tree.map(lambda quantity, value: quantity.at[i].set(value), nodes, values)


def _everywhere(count, values):
    """Nodes that all hold the same."""
    return jax.tree.map(lambda value: jnp.stack([value] * count), values)


def _without_own(table):
    """Weights for a first sweep, which does not know a node before it is there: its share goes to the one before."""
    known = np.array(table)
    for i in range(1, len(known)):
        known[i, i - 1] += known[i, i]
        known[i, i] = 0.0
    return known


def _layer(problem: _Problem, moth: Moth) -> tuple[Moth, Any]:
    """The first instant, while the bend's rate relaxes; also its length (s)."""
    rate0, damping = moth[7], problem.k.damping
    change, drive, inertia = _rates(problem, moth[2:7], rate0)
    relaxation = damping / inertia
    h = LAYER.length / relaxation

    def visit(nodes, row):
        changes, forcings = nodes
        i, full, relax, decay = row
        rate = decay * rate0 + h * _weighted(relax, forcings)
        change, drive, inertia = _rates(problem, _advanced(moth, h, full, changes), rate)
        return _set(nodes, i, (change, drive / inertia + (relaxation - damping / inertia) * rate)), rate

    def sweep(nodes, _):
        nodes, visited = jax.lax.scan(visit, nodes, rows)
        return nodes, visited[-1]

    rows = _node_rows(rate0.dtype, LAYER.full, LAYER.relax, LAYER.decay)
    nodes = _everywhere(len(LAYER.nodes), (change, drive / inertia))
    (changes, _), ends = jax.lax.scan(sweep, nodes, None, length=_LAYER_SWEEPS)
    return _end(moth, changes, LAYER.full[-1], LAYER.double, h, ends[-1]), h


def _node_rows(dtype, *tables):
    """For a scan over the nodes after the first: their numbers, and their rows of the tables."""
    return (np.arange(1, len(tables[0])), *(np.asarray(table[1:], dtype) for table in tables))


def _step(problem: _Problem, moth: Moth, h) -> Moth:
    """One step of collocation: a sweep that knows only the nodes before, then sweeps over all of them."""
    rate0, damping = moth[7], problem.k.damping

    def first_visit(nodes, row):
        changes, *_ = nodes
        i, first, slope, own = row
        change, drive, inertia = _rates(problem, _advanced(moth, h, first, changes), changes[4][i - 1])
        over = inertia / h
        rate = (drive - over * _weighted(slope, changes[4])) / (damping + over * own)
        return _set(nodes, i, ((*change[:4], rate), drive, inertia)), None

    def visit_again(nodes, row):
        changes, drives, _ = nodes
        i, full, stiffness = row
        rate = changes[4][i]
        change, drive, inertia = _rates(problem, _advanced(moth, h, full, changes), rate)
        rate = rate + (drive - drives[i]) / (damping + inertia / h * stiffness)
        return _set(nodes, i, ((*change[:4], rate), drive, inertia)), None

    def sweep(nodes, _):
        changes, drives, inertias = nodes
        changes = (*changes[:4], _solve(problem, rate0, drives, inertias, h))
        return jax.lax.scan(visit_again, (changes, drives, inertias), again)

    slope = STEP.slope_first
    first = _node_rows(rate0.dtype, _without_own(STEP.first), np.tril(slope, -1), np.diag(slope))
    again = _node_rows(rate0.dtype, STEP.full, STEP.stiffness)
    nodes = _everywhere(len(STEP.nodes), _rates(problem, moth[2:7], rate0))
    nodes, _ = jax.lax.scan(first_visit, nodes, first)
    (changes, _, _), _ = jax.lax.scan(sweep, nodes, None, length=_SWEEPS)
    return _end(moth, changes, STEP.full[-1], STEP.double, h, changes[4][-1])


def _solve(problem: _Problem, rate0, drives, inertias, h):
    """The bend's rate at all nodes from `J d' = G - c d`, by elimination without pivots."""
    n = len(STEP.nodes) - 1
    ones = (1,) * rate0.ndim
    slope = jnp.asarray(STEP.slope[1:], rate0.dtype).reshape(n, n + 1, *ones)
    over = inertias[1:, None] / h
    left = over * slope[:, 1:] + problem.k.damping * jnp.eye(n, dtype=rate0.dtype).reshape(n, n, *ones)
    right = drives[1:, None] - over * slope[:, :1] * rate0
    system = jnp.concatenate([left, right], axis=1)
    rows = []
    while len(system):
        rows.append(system[0, 1:] / system[0, :1])
        # The barrier keeps the compiler from computing every stage anew in the next one.
        system = jax.lax.optimization_barrier(system[1:, 1:] - system[1:, :1] * rows[-1])
    rates: list = []
    for row in reversed(rows):
        rates.insert(0, row[-1] - sum(row[i] * rate for i, rate in enumerate(rates)))
    return jnp.stack([rate0, *rates])
