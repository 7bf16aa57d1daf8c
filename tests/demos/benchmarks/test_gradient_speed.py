"""The gradient through the flight is timed beside reverse mode."""

import pytest

from mothsim.demos.benchmarks.gradient_speed import gradient_speed, report


@pytest.mark.slow
def test_reverse_mode_is_timed_too() -> None:
    result = gradient_speed(moths=4, segments=2, repeats=1)
    assert result["reverse_per_second"] > 0
    assert "by reverse mode through the JAX engine (4 moths)" in report(result)
