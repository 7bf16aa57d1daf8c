"""The JAX environment's benchmark runs; its figures are for an idle machine."""

from mothsim.demos.benchmarks.jax_environment_speed import JaxEnvironmentSpeed


def test_the_benchmark_runs(capsys):
    (row,) = JaxEnvironmentSpeed(moths=(8,), steps=2, repeats=1).run()
    assert row["moths"] == 8
    assert row["steps_per_second"] > 0
    assert "steps_per_cpu_second" in capsys.readouterr().out
