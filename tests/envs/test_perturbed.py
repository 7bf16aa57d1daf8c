"""A perturbation means the same in an environment, in a vector of them and in `mothsim.fly`."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from mothsim import MothBody, controllers, envs, fly
from mothsim.envs.jax_track import TrackJax
from mothsim.perturbations import PERTURBATIONS, RANGES, Perturbation, make_perturbation

WORDS = "delay 15 ms, size 0.95, abdomen mass 1.2, drink 0.1"


def test_the_flight_is_that_of_fly() -> None:
    perturbation, body, duration = make_perturbation(WORDS), MothBody(), 2.4
    starts = np.array([[0.1, 0, 1.6, 4.7, 0, 0, 0, 0.1], [0, -0.2, 1.5, 4.7, 0, 1, 0, 0.0]])
    flight = fly(
        controllers.make("policy", network="robust"), "hover", duration=duration, starts=starts,
        body=perturbation.body(body), nominal_body=body, disturbances=perturbation.disturbances,
    )  # fmt: skip
    assert not flight.lost.any()
    undrunk = np.abs(flight.states[:, 100:110] - flight.states[:, 99:100]).max()
    assert undrunk > 1e-3  # the drink, at 2 s, is felt
    for spec in (WORDS, perturbation):
        env = envs.TrackVectorEnv(2, trajectory="hover", duration=duration, perturbation=spec)
        policy = controllers.as_policy(controllers.make("policy", network="robust"), env)
        observations, infos = env.reset(seed=0, options={"start": starts})
        for step in range(flight.states.shape[1]):
            np.testing.assert_allclose(infos["state"], flight.states[:, step], rtol=1e-7, atol=1e-7)
            observations, *_, infos = env.step(policy(observations, infos))


def test_made_by_gymnasium_and_from_its_specification() -> None:
    env = gym.make("mothsim:mothsim/Track-v1", perturbation="delay 20 ms", duration=1.0)
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    for one in (env, again):
        _, first = one.reset(seed=1)
        *_, info = one.step(np.array([0.3, 0.2, 0.1]))
        np.testing.assert_array_equal(info["measured_state"], first["state"])
        assert (info["state"] != first["state"]).any()
    given = gym.make("mothsim:mothsim/Track-v1", perturbation=Perturbation(size=0.8))
    assert given.spec is not None
    assert '"size": 0.8' in given.spec.to_json()
    assert "perturbation" not in gym.spec("mothsim/Track-v0").kwargs


def test_noise_and_gusts_have_their_size() -> None:
    env = envs.TrackVectorEnv(1000, trajectory="hover", start_spread=0.0, perturbation="noise 5%, gusts 300 cm/s")
    _, infos = env.reset(seed=3)
    spread = np.std(infos["measured_state"] - infos["state"], axis=0)
    np.testing.assert_allclose(spread, 0.05 * RANGES, rtol=0.15)
    *_, windy = env.step(np.zeros((1000, 3)))
    assert windy["state"][:, 4:6].std() > 0.1
    wide = envs.TrackVectorEnv(1000, trajectory="hover", perturbation="mid-manoeuvre")
    assert np.ptp(wide.reset(seed=3)[1]["state"][:, 0]) == pytest.approx(4.0, abs=0.1)


def test_words() -> None:
    assert make_perturbation("delay 20 ms") is PERTURBATIONS["delay 20 ms"]
    words = "noise 1%, delay 35 ms, gusts 150 cm/s, size 0.9, abdomen 1.5, drink 0.5, starts 2"
    assert make_perturbation(words) == Perturbation(words, 0.01, 0.035, 150.0, 0.9, 1.5, 0.5, 2.0)
    assert make_perturbation({"delay": 0.02}) == Perturbation(delay=0.02)
    for wrong in ("delay", "wind 3", "delay 20 cm/s", "delay 20 ms, delay 30 ms", "size 1e", ""):
        with pytest.raises(ValueError, match="perturbation = "):
            make_perturbation(wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"perturbation": "delay 2 s"}, "delay = 2.0"),
        ({"perturbation": {"wind": 3}}, "wind"),
        ({"perturbation": 3}, "perturbation = 3"),
        ({"perturbation": "gusts 100 cm/s", "gusts": 5.0}, "gusts = 5.0: expected 0 beside"),
    ],
)
def test_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        envs.EnvConfig(**options)
    if "gusts" not in options:
        with pytest.raises(ValueError, match=r"perturbation = .size 0.8."):
            TrackJax("Hover-v1", perturbation="size 0.8")
