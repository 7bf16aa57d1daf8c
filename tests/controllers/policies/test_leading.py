"""Where moths are led: from where and as fast as they are, within bounded acceleration, to their target."""

import numpy as np
import pytest

from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policies.leading import lead
from mothsim.controllers.policies.policy_refining import RefiningSettings
from mothsim.controllers.policies.policy_targets import draw_leaps, draw_starts, draw_targets
from mothsim.controllers.policies.random_window import random_window
from mothsim.solver.propagate import SEGMENT

JUMP_TIME = 0.16  # s


def test_moths_are_led_from_their_start_to_their_target() -> None:
    rng = np.random.default_rng(0)
    positions, velocities = draw_targets(rng, 50, 100, jump_time=JUMP_TIME)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], 1.0)
    goals, slack, unhurried = lead(starts, positions, velocities)
    beside = goals - positions
    np.testing.assert_allclose(goals[:, 0], starts[:, :2], atol=1e-12)
    assert np.hypot(*beside[:, -1].T).max() < 0.02
    np.testing.assert_allclose(slack, 0.1 * np.hypot(beside[..., 0], beside[..., 1]), atol=1e-9)
    still = np.ptp(velocities, axis=1).max(axis=1) == 0
    assert still.any()
    assert np.all(unhurried[still] == 1)
    assert unhurried.min() == 0
    speeds = speeds_of(beside, starts[:, 4:6] - velocities[:, 0])
    far = np.maximum(np.abs(beside[:, :-1]), np.abs(speeds) / 10).max(axis=2, keepdims=True).clip(1)
    most = np.where(still, 16, 160)[:, None, None] * SEGMENT  # slowed down at most so much
    assert np.all(np.abs(np.diff(speeds, axis=1)) <= most * far[:, :-1])
    # From half way they are led as from the start, since a policy does not know where a moth started.
    half = np.zeros((still.sum(), 8))
    half[:, :2], half[:, 4:6] = goals[still, 8], speeds[still, 8] + velocities[still, 8]
    onward, *_ = lead(half, positions[still, 8:], velocities[still, 8:])
    np.testing.assert_allclose(onward, goals[still, 8:], atol=1e-9)


def speeds_of(beside: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Speeds (B, T - 1, 2) at the segments' starts, of paths (B, T, 2) along which they change at constant rates."""
    speeds = [first]
    for moved in np.moveaxis(np.diff(beside, axis=1), 1, 0)[:-1]:
        speeds.append(2 * moved / SEGMENT - speeds[-1])
    return np.stack(speeds, axis=1)


def test_who_is_at_the_target_is_led_along_it() -> None:
    positions, velocities = draw_targets(np.random.default_rng(1), 3, 10)
    starts = np.zeros((3, 8))
    starts[:, :2], starts[:, 4:6] = positions[:, 0], velocities[:, 0]
    goals, slack, _ = lead(starts, positions, velocities)
    assert np.array_equal(goals, positions)
    assert not slack.any()


def test_a_jump_is_made_smoothly_about_its_time() -> None:
    (sudden, _), (smooth, _) = (
        draw_targets(np.random.default_rng(2), 100, 60, jumping=1.0, jump_time=time) for time in (0.0, JUMP_TIME)
    )
    differs = np.abs(smooth - sudden).max(axis=2) > 1e-9
    assert differs.any(axis=1).sum() > 30
    assert differs.sum(axis=1).max() <= JUMP_TIME / SEGMENT + 1
    assert np.abs(smooth - sudden).max() <= 2.5  # half of the largest jump


def test_a_window_is_led_or_not_after_the_same_target() -> None:
    network = find_network("alone-6")
    parameters = tuple(zip(network.weights, network.biases, strict=True))
    led, free = (
        random_window(parameters, np.random.default_rng(3), 20, 10, 0.5, 0.0, "numba", led=led)
        for led in (JUMP_TIME, 0.0)
    )
    assert np.array_equal(free.goals, free.targets[1:])
    assert not free.slack.any()
    same = np.abs(led.targets - free.targets).max(axis=(0, 2)) == 0  # fewer targets jump where moths are led
    assert 5 < same.sum() < 20
    assert np.array_equal(led.states[:, same], free.states[:, same])
    assert np.any(led.goals[:, same] != free.goals[:, same])


def test_leaps_are_targets_that_stand_still_and_jump_once() -> None:
    leaps = draw_leaps(np.random.default_rng(4), 200, 40)
    steps = np.diff(leaps, axis=1)
    jumping = np.abs(steps).max(axis=2) > 0
    assert set(jumping.sum(axis=1)) <= {0, 1}
    assert jumping[:, :40].any(axis=1).mean() > 0.7  # the others have jumped, or do not before the end
    size = np.abs(steps).max(axis=1)[jumping.any(axis=1)]
    sideways = size[:, 1] <= 0.25
    assert 0.7 < sideways.mean() < 0.95
    assert np.quantile(size[sideways, 0], 0.1) > 2.9
    assert size.max() <= 5.5


def test_the_last_moths_leap_and_are_not_led_and_the_first_bear_loads() -> None:
    network = find_network("alone")
    parameters = tuple(zip(network.weights, network.biases, strict=True))
    window = random_window(
        parameters, np.random.default_rng(5), 20, 40, 2.0, 0.0, "numba", led=JUMP_TIME, leaping=0.3, loaded=0.2
    )
    leaping = window.leaping > 0
    assert np.flatnonzero(leaping).tolist() == list(range(14, 20))
    assert np.array_equal(window.goals[:, leaping], window.targets[1:, leaping])
    assert np.any(window.goals[:, ~leaping] != window.targets[1:, ~leaping])
    assert not window.velocities[:, leaping].any()
    assert not window.slack[:, leaping].any()
    assert not window.unhurried[leaping].any()
    assert not window.unhurried[:4].any()
    assert window.unhurried[4:14].max() == 1
    assert np.abs(window.states[0, leaping, :2] - window.targets[0, leaping]).max() < 1.0
    counted_on = window.trims[:, 0] / window.trims[-1, 0]
    assert np.flatnonzero(counted_on != 1).tolist() == [0, 1, 2, 3]
    assert np.all((counted_on >= 0.5) & (counted_on <= 1.6))


def test_lively_targets_are_come_to_as_soon_as_asked_and_still_ones_as_ever() -> None:
    rng = np.random.default_rng(6)
    positions, velocities = draw_targets(rng, 50, 30)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], 0.5)
    slowly, soon = (lead(starts, positions, velocities, rates) for rates in ((30.0, 20.0), (90.0, 90.0)))
    lively, still = slowly.unhurried == 0, slowly.unhurried == 1
    assert np.array_equal(slowly.goals[still], soon.goals[still])
    off = [np.hypot(*np.moveaxis(led.goals - positions, -1, 0))[lively, 5:].mean() for led in (slowly, soon)]
    assert off[1] < 0.7 * off[0]


def test_rates_that_lead_nowhere_are_refused() -> None:
    with pytest.raises(ValueError, match=r"soon = .*expected a rate and a braking above 0"):
        RefiningSettings(soon=(58.0, 0.0))
