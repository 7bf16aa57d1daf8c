"""Flights that are drawn for training: delays, and groups that are drawn otherwise than the rest."""

import re
from typing import Any

import numpy as np
import pytest

from mothsim import MothBody
from mothsim.controllers.policies.disturbed_scenarios import Disturbed, delay_shares, draw_scenario

BODY = MothBody()


def test_delays_between_decisions_share_what_is_shown() -> None:
    np.testing.assert_allclose(
        delay_shares(np.array([0.0, 0.02, 0.025, 0.06])), [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0.75, 0.25, 0], [0, 0, 0, 1]]
    )


def test_a_share_of_the_groups_is_undisturbed_and_the_others_are_as_without_it() -> None:
    def draw(group: int, share: float) -> Any:
        return draw_scenario(0, group, 0, 4, 3, 1.0, 1.0, 1.0, Disturbed(undisturbed=share))

    calm = 0
    for group in range(200):
        shared, without = draw(group, 0.25), draw(group, 0.0)
        np.testing.assert_array_equal(shared.starts, without.starts)
        undisturbed = not (shared.noise.any() or shared.gusts.any()) and shared.shares[:, 0].min() == 1
        calm += undisturbed and shared.body == BODY
        assert undisturbed or shared.body == without.body
    assert 35 <= calm <= 65


def test_the_small_and_late_are_so_and_the_others_are_as_without_them() -> None:
    def draw(group: int, strength: float = 1.0, share: float = 0.25) -> Any:
        most = Disturbed(delay=0.06, undisturbed=0.3, small_and_late=share)
        return draw_scenario(0, group, 0, 4, 3, 1.0, 1.0, strength, most)

    hard = 0
    for group in range(200):
        shared, without = draw(group), draw(group, share=0.0)
        late = 0.02 * (shared.shares @ np.arange(4))
        if shared.body != without.body:
            hard += 1
            assert shared.body.length < 0.92 * BODY.length
            assert late.min() >= 0.024 - 1e-12
            off, former = (np.hypot(*(one.starts[:, :2] - one.positions[:, 0]).T) for one in (shared, without))
            assert off.mean() < former.mean()
        else:
            np.testing.assert_array_equal(shared.starts, without.starts)
            np.testing.assert_array_equal(shared.shares, without.shares)
        assert draw(group, strength=0.0).body == BODY
    assert 35 <= hard <= 65


@pytest.mark.parametrize(
    ("name", "value"), [("delay", 0.1), ("undisturbed", 1.5), ("small_and_late", -0.1), ("whole_delays", (1, 2))]
)
def test_disturbances_out_of_range_are_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{name} = {value}: expected")):
        Disturbed(**{name: value})


def test_shares_of_more_than_all_groups_are_refused() -> None:
    with pytest.raises(ValueError, match=r"small_and_late = 0\.5: expected a share, from 0 to 0\.4"):
        Disturbed(undisturbed=0.6, small_and_late=0.5)
