"""The environment's benchmark runs; its figures are for an idle machine."""

from mothsim.demos.benchmarks.environment_speed import environment, rendering


def test_the_benchmark_runs():
    result = environment(moths=1024, sync_moths=16, steps=8, repeats=2)
    assert result["moths"] == 1024
    assert result["ratio"] == result["steps_per_second"] / result["sync_steps_per_second"]
    assert result["steps_per_second"] > 0


def test_rendering_is_timed():
    assert 0 < rendering(frames=3)["frames_per_second"] < 1000
