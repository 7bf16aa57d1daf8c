"""Stable-Baselines3 (extra `[rl]`) finds nothing to complain of, and its adapter gives the same numbers."""

# pyright: reportMissingImports=false
# What this file stands on is optional.

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

pytest.importorskip("stable_baselines3", reason="the extra [rl] is not installed")

from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from mothsim.envs.sb3 import SB3Moths
from tests.envs.test_contract import CASES
from tests.envs.test_vector import MOTHS, actions_like


@CASES
def test_its_checker_has_nothing_to_say(name, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(name, **options))


def test_stable_baselines_sees_the_batch_as_it_sees_single_environments():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adapter = SB3Moths(MOTHS, render_mode="rgb_array", duration=0.6)
        singles = gym.make_vec("mothsim/Track-v0", num_envs=MOTHS, vectorization_mode="sync", duration=0.6,
                               vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP})  # fmt: skip
        adapter.seed(5)
        np.testing.assert_array_equal(adapter.reset(), singles.reset(seed=5)[0])
        wrapped = VecNormalize(VecMonitor(adapter), norm_obs=False, norm_reward=False)
        for actions in actions_like(adapter.env, 60):
            seen, rewards, done, infos = wrapped.step(actions)
            wanted, wanted_rewards, terminated, truncated, told = singles.step(actions)
            np.testing.assert_array_equal(seen, wanted)
            np.testing.assert_array_equal(rewards, wanted_rewards.astype(np.float32))
            np.testing.assert_array_equal(done, terminated | truncated)
            for row in np.flatnonzero(done):
                np.testing.assert_array_equal(infos[row]["terminal_observation"], told["final_obs"][row])
                assert infos[row]["TimeLimit.truncated"] == (truncated[row] and not terminated[row])
    assert adapter.get_attr("render_mode", [0, 2]) == ["rgb_array"] * 2
    assert len(adapter.get_images()) == MOTHS
    assert adapter.env_is_wrapped(VecMonitor) == [False] * MOTHS
    for refused in (lambda: adapter.set_attr("a", 1), lambda: adapter.env_method("a")):
        with pytest.raises(AttributeError, match="moths of a batch"):
            refused()
    adapter.close()
