"""Work against precision: the engine beside other solvers. Run this file to draw the picture and print the table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from mothsim.demos.benchmarks import engine_speed


def draw_picture(table: list[dict], path: Path) -> None:
    """Microseconds a segment against largest scaled error, a line for each solver."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5))
    for solver in dict.fromkeys(row["solver"] for row in table):
        rows = [row for row in table if row["solver"] == solver and not row["note"]]
        if rows:
            axes.loglog(
                [row["largest_error"] for row in rows], [row["us_per_segment"] for row in rows], "o-", label=solver
            )
    axes.set(xlabel="largest scaled error", ylabel="µs a segment, one thread")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150, bbox_inches="tight")
    pyplot.close(figure)


def test_benchmark_runs_small(tmp_path):
    result = engine_speed.run(engine_speed.Options(rows=300, baseline_rows=20, repeats=1, baselines=False))
    ours = {row["rtol"]: row for row in result["work_precision"]}
    assert ours[1e-6]["largest_error"] < 1e-5
    assert "us a segment" in engine_speed.report(result)
    json.dumps(result)
    draw_picture(result["work_precision"], tmp_path / "work_precision.png")
    assert (tmp_path / "work_precision.png").stat().st_size > 5000


def test_gains_compare_what_keeps_to_the_same_error():
    table = [
        {"solver": "mothsim", "us_per_segment": 1.0, "largest_error": 1e-5},
        {"solver": "mothsim", "us_per_segment": 2.0, "largest_error": 1e-7},
        {"solver": "other", "us_per_segment": 50.0, "largest_error": 2e-6},
        {"solver": "other", "us_per_segment": 100.0, "largest_error": 5e-7},
        {"solver": "other", "us_per_segment": 10.0, "largest_error": None, "note": "1 of 9 segments failed"},
        {"solver": "absent", "note": "skipped"},
    ]
    assert [row["gain"] for row in engine_speed.gains(table)] == [50.0, 50.0, 100.0]


def test_baseline_solvers_solve_the_same_segments():
    options = engine_speed.Options(baseline_rows=5)
    states, controls = engine_speed.draw(options.baseline_rows, options.seed)
    exact = engine_speed.reference(states, controls)
    for name in ("odeint", "numbalsoda"):
        try:
            solve = engine_speed.BASELINE_SOLVERS[name]()
        except ImportError:
            continue
        ends = solve(states, controls, 1e-7)
        np.testing.assert_allclose(ends, exact, rtol=1e-2, atol=1e-2, err_msg=name)


if __name__ == "__main__":
    measured = engine_speed.run(engine_speed.Options())
    print(engine_speed.report(measured))
    draw_picture(measured["work_precision"], Path("work_precision.png"))
