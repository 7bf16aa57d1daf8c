"""What disturbs a flight has the size that its option says, and only the effect that its name says."""

from typing import Any

import numpy as np
import pytest

from mothsim import MothBody, envs
from mothsim.actuation import to_components
from mothsim.disturbances import DRAWN, GUST_TIME, SENSOR_NOISE, Stream, drawn_body, next_wind, normal, uniform

MOTHS = 400


def flown(steps=10, seed=0, **options) -> list[Any]:
    """Observations and infos of moths that do nothing, from a start in trim."""
    env = envs.TrackVectorEnv(MOTHS, trajectory="hover", start_spread=0.0, **options)
    said: list[Any] = [env.reset(seed=seed)]
    said += [env.step(np.zeros((MOTHS, 3)))[::4] for _ in range(steps)]
    return said


def test_random_numbers_are_even_independent_and_keyed():
    keys = np.random.default_rng(0).integers(0, 2**63, 3000).astype(np.uint64)
    steps = np.arange(3000) % 7
    draws = uniform(keys, steps, Stream.FORCE, 8)
    counts = np.histogram(draws, 20, (0, 1))[0]
    assert np.abs(counts - 1200).max() < 5 * np.sqrt(1200)
    z = normal(keys, steps, Stream.SENSOR, 8)
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.std() - 1) < 5 / np.sqrt(2 * z.size)
    others = [normal(keys, steps, Stream.GUST, 8), normal(keys, steps + 1, Stream.SENSOR, 8), np.roll(z, 1, axis=1)]
    for other in others:
        assert abs(np.mean(z * other)) < 5 / np.sqrt(z.size)
    np.testing.assert_array_equal(normal(keys[5:9], steps[5:9], Stream.SENSOR, 8), z[5:9])


def test_sensors_lie_but_the_moth_flies_true():
    plain, noisy = flown(), flown(sensor_noise=2.0)
    for (_, one), (_, other) in zip(plain, noisy, strict=True):
        np.testing.assert_array_equal(one["state"], other["state"])
        np.testing.assert_array_equal(one["measured_state"], one["state"])
        spread = np.std(other["measured_state"] - other["state"], axis=0)
        np.testing.assert_allclose(spread, 2.0 * SENSOR_NOISE, rtol=0.2)
    assert (plain[0][0] != noisy[0][0]).any()


def test_force_noise_is_a_share_of_the_weight():
    body = MothBody()
    forces = np.concatenate([to_components(info["control"]) for _, info in flown(force_noise=0.1)[1:]])
    np.testing.assert_allclose(forces[:, :2].mean(axis=0), [body.weight, 0], atol=0.01 * body.weight)
    np.testing.assert_allclose(forces[:, :2].std(axis=0), 0.1 * body.weight, rtol=0.1)
    np.testing.assert_array_equal(forces[:, 2:], 0.0)


def test_gusts_carry_the_moth_as_air_that_moves():
    wind, draws = np.zeros((4000, 2)), np.random.default_rng(0).normal(size=(60, 4000, 2))
    for draw in draws:
        before, wind = wind, next_wind(wind, draw, 200.0, 0.02)
    assert wind.std() == pytest.approx(200, rel=0.05)
    assert np.mean(wind * before) / 200**2 == pytest.approx(np.exp(-0.02 / GUST_TIME), rel=0.05)
    # In still air a moth that coasts at v slows down as one at rest in a wind of -v gathers speed.
    from mothsim.actuation import from_actions
    from mothsim.step import advance

    control, state = from_actions(np.zeros((1, 4)), MothBody()), np.array([[0, 0, 1.6, 4.7, 0, 0, 0, 0.0]])
    speed = np.array([[300.0, -200.0]])
    coasting = state.copy()
    coasting[:, 4:6] += speed
    still, _ = advance(coasting, control, np.zeros(2), 20.0, body=MothBody(), duration=0.02)
    windy, _ = advance(state, control, np.zeros(2), 20.0, body=MothBody(), duration=0.02, wind=-speed)
    still[:, :2] -= 0.02 * speed
    still[:, 4:6] -= speed
    np.testing.assert_allclose(windy, still, rtol=1e-12, atol=1e-12)
    spread = flown(gusts=500.0)[-1][1]["state"][:, 4:6].std(axis=0)
    assert (spread > 0.3).all()


def test_bodies_are_drawn_about_the_given_one():
    body = MothBody()
    drawn = drawn_body(body, np.array([0.0, 1.0, 0.5, 0.25, 0.75]), 0.2)
    factors = [getattr(drawn, name) / getattr(body, name) for name in DRAWN]
    np.testing.assert_allclose(factors, [0.8, 1.2, 1.0, 0.9, 1.1])
    final = flown(body_spread=0.1)[-1][1]["state"]
    assert (np.ptp(final, axis=0) > 0).all()
    assert (np.ptp(flown()[-1][1]["state"], axis=0) == 0).all()


@pytest.mark.parametrize(
    "options", [{"sensor_noise": 1.0}, {"force_noise": 0.1}, {"gusts": 50.0}, {"body_spread": 0.1}]
)
def test_seeds_decide(options):
    one, same, other = (flown(steps=3, seed=seed, **options) for seed in (0, 0, 1))
    for (a, _), (b, _) in zip(one, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (one[-1][0] != other[-1][0]).any()
