"""The JAX environments fly, observe and reward as the others do; gymnax's and Gymnasium's tools take them."""

# pyright: reportMissingImports=false
# gymnax is optional.

from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.wrappers import PassiveEnvChecker

from mothsim import controllers
from mothsim.controllers.networks.storage import find_network
from mothsim.envs import jax_track
from mothsim.envs.jax_track import TrackJax, TrackState
from mothsim.solver.jax_engine import enable_x64

KEY = jax.random.key(0)
DECISIONS = 50


def policy(observations, action_range):
    """The shipped `alone`, double precision."""
    network, hidden = find_network("alone"), observations
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        hidden = jnp.tanh(hidden @ weight + bias)
    return (hidden @ network.weights[-1] + network.biases[-1]) / action_range


def test_an_episode_is_that_of_the_other_environment_to_1e_5():
    """From a start of Track-v1, by the shipped policy on each one's own observations."""
    other = gym.make("mothsim:mothsim/Track-v1", duration=DECISIONS * 0.02, action_range=3.0)
    flown = controllers.as_policy(controllers.make("policy", network="alone"), other)
    seen, info = other.reset(seed=3)
    with enable_x64(True):
        env = TrackJax("Track-v1", duration=DECISIONS * 0.02, action_range=3.0)
        state = TrackState(jnp.asarray(info["state"]), jnp.zeros((), jnp.int32))
        step = jax.jit(env.step_env)
        observation = env.observe(state, env.default_params)
        for _ in range(DECISIONS):
            np.testing.assert_allclose(observation, seen, atol=1e-5)
            action = policy(observation, 3.0)
            seen, reward, terminated, truncated, info = other.step(flown(seen, info))
            observation, state, ours, lost, ours_info = step(state, action, env.default_params)
            np.testing.assert_allclose(state.moth[:6], info["state"][:6], rtol=1e-5, atol=1e-5)
            assert abs(float(ours) - float(reward)) < 1e-5
            assert {
                name: pytest.approx(float(ours_info["reward_terms"][name]), abs=1e-5)
                for name in ours_info["reward_terms"]
            } == (info["reward_terms"])
            assert not lost
            assert not terminated
        assert truncated
        *_, terminated, truncated, _ = env.step(KEY, state._replace(time=state.time - 1), action)
        assert (bool(terminated), bool(truncated)) == (False, True)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3)])
def test_actions_of_another_shape_are_refused(shape):
    env = TrackJax()
    _, state = env.reset(KEY)
    with pytest.raises(ValueError, match=r"action: shape .* expected \(3,\), three values for each moth"):
        env.step(KEY, state, jnp.zeros(shape))


def test_a_batch_is_its_moths_and_new_episodes_begin_by_themselves():
    env = TrackJax("Hover-v1", duration=0.06)
    observations, states = env.reset(KEY, None, 3)
    assert observations.shape == (3, 29)
    states = states._replace(moth=states.moth.at[1, 0].set(30.0))  # beyond the limit
    actions = jnp.full((3, 3), 0.1)
    _, after, _, terminated, truncated, info = env.step(KEY, states, actions)
    assert terminated.tolist() == [False, True, False]
    assert not truncated.any()
    assert after.time.tolist() == [1, 0, 1]
    assert info["reward_terms"]["aloft"].tolist() == [1, 0, 1]
    assert abs(after.moth[1, 0]) <= 1.0
    five = jax.eval_shape(TrackJax("Hover-v1", values=5).step, KEY, states, actions)
    assert len(five) == 5
    assert (five[3].shape, five[3].dtype) == ((3,), np.bool_)


