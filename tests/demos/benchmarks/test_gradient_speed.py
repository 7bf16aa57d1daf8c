"""The gradient through the flight is timed beside reverse mode."""

import pytest

from mothsim.demos.benchmarks import gradient_speed
from mothsim.demos.benchmarks.gradient_speed import gradient_speeds, report


@pytest.mark.slow
def test_both_engines_and_reverse_mode_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_speed, "fastest_engine", lambda: "jax")
    results = gradient_speeds(repeats=1, moths=[128])  # the numba engine's number too, so that JAX compiles for one
    assert [(one["engine"], one["moths"]) for one in results] == [("numba", 128), ("jax", 128)]
    for result in results:
        assert result["forward_per_second"] > result["gradient_per_second"] > 0
        assert result["reverse_per_second"] > 0
    assert "by reverse mode through the JAX engine (128 moths, engine jax)" in report(results[1])
