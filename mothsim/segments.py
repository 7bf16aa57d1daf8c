"""Random segments, as Zahn et al. 2022 drew them, and the training set made of them.

Ranges: joint velocity +-1500 cm/s each way, both angles in [0, 2 pi], both rates +-25 rad/s, force up to the
body's limit in any direction, torques up to the body's limits, the joint at the origin.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.checks import as_count
from mothsim.io import open_folder, written_aside
from mothsim.solver.propagate import SEGMENT, propagate
from mothsim.solver.threads import default_threads, run

SPEED_RANGE = 1500.0
"""Largest magnitude of the joint's initial velocity along x and along y, cm/s."""

RATE_RANGE = 25.0
"""Largest magnitude of the initial angular rates, rad/s."""

INPUTS = ("phi0", "theta0", "x_f", "y_f", "phi_f", "theta_f", "xdot0", "ydot0", "phidot0", "thetadot0")
"""Columns of a training set's inputs: the initial state without the joint's position, and the final pose."""

OUTPUTS = ("F_x", "F_y", "tau", "xdot_f", "ydot_f", "phidot_f", "thetadot_f")
"""Columns of its outputs: the control (force along and across the head-thorax, torque) and the final velocities."""

FULL_OUTPUTS = (*OUTPUTS[:3], "tau_w", *OUTPUTS[3:])
"""The same of a fully actuated body, whose control has a wing torque."""

UNITS = {
    **dict.fromkeys(("phi0", "theta0", "phi_f", "theta_f"), "rad"),
    **dict.fromkeys(("x_f", "y_f"), "cm"),
    **dict.fromkeys(("xdot0", "ydot0", "xdot_f", "ydot_f"), "cm/s"),
    **dict.fromkeys(("phidot0", "thetadot0", "phidot_f", "thetadot_f"), "rad/s"),
    **dict.fromkeys(("F_x", "F_y"), "dyn"),
    **dict.fromkeys(("tau", "tau_w"), "dyn cm"),
}
"""Units of the columns."""

BLOCK = 1 << 16
"""Rows that share a random stream."""

Solver = Callable[[NDArray, NDArray], NDArray]
"""From states (N, 8) and controls (N, 4) to ends (N, 8), NaN in rows that cannot be solved."""

_X, _Y, _THETA, _PHI, _XDOT, _YDOT, _THETADOT, _PHIDOT = range(8)


@dataclass(frozen=True)
class Segments:
    """A training set, unscaled, cgs: `inputs` (N, 10) and `outputs` (N, 7 or 8), float32, columns as named above."""

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]


def output_names(body: MothBody | None = None) -> tuple[str, ...]:
    """Names of the outputs for a body: `FULL_OUTPUTS` where it has a wing torque, else `OUTPUTS`."""
    return FULL_OUTPUTS if body and body.wing_torque_limit else OUTPUTS