@pytest.mark.slow
def test_a_mapped_step_is_that_of_a_batch():
    env, actions = TrackJax("Hover-v1", duration=0.06), jnp.full((3, 3), 0.1)
    _, states = env.reset(KEY, None, 3)
    seen, _, rewards, _, _, info = env.step(KEY, states, actions)
    keys = jax.random.split(KEY, 3)
    mapped = jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, states, actions, env.default_params)
    np.testing.assert_allclose(mapped[0][0], seen[0], atol=1e-4)
    np.testing.assert_allclose(mapped[2], rewards, atol=1e-5)
    np.testing.assert_allclose(mapped[5]["final_observation"], info["final_observation"], atol=1e-4)


@pytest.mark.slow
def test_a_step_can_be_differentiated_also_on_the_target_itself():
    env = TrackJax("Hover-v1", start_spread=0.0)
    _, state = env.reset(KEY)

    @jax.jit
    def lost_reward(action):
        return -env.step_env(state, action, env.default_params)[2]

    action = jnp.array([0.3, -0.2, 0.1])
    gradient = jax.jit(jax.grad(lost_reward))
    slope, little = gradient(action), 1e-2
    ahead, behind = (lost_reward(action + jnp.array([sign * little, 0, 0])) for sign in (1, -1))
    assert float(slope[0]) == pytest.approx(float(ahead - behind) / (2 * little), rel=0.02)
    assert np.isfinite(gradient(jnp.zeros(3))).all()


def test_gymnax_s_wrapper_passes_gymnasium_s_passive_checker():
    pytest.importorskip("gymnax", reason="gymnax, which keeps Gymnasium below 1.4, is not installed")
    from gymnax.environments import environment
    from gymnax.environments.spaces import Box
    from gymnax.wrappers import GymnaxToGymWrapper

    class Wrapped(TrackJax, environment.Environment):
        """With gymnax's own spaces, which its wrapper translates."""

        def action_space(self, params=None):
            box = super().action_space(params)
            return Box(-1.0, 1.0, box.shape)

        def observation_space(self, params=None):
            bounds: Any = super().observation_space(params).high
            return Box(-bounds, bounds, bounds.shape)

    env = PassiveEnvChecker(GymnaxToGymWrapper(Wrapped("Hover-v1", duration=0.04)))
    seen, _ = env.reset(seed=0)  # the wrapper itself keeps no generator, which `check_env` would ask for
    assert seen in env.observation_space
    ends = [env.step(np.zeros(3, np.float32))[2:4] for _ in range(2)]
    assert [(bool(terminated), bool(truncated)) for terminated, truncated in ends] == [(False, False), (False, True)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "Track-v0"}, "name = 'Track-v0': expected one of Track-v1, Hover-v1, Recover-v1"),
        ({"values": 4}, "values = 4: expected 5 or 6"),
        ({"solver_steps": 1.5}, "solver_steps = 1.5: expected a whole number, 1 or more"),
        ({"gusts": 10.0}, "gusts = 10.0: expected 0"),
        ({"version": 0}, "version = 0: expected 1"),
        ({"actuation": "full"}, "actuation = 'full': expected 'under'"),
        ({"duration": -1.0}, "duration = -1.0"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        TrackJax(**options)


@pytest.mark.parametrize("moths", [0, 2.5])
def test_moths_that_are_no_number_of_them_are_refused(moths):
    with pytest.raises(ValueError, match=f"moths = {moths}: expected a whole number"):
        TrackJax("Hover-v1", duration=0.04).reset(jax.random.key(0), None, moths)


def test_an_episode_ends_with_its_target_whatever_limit_is_asked_for(monkeypatch):
    monkeypatch.setattr(jax_track, "propagate", lambda moth, *_, **__: moth)  # which takes seconds to compile
    env = TrackJax("Hover-v1", duration=0.04)
    params = env.default_params._replace(max_steps_in_episode=100)
    _, state = env.reset(jax.random.key(0), params)
    ends = []
    for _ in range(2):
        _, state, _, _, truncated, _ = env.step(jax.random.key(0), state, jnp.zeros(3), params)
        ends.append(bool(truncated))
    assert ends == [False, True]
