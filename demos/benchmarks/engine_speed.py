"""How fast the engine is on this machine, beside other solvers where they are installed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mothsim.body import MothBody
from mothsim.demos.benchmarks.baseline_solvers import BASELINE_SOLVERS
from mothsim.dynamics import coefficients
from mothsim.segments import draw
from mothsim.solver.cascade import COARSE_RTOL, solve_with_radau
from mothsim.solver.propagate import SEGMENT, propagate, warm_up
from mothsim.solver.threads import default_threads
from mothsim.timing import best_time


@dataclass(frozen=True)
class Options:
    """Options of the measurement."""

    rows: int = 10_000
    """Random 20 ms segments of Zahn et al.'s moth for the engine."""
    baseline_rows: int = 200
    """Segments for each other solver."""
    repeats: int = 5
    """Repeats, of which the best counts."""
    seed: int = 0
    """Seed of the segments."""
    baselines: bool = True
    """Measure the other solvers too."""


def reference(states, controls, duration: float = SEGMENT) -> np.ndarray:
    """Ends of Zahn et al.'s moths by the Radau solver at 1e-12."""
    final = np.empty_like(states)
    solve_with_radau(coefficients(MothBody()).packed(), states, controls, duration, 1e-12, final)
    return final


def largest_error(ends, exact) -> float:
    """Largest error, in units of each component's largest magnitude in the batch; NaN where a row failed."""
    return float((np.abs(ends - exact) / np.abs(exact).max(axis=0)).max())


def work_precision(options: Options) -> list[dict[str, Any]]:
    """One row a solver and tolerance: `solver`, `rtol`, `us_per_segment` on one thread, `largest_error`, `note`.

    Where a row of segments failed there is no error, but a note.
    """
    states, controls = draw(options.rows, options.seed)
    few = min(options.baseline_rows, options.rows)
    exact = reference(states[:few], controls[:few])
    table = []
    for rtol in (1e-3, 1e-4, 1e-5, 1e-6, 1e-8):
        count = options.rows if rtol >= 3e-7 else few
        solve = partial(propagate, rtol=rtol, threads=1)
        seconds = best_time(partial(solve, states[:count], controls[:count]), options.repeats)
        table.append(_row("mothsim", rtol, seconds / count, solve(states[:few], controls[:few]).states, exact))
    for name, make in BASELINE_SOLVERS.items() if options.baselines else ():
        try:
            solve = make()
        except ImportError as missing:
            table.append({"solver": name, "note": f"skipped: {missing}"})
            continue
        for rtol in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8):
            ends = solve(states[:few], controls[:few], rtol)
            seconds = best_time(lambda s=solve, r=rtol: s(states[:few], controls[:few], r), min(options.repeats, 3))
            table.append(_row(name, rtol, seconds / few, ends, exact))
    return table


def _row(solver: str, rtol: float, seconds: float, ends, exact) -> dict[str, Any]:
    failed = int(np.isnan(ends).any(axis=1).sum())
    return {
        "solver": solver,
        "rtol": rtol,
        "us_per_segment": 1e6 * seconds,
        "largest_error": None if failed else largest_error(ends, exact),
        "note": f"{failed} of {len(ends)} segments failed" if failed else "",
    }


def gains(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Speed-up of the engine over each other solver, at an error that both keep to.

    Returns:
        A row for each other solver and bound, with `solver`, `error`, `our_error`, `us_per_segment` and
        `our_us_per_segment` of the cheapest tolerances that keep to them, and `gain`. The last bound is that of the
        single precision, 1e-4 for us; the others are held to 1e-6 there too, what Monte Carlo would else pay for.
    """

    def cheapest(solver: str, error: float) -> float | None:
        times = [
            row["us_per_segment"]
            for row in table
            if row["solver"] == solver and row.get("largest_error") is not None and row["largest_error"] <= error
        ]
        return min(times, default=None)

    rows = []
    for solver in dict.fromkeys(row["solver"] for row in table if row["solver"] != "mothsim"):
        for error, our_error in ((1e-4, 1e-4), (1e-6, 1e-6), (1e-6, 1e-4)):
            theirs, ours = cheapest(solver, error), cheapest("mothsim", our_error)
            if theirs and ours:
                row = {"solver": solver, "error": error, "our_error": our_error}
                rows.append(row | {"us_per_segment": theirs, "our_us_per_segment": ours, "gain": theirs / ours})
    return rows


def run(options: Options) -> dict[str, Any]:
    """All measurements: `work_precision`, `gains`, `single_moth_us`; us a segment by `batches` and by `threads`."""
    start = time.perf_counter()
    warm_up()
    warm = time.perf_counter() - start
    states, controls = draw(options.rows, options.seed)
    batches = {}
    for size in (1, 16, 256, 2500, options.rows):
        if size <= options.rows:
            calls = max(1, 2000 // size)

            def repeat(size=size, calls=calls):
                for _ in range(calls):
                    propagate(states[:size], controls[:size], threads=1)

            batches[size] = 1e6 * best_time(repeat, options.repeats) / (calls * size)

    def by_threads(rtol: float) -> dict[int, float]:
        work = {
            n: partial(propagate, states, controls, rtol=rtol, threads=n) for n in sorted({1, 2, default_threads()})
        }
        return {n: 1e6 * best_time(solve, 3 * options.repeats) / options.rows for n, solve in work.items()}

    table = work_precision(options)
    return {
        "warm_up_s": warm,
        "single_moth_us": batches[1],
        "realtime_factor": SEGMENT / (1e-6 * batches[1]),
        "batches": batches,
        "threads": by_threads(1e-6),
        "coarse_threads": by_threads(COARSE_RTOL),
        "work_precision": table,
        "gains": gains(table),
        "seed": options.seed,
    }


def report(result: dict[str, Any]) -> str:
    """The measurements as text."""
    lines = [
        f"warm-up {result['warm_up_s']:.2f} s; one moth, one segment {result['single_moth_us']:.1f} us a call, "
        f"{result['realtime_factor']:.0f} times real time",
        "us a segment, one thread, by batch:  "
        + "  ".join(f"{size}: {value:.2f}" for size, value in result["batches"].items()),
        "us a segment by threads, at 1e-6:  "
        + "  ".join(f"{n}: {value:.3f}" for n, value in result["threads"].items())
        + "  and in single precision, at 1e-4:  "
        + "  ".join(f"{n}: {value:.3f}" for n, value in result["coarse_threads"].items()),
        f"{'solver':14s} {'rtol':>7s} {'us a segment':>13s} {'largest error':>14s}",
    ]
    for row in result["work_precision"]:
        if "rtol" not in row:
            lines.append(f"{row['solver']:14s} {row['note']}")
            continue
        found = row["note"] or f"{row['largest_error']:14.1e}"
        lines.append(f"{row['solver']:14s} {row['rtol']:7.0e} {row['us_per_segment']:13.3f} {found}")
    lines += [
        f"{row['gain']:.0f} times {row['solver']}: {row['our_us_per_segment']:.3f} us within {row['our_error']:.0e}, "
        f"{row['us_per_segment']:.1f} within {row['error']:.0e}"
        for row in result["gains"]
    ]
    return "\n".join(lines)
