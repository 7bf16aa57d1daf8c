"""The environment's benchmark runs, and the batch is worth having (its figures proper are for an idle machine)."""

from tests.benchmarks.environment import environment


def test_the_batch_outruns_single_environments():
    result = environment(moths=1024, sync_moths=16, steps=8, repeats=2)
    assert result["moths"] == 1024
    assert result["ratio"] == result["steps_per_second"] / result["sync_steps_per_second"]
    assert result["ratio"] > 5
