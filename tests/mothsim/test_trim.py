import math
from typing import Any

import numpy as np
import pytest

from mothsim import MothBody, propagate
from mothsim.actuation import from_components, to_components
from mothsim.trim import find_trim, linearise


def test_hover_figures() -> None:
    upright, tilted = find_trim(MothBody()), find_trim(MothBody(), math.pi / 4)
    assert upright.state[3] - upright.state[2] == pytest.approx(math.pi)
    assert upright.control == pytest.approx([2586, 0, 0, 0], rel=1e-4, abs=1e-9)
    assert tilted.state[3] - tilted.state[2] - math.pi == pytest.approx(1.04, abs=0.005)
    assert tilted.control[2] == pytest.approx(-24800, rel=2e-3)


@pytest.mark.parametrize("body", [MothBody(), MothBody().scaled(0.8), MothBody.bustamante2022("fa")])
@pytest.mark.parametrize(("angle", "velocity"), [(1.3, (0.0, 0.0)), (1.7, (200.0, -120.0)), (1.4, (-300.0, 300.0))])
def test_trim_flies_on_unchanged(body: MothBody, angle: float, velocity: tuple[float, float]) -> None:
    trim = find_trim(body, angle, velocity)
    after = propagate(trim.state, trim.control, body=body, duration=0.1, rtol=1e-9).states
    moved = np.array([0.1 * velocity[0], 0.1 * velocity[1], 0, 0, 0, 0, 0, 0])
    assert after == pytest.approx(trim.state + moved, abs=2e-5)


def test_no_trim_is_said() -> None:
    with pytest.raises(ValueError, match=r"angle = nan rad at velocity .*: expected finite numbers"):
        find_trim(MothBody(), math.nan)
    name: Any = "zahn2022"
    with pytest.raises(ValueError, match=r"body = 'zahn2022': expected a MothBody; mothsim.make_body"):
        find_trim(name)
    with pytest.raises(ValueError, match="no bend of the body balances it"):
        find_trim(MothBody(force_distance=6.0), 0.0)
    with pytest.raises(ValueError, match="beyond the body's"):
        find_trim(MothBody(force_limit=1000.0))


def test_linearisation_predicts_a_small_departure() -> None:
    body, rng = MothBody(), np.random.default_rng(0)
    trim = find_trim(body, 1.2)
    linear = linearise(body, trim)
    state = 1e-3 * rng.standard_normal((20, 8))
    control = rng.standard_normal((20, 4))
    after = propagate(
        trim.state + state, from_components(to_components(trim.control) + control), body=body, rtol=1e-9
    ).states
    predicted = trim.state + state @ linear.a.T + control @ linear.b.T
    assert np.abs(after - predicted).max() < 0.02 * np.abs(after - trim.state).max()
