"""Flights that are disturbed in one way or in two, and delays of whole segments."""

import numpy as np

from mothsim import MothBody
from mothsim.controllers.policies.disturbed_scenarios import Disturbed, Scenario, draw_scenario
from mothsim.controllers.policies.single_disturbances import WAYS, Ways, draw_singly_disturbed

BODY, MOST = MothBody(), Disturbed(gusts=500.0, size=1.32, abdomen=2.2)
LATE = Disturbed(delay=0.06, whole_delays=(1, 1, 2, 3))


def drawn(group: int, strength: float = 1.0, most: Disturbed = MOST, ways: Ways = WAYS) -> Scenario:
    return draw_singly_disturbed(1, group, 0, 4, 10, 1.0, strength, most, ways)


def disturbed(scenario: Scenario) -> set[str]:
    found = {
        "delay": (scenario.shares[:, 0] < 1).any(),
        "noise": scenario.noise.any(),
        "gusts": scenario.gusts.any(),
        "size": scenario.body.head_half_length != BODY.head_half_length,
        "abdomen": scenario.body.abdomen_density != BODY.abdomen_density,
    }
    return {way for way, is_so in found.items() if is_so}


def test_flights_are_disturbed_in_one_way_each() -> None:
    flights = [drawn(group) for group in range(100)]
    for flight in flights:
        assert (flight.noise <= MOST.noise).all()
        assert (flight.gusts <= MOST.gusts).all()
        assert MOST.size**-3 <= flight.body.mass / BODY.mass <= MOST.size**3
    ways = [disturbed(flight) for flight in flights]
    assert {len(each) for each in ways} == {1}
    assert set.union(*ways) == {"delay", "noise", "gusts", "size", "abdomen"}
    assert not any(disturbed(drawn(group, strength=0.0)) for group in range(10))


def test_a_pair_is_a_delay_of_a_segment_at_most_on_a_smaller_body_some_in_gusts() -> None:
    pairs = Ways(delay=0.0, size=0.0, abdomen=0.0, noise=0.0, gusts=0.0, pair=1.0)
    flights = [drawn(group, most=LATE, ways=pairs) for group in range(50)]
    assert all(disturbed(flight) - {"gusts"} == {"delay", "size"} for flight in flights)
    assert all(1 / LATE.size <= flight.body.head_half_length / BODY.head_half_length < 1 for flight in flights)
    shares = np.concatenate([flight.shares for flight in flights])
    np.testing.assert_allclose(shares[:, :2].sum(axis=1), 1)
    assert 0.1 < np.mean(np.concatenate([flight.gusts for flight in flights]) > 0) < 0.5


def test_half_of_the_delays_are_the_longest_or_of_the_segments_that_are_asked_for() -> None:
    delays = Ways(delay=1.0, size=0.0, abdomen=0.0, noise=0.0, gusts=0.0)
    violent = [drawn(group, most=LATE, ways=delays).shares for group in range(200)]
    others, longest = (
        [draw_scenario(2, group, 0, 8, 10, 1.0, 1.0, 1.0, most).shares for group in range(200)]
        for most in (LATE, Disturbed(delay=0.06))
    )
    for shares in (violent, others):
        late = np.concatenate(shares) @ np.arange(4)
        late = late[late > 0]
        whole = [np.mean(np.isclose(late, segments)) for segments in (1, 2, 3)]
        assert np.all(np.abs(np.array(whole) - [0.25, 0.125, 0.125]) < 0.05)
    late = np.concatenate(longest) @ np.arange(4)
    assert abs(np.mean(late[late > 0] == 3) - 0.5) < 0.05
