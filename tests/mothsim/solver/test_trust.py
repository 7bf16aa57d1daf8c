"""How far `propagate` may be trusted: every body, tolerance and duration against a reference at 1e-11.

Run this file to print the table: `python tests/benchmarks/test_trust.py 100000`.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mothsim import MothBody, propagate, segments
from mothsim.dynamics import coefficients
from mothsim.solver.cascade import solve_with_radau
from mothsim.solver.threads import default_threads, run

BODIES = {
    "zahn2022": MothBody(),
    **{f"zahn2022 x {scale}": MothBody().scaled(scale) for scale in (0.5, 0.8, 1.3, 2.0)},
    "bustamante2022 fs, 1e6": MothBody.bustamante2022("fs", torque_limit=1e6),
    "bustamante2022 us, 1e6": MothBody.bustamante2022("us", torque_limit=1e6),
}
TOLERANCES = tuple(10.0**-power for power in range(3, 10))


def reference(states, controls, body, duration):
    """Ends by the Radau solver at 1e-11, on all cores."""
    exact = np.empty_like(states)
    packed = coefficients(body).packed()
    parts = [slice(first, first + 100) for first in range(0, len(states), 100)]
    run(lambda p: solve_with_radau(packed, states[p], controls[p], duration, 1e-11, exact[p]), parts, default_threads())
    return exact


def errors(body, rows, duration=segments.SEGMENT, tolerances=TOLERANCES, seed=7):
    """For each tolerance: errors of fresh rows (rows,), each component in units of its largest magnitude.

    A row that the engine flags and the reference solves, or the other way about, counts as infinitely wrong.
    """
    states, controls = segments.draw(rows, seed, body)
    exact = reference(states, controls, body, duration)
    known = np.isfinite(exact[:, 0])
    scale = np.abs(exact[known]).max(axis=0)
    for rtol in tolerances:
        end = propagate(states, controls, body=body, duration=duration, rtol=rtol)
        error = (np.abs(end.states - exact) / scale).max(axis=1)
        yield rtol, np.where(known & end.success, error, np.where(known == end.success, 0.0, np.inf))


@pytest.mark.parametrize("name", BODIES)
def test_every_row_is_within_ten_times_the_tolerance(name):
    for rtol, error in errors(BODIES[name], 300, tolerances=(1e-3, 1e-4, 1e-6, 1e-8)):
        assert error.max() < 10 * rtol, rtol


@pytest.mark.slow
@pytest.mark.parametrize("name", BODIES)
def test_every_row_of_many_is_within_ten_times_the_tolerance(name):
    for rtol, error in errors(BODIES[name], 5000, seed=8):
        assert error.max() < 10 * rtol, rtol


@pytest.mark.parametrize("duration", [1e-4, 5e-4, 1e-3, 5e-3, 0.05, 0.2])
def test_any_duration(duration):
    for rtol, error in errors(MothBody(), 200, duration, (1e-3, 1e-4, 1e-6, 1e-8)):
        assert error.max() < 10 * rtol, rtol


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{'body':24s} {'duration':>8s} {'rtol':>6s} {'worst / rtol':>12s} {'share above rtol':>17s}", flush=True)
    cases = [(name, segments.SEGMENT, count) for name in BODIES]
    cases += [("zahn2022", duration, count // 10) for duration in (1e-4, 1e-3, 5e-3, 0.05, 0.2)]
    for body_name, seconds, row_count in cases:
        for tolerance, found in errors(BODIES[body_name], row_count, seconds):
            print(f"{body_name:24s} {seconds:8.4f} {tolerance:6.0e} {found.max() / tolerance:12.2f} "
                  f"{np.mean(found > tolerance):17.5f}", flush=True)  # fmt: skip
