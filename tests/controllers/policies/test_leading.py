"""Where moths are led: from where and as fast as they are, within bounded acceleration, to their target."""

import numpy as np

from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policies.leading import lead
from mothsim.controllers.policies.policy_targets import draw_starts, draw_targets
from mothsim.controllers.policies.random_window import random_window
from mothsim.solver.propagate import SEGMENT

JUMP_TIME = 0.16  # s


def test_moths_are_led_from_their_start_to_their_target() -> None:
    rng = np.random.default_rng(0)
    positions, velocities = draw_targets(rng, 50, 40, jump_time=JUMP_TIME)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], 1.0)
    goals, slack = lead(starts, positions, velocities)
    beside = goals - positions
    np.testing.assert_allclose(goals[:, 0], starts[:, :2], atol=1e-12)
    first = starts[:, 4:6] - velocities[:, 0]
    speeds = np.diff(beside, axis=1) / SEGMENT
    far = np.maximum(np.abs(beside[:, 0]), np.abs(first) / 10).max(axis=1).clip(1)
    gained = np.diff(np.insert(speeds, 0, first, axis=1), axis=1)
    gained[:, 0] *= 2  # of the first segment's mean speed, by its end
    assert np.all(np.abs(gained) <= 100 * SEGMENT * far[:, None, None])
    assert np.hypot(*beside[:, 50:].reshape(-1, 2).T).max() < 1e-3
    np.testing.assert_allclose(slack, 0.1 * np.hypot(beside[..., 0], beside[..., 1]), atol=1e-9)


def test_who_is_at_the_target_is_led_along_it() -> None:
    positions, velocities = draw_targets(np.random.default_rng(1), 3, 10)
    starts = np.zeros((3, 8))
    starts[:, :2], starts[:, 4:6] = positions[:, 0], velocities[:, 0]
    goals, slack = lead(starts, positions, velocities)
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
    calm = np.abs(led.targets - free.targets).max(axis=(0, 2)) == 0  # more targets jump where moths are led
    assert 5 < calm.sum() < 20
    assert np.array_equal(led.states[:, calm], free.states[:, calm])
    assert np.any(led.goals[:, calm] != free.goals[:, calm])
