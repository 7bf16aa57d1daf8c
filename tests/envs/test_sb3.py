"""Stable-Baselines3 (extra `[rl]`) finds nothing to complain of, and its adapter gives the same numbers."""

# pyright: reportMissingImports=false
# What this file stands on is optional.

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

pytest.importorskip("stable_baselines3", reason="the extra [rl] is not installed")

from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

from mothsim.envs.sb3 import SB3Moths
from tests.envs.test_contract import CASES, assert_same
from tests.envs.test_vector import MOTHS, actions_like


@CASES
def test_its_checker_has_nothing_to_say(name, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*is out of date")  # version 0
        check_env(gym.make(name, **options))


def test_stable_baselines_sees_the_batch_as_it_sees_single_environments():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*is out of date")  # version 0
        adapter = SB3Moths(MOTHS, render_mode="rgb_array", duration=0.6)
        singles = gym.make_vec("mothsim/Track-v0", num_envs=MOTHS, vectorization_mode="sync", duration=0.6,
                               vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP})  # fmt: skip
        adapter.seed(5)
        np.testing.assert_array_equal(adapter.reset(), singles.reset(seed=5)[0])
        wrapped = VecNormalize(adapter, norm_obs=False, norm_reward=False)
        for actions in actions_like(adapter.env, 60):
            seen, rewards, done, infos = wrapped.step(actions)
            wanted, wanted_rewards, terminated, truncated, info = singles.step(actions)
            np.testing.assert_array_equal(seen, wanted)
            np.testing.assert_array_equal(rewards, wanted_rewards.astype(np.float32))
            np.testing.assert_array_equal(done, terminated | truncated)
            for row in np.flatnonzero(done):
                np.testing.assert_array_equal(infos[row]["terminal_observation"], info["final_obs"][row])
                assert infos[row]["TimeLimit.truncated"] == (truncated[row] and not terminated[row])
    assert adapter.get_attr("render_mode", [0, 2]) == ["rgb_array"] * 2
    assert len(adapter.get_images()) == MOTHS
    assert adapter.env_is_wrapped(VecMonitor) == [False] * MOTHS
    for refused in (lambda: adapter.set_attr("a", 1), lambda: adapter.env_method("a")):
        with pytest.raises(AttributeError, match="moths of a batch"):
            refused()
    adapter.close()


def test_options_infos_and_episodes_are_those_of_monitored_single_environments():
    adapter = SB3Moths(MOTHS, duration=0.3)
    singles = DummyVecEnv([lambda: Monitor(gym.make("mothsim/Track-v0", duration=0.3))] * MOTHS)
    start = np.array([0.1, -0.2, 1.6, 4.7, 1, 2, 0.1, 0.2])
    options = [{"start": start + 0.01 * i} if i % 2 else {} for i in range(MOTHS)]
    lengths = []
    for env in (adapter, singles):
        env.seed(3)
        env.set_options(options)
    for _ in range(2):  # seeds and options apply once
        np.testing.assert_array_equal(adapter.reset(), singles.reset())
        for ours, theirs in zip(adapter.reset_infos, singles.reset_infos, strict=True):
            assert_same(ours, theirs)
    for actions in actions_like(adapter.env, 60):
        (*_, done, infos), (*_, wanted) = adapter.step(actions), singles.step(actions)
        for row, (ours, theirs) in enumerate(zip(infos, wanted, strict=True)):
            assert {key: ours[key] for key in ("error", "reward_terms")} == {
                key: theirs[key] for key in ("error", "reward_terms")
            }
            assert ("episode" in ours) == ("episode" in theirs) == done[row]
            if done[row]:
                assert (ours["episode"]["r"], ours["episode"]["l"]) == (theirs["episode"]["r"], theirs["episode"]["l"])
                lengths.append(ours["episode"]["l"])
                assert_same(adapter.reset_infos[row], singles.reset_infos[row])
    assert len(lengths) > 5
    adapter.set_options({"start": start})
    adapter.reset()
    np.testing.assert_array_equal([info["state"] for info in adapter.reset_infos], np.tile(start, (MOTHS, 1)))
    for wrong, words in (
        ({"state": start}, r"options\['state'\]: unknown option, expected 'start'"),
        ([{}], f"options has 1 entries: expected {MOTHS}"),
        ([{"start": np.zeros(7)}] * MOTHS, r"options\[0\]\['start'\] has shape \(7,\)"),
    ):
        adapter.set_options(wrong)
        with pytest.raises(ValueError, match=words):
            adapter.reset()


def test_videos_run_in_real_time_and_evaluation_needs_no_monitor():
    adapter = SB3Moths(2, render_mode="rgb_array", duration=0.1, period=0.01)
    assert adapter.metadata["render_fps"] == 100
    assert adapter.env_is_wrapped(Monitor) == [True, True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = PPO("MlpPolicy", adapter, n_steps=4, batch_size=8, device="cpu")
        returns, lengths = evaluate_policy(model, adapter, n_eval_episodes=4, return_episode_rewards=True)
    assert lengths == [10] * 4
    assert np.shape(returns) == (4,)
