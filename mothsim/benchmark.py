"""How fast the engine is on this machine, beside other solvers where they are installed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mothsim.body import MothBody
from mothsim.dynamics import coefficients
from mothsim.engine import solve_carefully
from mothsim.integrator import SEGMENT, propagate, warm_up
from mothsim.rivals import RIVALS
from mothsim.segments import draw
from mothsim.threads import default_threads


@dataclass(frozen=True)
class Options:
    """What to measure."""

    rows: int = 10_000
    """Random 20 ms segments of Zahn et al.'s moth for the engine."""
    rival_rows: int = 200
    """Segments for each other solver."""
    repeats: int = 5
    """Best of so many."""
    seed: int = 0
    """Of the segments."""
    rivals: bool = True
    """Measure the other solvers too."""


def best_time(work: Callable[[], Any], repeats: int) -> float:
    """Shortest wall time, s, of `work`, after one run to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def reference(states, controls, duration: float = SEGMENT) -> np.ndarray:
    """Ends of Zahn et al.'s moths by the careful solver at 1e-12."""
    final = np.empty_like(states)
    solve_carefully(coefficients(MothBody()).packed(), states, controls, duration, 1e-12, final)
    return final


def largest_error(ends, exact) -> float:
    """Largest error, in units of each component's largest magnitude in the batch; NaN where a row failed."""
    return float((np.abs(ends - exact) / np.abs(exact).max(axis=0)).max())


def work_precision(options: Options) -> list[dict[str, Any]]:
    """One row a solver and tolerance: `solver`, `rtol`, `us_per_segment` on one thread, `largest_error`, `note`."""
    states, controls = draw(options.rows, options.seed)
    few = min(options.rival_rows, options.rows)
    exact = reference(states[:few], controls[:few])
    table = []
    for rtol in (1e-3, 1e-4, 1e-5, 1e-6, 1e-8):
        count = options.rows if rtol >= 3e-7 else few
        solve = partial(propagate, rtol=rtol, threads=1)
        seconds = best_time(partial(solve, states[:count], controls[:count]), options.repeats)
        error = largest_error(solve(states[:few], controls[:few]).states, exact)
        table.append(_row("mothsim", rtol, seconds / count, error))
    for name, make in RIVALS.items() if options.rivals else ():
        try:
            solve = make()
        except ImportError as missing:
            table.append({"solver": name, "note": f"skipped: {missing}"})
            continue
        for rtol in (1e-4, 1e-6, 1e-8):
            ends = solve(states[:few], controls[:few], rtol)
            seconds = best_time(lambda s=solve, r=rtol: s(states[:few], controls[:few], r), min(options.repeats, 3))
            table.append(_row(name, rtol, seconds / few, largest_error(ends, exact)))
    return table


def _row(solver: str, rtol: float, seconds: float, error: float) -> dict[str, Any]:
    return {"solver": solver, "rtol": rtol, "us_per_segment": 1e6 * seconds, "largest_error": error, "note": ""}


def run(options: Options) -> dict[str, Any]:
    """All measurements: `work_precision`, `single_moth_us`, `batches` (us a segment), `threads` (likewise)."""
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
    threads = {
        count: 1e6 * best_time(lambda n=count: propagate(states, controls, threads=n), options.repeats) / options.rows
        for count in sorted({1, 2, default_threads()})
    }
    return {
        "warm_up_s": warm,
        "single_moth_us": batches[1],
        "realtime_factor": SEGMENT / (1e-6 * batches[1]),
        "batches": batches,
        "threads": threads,
        "work_precision": work_precision(options),
        "seed": options.seed,
    }


def report(result: dict[str, Any]) -> str:
    """The measurements as text."""
    lines = [
        f"warm-up {result['warm_up_s']:.2f} s; one moth, one segment {result['single_moth_us']:.1f} us a call, "
        f"{result['realtime_factor']:.0f} times real time",
        "us a segment, one thread, by batch:  "
        + "  ".join(f"{size}: {value:.2f}" for size, value in result["batches"].items()),
        "us a segment by threads:  " + "  ".join(f"{n}: {value:.3f}" for n, value in result["threads"].items()),
        f"{'solver':14s} {'rtol':>7s} {'us a segment':>13s} {'largest error':>14s}",
    ]
    for row in result["work_precision"]:
        if row["note"]:
            lines.append(f"{row['solver']:14s} {row['note']}")
        else:
            lines.append(
                f"{row['solver']:14s} {row['rtol']:7.0e} {row['us_per_segment']:13.3f} {row['largest_error']:14.1e}"
            )
    return "\n".join(lines)