def draw(
    count: int, seed: int | np.random.SeedSequence | np.random.Generator | None = None, body: MothBody | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Random starts (count, 8) and controls (count, 4) for a body, by default Zahn et al.'s.

    Raises:
        ValueError: `count` is negative or not whole.
    """
    count, body = as_count("count", count, 0), body or MothBody()
    uniform = np.random.default_rng(seed).random((count, 10))
    states = np.zeros((count, 8))
    states[:, [_XDOT, _YDOT]] = SPEED_RANGE * (2 * uniform[:, 0:2] - 1)
    states[:, [_THETA, _PHI]] = 2 * math.pi * uniform[:, 2:4]
    states[:, [_THETADOT, _PHIDOT]] = RATE_RANGE * (2 * uniform[:, 4:6] - 1)
    controls = np.empty((count, 4))
    controls[:, 0] = body.force_limit * uniform[:, 6]
    controls[:, 1] = 2 * math.pi * uniform[:, 7]
    controls[:, 2] = body.abdomen_torque_limit * (2 * uniform[:, 8] - 1)
    controls[:, 3] = body.wing_torque_limit * (2 * uniform[:, 9] - 1)
    return states, controls


def generate(
    count: int,
    seed: int = 0,
    *,
    body: MothBody | None = None,
    duration: float = SEGMENT,
    rtol: float = 1e-6,
    first: int = 0,
    folder: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    solver: Solver | None = None,
) -> Segments:
    """A training set of random segments, of which a longer one starts with the shorter one.

    A row depends on its number and `seed` alone.

    Args:
        count: rows.
        seed: of the random streams.
        body: by default Zahn et al.'s; one with a wing torque has it among the outputs.
        duration: s.
        rtol: see `mothsim.propagate`.
        first: row of the set to begin with, a multiple of `BLOCK`, to make a set piece by piece.
        folder: for `inputs.npy` and `outputs.npy`, memory maps, so that a set may be larger than memory.
        threads: by default all.
        solver: solves in place of the engine, for the same body and duration. On a GPU, in seconds:
            `generate(10_000_000, solver=mothsim.solver.jax_engine.solver())`, the same segments to 1e-6.

    Raises:
        ValueError: `count` or `seed` is negative or not whole, or `first` no multiple of `BLOCK`; see `propagate` too.
        RuntimeError: a segment could not be solved.
    """
    count, seed = as_count("count", count, 0), as_count("seed", seed, 0)
    if first < 0 or first % BLOCK:
        raise ValueError(f"first = {first!r}: expected a multiple of {BLOCK}")
    body = body or MothBody()
    solve = solver or (lambda *rows: propagate(*rows, body=body, duration=duration, rtol=rtol, threads=1).states)

    def fill(segments: Segments, block: int) -> None:
        rows = slice(block * BLOCK, min((block + 1) * BLOCK, count))
        # The whole block is drawn even if only part of it is wanted, so that its rows do not depend on `count`.
        states, controls = draw(BLOCK, np.random.SeedSequence(seed, spawn_key=(first // BLOCK + block,)), body)
        states, controls = (each[: rows.stop - rows.start] for each in (states, controls))
        ends = solve(states, controls)
        failed = np.isnan(ends).any(axis=1)
        if failed.any():
            raise RuntimeError(f"{failed.sum()} random segments of block {first // BLOCK + block} could not be solved")
        _tabulate(states, controls, ends, segments.inputs[rows], segments.outputs[rows])

    blocks, workers = range(-(-count // BLOCK)), default_threads() if threads is None else threads
    if folder is None:
        segments = _arrays(count, len(output_names(body)))
        run(partial(fill, segments), blocks, workers)
        return segments
    open_folder(Path(folder), "folder")
    files = [Path(folder) / f"{name}.npy" for name in ("inputs", "outputs")]
    with written_aside(files) as written:
        run(partial(fill, _arrays(count, len(output_names(body)), written)), blocks, workers)
    return Segments(*(np.lib.format.open_memmap(file, mode="r+") for file in files))


def tabulate(states: NDArray, controls: NDArray, finals: NDArray, body: MothBody | None = None) -> Segments:
    """The training set's columns of a body's segments: starts (N, 8), controls (N, 4) and ends (N, 8)."""
    segments = _arrays(len(states), len(output_names(body)))
    _tabulate(states, controls, finals, segments.inputs, segments.outputs)
    return segments


def _tabulate(states, controls, finals, inputs, outputs) -> None:
    inputs[:, 0:2] = states[:, [_PHI, _THETA]]
    inputs[:, 2:4] = finals[:, [_X, _Y]] - states[:, [_X, _Y]]
    inputs[:, 4:6] = finals[:, [_PHI, _THETA]]
    inputs[:, 6:10] = states[:, [_XDOT, _YDOT, _PHIDOT, _THETADOT]]
    outputs[:, 0] = controls[:, 0] * np.cos(controls[:, 1])
    outputs[:, 1] = controls[:, 0] * np.sin(controls[:, 1])
    outputs[:, 2] = controls[:, 2]
    if outputs.shape[1] == len(FULL_OUTPUTS):
        outputs[:, 3] = controls[:, 3]
    outputs[:, -4:] = finals[:, [_XDOT, _YDOT, _PHIDOT, _THETADOT]]


def _arrays(count: int, outputs: int, files: Sequence[Path] | None = None) -> Segments:
    """Arrays for so many rows and outputs, in memory, or in two files through memory maps."""
    shapes = (count, len(INPUTS)), (count, outputs)
    if files is None:
        return Segments(*(np.empty(shape, np.float32) for shape in shapes))
    return Segments(
        *(
            np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
            for file, shape in zip(files, shapes, strict=True)
        )
    )
