"""Controllers fly in the environments, and policies in `mothsim.fly`: the same flights, both ways."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import mothsim
from mothsim import controllers
from mothsim.controllers.adapters import as_policy, from_policy
from mothsim.trim import find_trim


class Shaky:
    """LQR with random force noise, at any period: it remembers, and draws from its streams."""

    def __init__(self, period=0.02):
        self.period = period

    def reset(self, task):
        self.trim = find_trim(task.body).control
        self.streams = [np.random.default_rng(seed) for seed in task.seeds]
        self.drift = np.zeros((len(task.seeds), 1))

    def control(self, states, time):
        self.drift += [[stream.normal()] for stream in self.streams]
        push = np.array([1.0, 0.001, 10.0, 0.0])
        return self.trim + (time + self.drift) * push - states[:, [1, 0, 2, 3]] * push


def flights_in(env, policy, starts, steps):
    """Infos of an environment flown from the given starts."""
    seen, info = env.reset(seed=0, options={"start": starts})
    infos = [info]
    for _ in range(steps):
        seen, _, _, _, info = env.step(policy(seen, info))
        infos.append(info)
    return infos


@pytest.mark.parametrize(
    ("controller", "trajectory", "options"),
    [
        (controllers.make("lqr"), "sum-of-primes", {}),
        (controllers.make("lqr"), "step", {"body": mothsim.MothBody().scaled(0.9)}),
        (controllers.make("lqr"), "recover", {}),
        (controllers.make("inverse-model", network="sparse-98"), "figure-eight", {}),
        (Shaky(), "hover", {}),
        (Shaky(period=0.005), "sine", {}),
    ],
    ids=["lqr", "lqr, another body", "lqr, violent starts", "network", "random", "random, another period"],
)
def test_a_controller_flies_as_mothsim_fly_has_it_to_the_bit(controller, trajectory, options):
    flight = mothsim.fly(controller, trajectory, duration=2.0, seed=3, moths=3, **options)
    options = {**options, "trajectory": trajectory, "duration": 2.0, "period": controller.period}
    steps = int(np.isfinite(flight.errors[1]).sum()) - 1
    assert steps > 10
    many = gym.make_vec("mothsim/Track-v0", num_envs=3, autoreset_mode="SameStep", **options)
    infos = flights_in(many, as_policy(controller, many, seed=3), flight.states[:, 0], steps)
    for k, info in enumerate(infos):
        np.testing.assert_array_equal(info["state"][1], flight.states[1, k])
        assert info["error"][1] == flight.errors[1, k]
        if k:
            np.testing.assert_array_equal(info["control"][1], flight.controls[1, k - 1])
    one = gym.make("mothsim/Track-v0", **options)
    infos = flights_in(one, as_policy(controller, one, seed=3), flight.states[0, 0], 10)
    for k, info in enumerate(infos):
        np.testing.assert_array_equal(info["state"], flight.states[0, k])


def test_with_wing_torque_too():
    body = mothsim.MothBody.bustamante2022("fs")
    flight = mothsim.fly(controllers.make("lqr"), "sine", duration=1.0, seed=1, body=body)
    env = gym.make("mothsim/Track-v0", trajectory="sine", duration=1.0, body=body, actuation="full")
    infos = flights_in(env, as_policy(controllers.make("lqr"), env), flight.states[0], 49)
    np.testing.assert_array_equal([info["state"] for info in infos], flight.states)


def test_moths_that_begin_anew_get_a_controller_that_begins_anew():
    env = gym.make_vec("mothsim/Hover-v0", num_envs=6, duration=1.0, max_episode_steps=12)
    policy = as_policy(Shaky(), env)
    seen, info = env.reset(seed=2)
    env.step(policy(seen, info))
    seen, info = env.reset(options={"reset_mask": np.array([True, False, False, True, False, True])})
    infos = [info]
    for _ in range(40):
        seen, _, _, _, info = env.step(policy(seen, info))
        infos.append(info)
    states = np.array([info["state"][3] for info in infos])
    begun = np.flatnonzero([info["time"][3] == 0 for info in infos])
    assert len(begun) >= 3
    for begin, end in zip(begun[:-1], begun[1:] - 1, strict=True):  # each episode of moth 3, the last state aside
        alone = mothsim.fly(Shaky(), "hover", duration=1.0, starts=np.tile(states[begin], (6, 1)))
        np.testing.assert_array_equal(states[begin:end], alone.states[3, : end - begin])


@pytest.mark.parametrize("name", ["policy", "inverse-model", "nmpc"])
def test_many_moths_fly_on_through_episodes_that_end(name):
    """By default a vector environment asks once more where an episode is over, and begins it anew instead."""
    controller = controllers.make(name)
    mothsim.fly(controller, duration=0.06)  # who has flown can be copied too
    env = gym.make_vec("mothsim/Hover-v1", num_envs=2, duration=0.1)
    assert env.metadata["autoreset_mode"] is gym.vector.AutoresetMode.NEXT_STEP
    policy = as_policy(controller, env)
    seen, info = env.reset(seed=0)
    times = []
    for _ in range(14):
        action = policy(seen, info)
        assert np.isfinite(action).all()
        seen, _, ended, _, info = env.step(action)
        assert not ended.any()
        times.append(info["time"][0])
    assert times == pytest.approx(2 * [0.02, 0.04, 0.06, 0.08, 0.1, 0.0] + [0.02, 0.04])


def test_what_a_policy_cannot_know_is_named():
    env = gym.make("mothsim/Hover-v0")
    with pytest.raises(ValueError, match=r"controller.period = 0.005: expected the environment's, 0.02 s"):
        as_policy(Shaky(period=0.005), env)
    seen, info = env.reset(seed=0)
    seen, _, _, _, info = env.step(np.zeros(3))
    with pytest.raises(ValueError, match="expected 0 first"):
        as_policy(Shaky(), env)(seen, info)


class Model:
    """A policy as Stable-Baselines3 has them: it steers by what it is shown."""

    def predict(self, observation, deterministic=False):
        assert deterministic
        gains = np.zeros((22, 3))
        gains[[0, 1, 4, 8, 9, 10], [1, 0, 1, 1, 0, 1]] = [0.1, -0.1, 0.1, 0.1, -0.1, 0.1]
        return observation @ gains, None


@pytest.mark.parametrize("policy", [Model(), lambda seen: Model().predict(seen, True)[0]], ids=["model", "function"])
def test_a_policy_flies_as_the_environment_has_it(policy):
    flight = mothsim.fly(from_policy(policy), "sine", duration=0.2, moths=4, seed=1)
    env = gym.make_vec("mothsim/Track-v0", num_envs=4, trajectory="sine", duration=0.2)
    seen, info = env.reset(seed=0, options={"start": flight.states[:, 0]})
    for k in range(10):
        np.testing.assert_allclose(info["state"], flight.states[:, k], rtol=1e-9, atol=1e-9)
        seen, _, _, _, info = env.step(Model().predict(seen, True)[0])


def test_a_policy_flies_by_the_settings_of_its_environment():
    def lean(seen):
        return 0.1 * seen[:, :3]

    env = gym.make("mothsim/Hover-v1", period=0.01, duration=0.2)
    flight = mothsim.fly(from_policy(lean, env), "hover", duration=0.2, seed=1)
    seen, info = env.reset(options={"start": flight.states[0]})
    for k in range(20):
        np.testing.assert_allclose(info["state"], flight.states[k], rtol=1e-9, atol=1e-9)
        seen, _, _, _, info = env.step(lean(seen[None])[0])
    many = gym.make_vec("mothsim/Hover-v1", num_envs=2, period=0.01)
    np.testing.assert_array_equal(
        mothsim.fly(from_policy(lean, many), "hover", duration=0.2, seed=1).states, flight.states
    )
    for wrapped, message in (
        (gym.wrappers.RescaleAction(env, np.float32(-2), np.float32(2)), "env.action_space"),
        (gym.wrappers.NormalizeObservation(env), "env.observation_space"),
        (gym.make("CartPole-v1"), "expected an environment of mothsim.envs"),
    ):
        with pytest.raises(ValueError, match=message):
            from_policy(lean, wrapped)


class VecNormalize:
    """As Stable-Baselines3 has it: it keeps the space of what it normalises."""

    def __init__(self, venv, norm_obs):
        self.venv, self.unwrapped, self.norm_obs = venv, venv.unwrapped, norm_obs
        self.action_space, self.observation_space = venv.action_space, venv.observation_space


def test_wrappers_that_change_what_their_spaces_do_not_tell_are_refused():
    env = gym.make("mothsim/Hover-v0")
    many: Any = gym.make_vec("mothsim/Hover-v0", num_envs=2, vectorization_mode="vector_entry_point")
    halved = gym.wrappers.TransformAction(env, lambda action: action / 2, env.action_space)
    for wrapped in (
        gym.wrappers.TransformObservation(env, lambda seen: seen / 2, env.observation_space),
        gym.wrappers.TimeLimit(gym.wrappers.DelayObservation(env, 2), 10),
        gym.wrappers.vector.TransformObservation(many, lambda seen: seen / 2),
        VecNormalize(env, norm_obs=True),
        halved,
    ):
        with pytest.raises(ValueError, match=r"env is wrapped by .*: expected it without a wrapper"):
            from_policy(Model(), wrapped)
    with pytest.raises(ValueError, match="env is wrapped by TransformAction"):
        as_policy(Shaky(), halved)
    for kept in (VecNormalize(env, norm_obs=False), gym.wrappers.FlattenObservation(gym.wrappers.ClipAction(env))):
        from_policy(Model(), kept)


def test_what_is_no_controller_and_no_environment_is_named():
    env = gym.make("mothsim/Hover-v0")
    refused: tuple[tuple[Any, Any, str], ...] = (
        ("lqr", env, "controller = 'lqr': expected a controller"),
        (Shaky, env, "expected an instance, not the class itself"),
        (Shaky(), "mothsim/Hover-v0", "env = 'mothsim/Hover-v0': expected an environment of mothsim.envs"),
        (Shaky(), gym.make_vec("mothsim/Hover-v0", num_envs=2, vectorization_mode="sync"), "env = SyncVectorEnv"),
    )
    for controller, other, message in refused:
        with pytest.raises(ValueError, match=message):
            as_policy(controller, other)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="seed = -1: expected a whole number"):
        as_policy(Shaky(), env, seed=-1)


def test_policies_of_another_make_are_named():
    with pytest.raises(ValueError, match="action_range = -1: expected a number above zero"):
        from_policy(lambda seen: seen, version=1, action_range=-1)
    with pytest.raises(ValueError, match="version = 2: expected 0 or 1"):
        from_policy(lambda seen: seen, version=2)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="policy = 3"):
        from_policy(3)
    with pytest.raises(ValueError, match=r"policy gave shape \(1, 4\): expected \(1, 3\)"):
        mothsim.fly(from_policy(lambda seen: np.zeros((len(seen), 4))), duration=0.1)
