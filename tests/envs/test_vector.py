"""The batched environment is many single ones, only faster."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector as wrappers

from mothsim import envs
from tests.envs.test_contract import EVERYTHING, assert_same

MOTHS = 5


def make(count=MOTHS, **options) -> Any:
    return gym.make_vec("mothsim/Track-v0", num_envs=count, vectorization_mode="vector_entry_point", **options)


def actions_like(env, steps, seed=0):
    """Random actions, from gentle to wild, so that some moths are lost and some are not."""
    rng = np.random.default_rng(seed)
    scale = np.linspace(0.05, 1.0, env.num_envs)[:, None]
    return (scale * rng.uniform(-1, 1, (steps, *env.action_space.shape))).astype(np.float32)


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_batch_says_what_single_environments_say(mode, options):
    options = {"duration": 0.3, **options}
    batch = make(autoreset_mode=mode, **options)
    singles = SyncVectorEnv([lambda: gym.make("mothsim/Track-v0", **options)] * MOTHS, autoreset_mode=mode)
    assert batch.metadata["autoreset_mode"] is mode
    assert_same(batch.reset(seed=11), singles.reset(seed=11))
    ended = {"lost": 0, "time": 0}
    for actions in actions_like(batch, 120):
        said, wanted = batch.step(actions), singles.step(actions)
        assert_same(said, wanted)
        assert said[0] in batch.observation_space
        ended["lost"] += said[2].sum()
        ended["time"] += said[3].sum()
        mask = said[2] | said[3]
        if mode is AutoresetMode.DISABLED and mask.any():
            with pytest.raises(ResetNeeded, match="have ended"):
                batch.step(actions)
            seen, infos = batch.reset(options={"reset_mask": mask})
            wanted, info = singles.reset(options={"reset_mask": mask.copy()})
            np.testing.assert_array_equal(seen, wanted)
            np.testing.assert_array_equal(infos["measured_state"][mask], info["measured_state"][mask])
    assert ended["lost"] > 3
    assert ended["time"] > 3


def test_part_of_a_batch_begins_anew_from_its_own_seeds_and_starts():
    batch, singles = make(), SyncVectorEnv([lambda: gym.make("mothsim/Track-v0")] * MOTHS)
    seeds: Any = [3, None, 5, None, 7]
    batch.reset(seed=1)
    singles.reset(seed=1)
    mask = np.array([True, True, False, False, True])
    for env in (batch, singles):
        env.step(np.zeros((MOTHS, 3)))
    seen, infos = batch.reset(seed=seeds, options={"reset_mask": mask})
    np.testing.assert_array_equal(seen, singles.reset(seed=seeds, options={"reset_mask": mask.copy()})[0])
    np.testing.assert_array_equal(infos["time"] == 0, mask)
    starts = batch.reset()[1]["state"] + 0.1
    np.testing.assert_array_equal(batch.reset(options={"start": starts})[1]["state"], starts)
    one = batch.reset(options={"start": starts[1], "reset_mask": mask})[1]["state"]
    np.testing.assert_array_equal(one[mask], starts[[1, 1, 1]])


def test_a_million_random_actions_and_the_extremes_never_give_a_number_that_is_not_finite():
    env, rng = make(4096, trajectory="hover"), np.random.default_rng(0)
    seen, _ = env.reset(seed=0)
    for k in range(245):
        actions = rng.uniform(-1, 1, env.action_space.shape) * rng.choice([0.1, 1.0, 1e9], (4096, 1))
        actions[rng.random(actions.shape) < 0.01] = np.inf * (-1) ** k
        seen, rewards, *_, infos = env.step(actions)
        assert np.isfinite(seen).all()
        assert np.isfinite(rewards).all()
        assert np.isfinite(infos["state"]).all()
        assert np.abs(seen).max() <= 20


def test_bad_input_is_named():
    options: Any
    for options, words in (
        ({"num_envs": 0}, "num_envs = 0"),
        ({"render_mode": "human"}, "render_mode = 'human'"),
        ({"max_episode_steps": 0}, "max_episode_steps = 0"),
        ({"autoreset_mode": "Never"}, "Never"),
    ):
        with pytest.raises(ValueError, match=words):
            envs.TrackVectorEnv(**options)
    env = make()
    with pytest.raises(ResetNeeded, match="call reset first"):
        env.step(np.zeros((MOTHS, 3)))
    env.reset(seed=0)
    for actions, words in ((np.zeros((4, 3)), r"shape \(4, 3\)"), (np.full((MOTHS, 3), np.nan), "not NaN")):
        with pytest.raises(ValueError, match=words):
            env.step(actions)
    for reset, words in (
        ({"seed": [1, 2]}, "seed has 2 entries"),
        ({"options": {"reset_mask": np.zeros(MOTHS, bool)}}, "reset_mask"),
        ({"options": {"start": np.zeros((4, 8))}}, r"options\['start'\] has shape \(4, 8\)"),
    ):
        with pytest.raises(ValueError, match=words):
            env.reset(**reset)


def test_every_moth_has_its_generator():
    env = make(3)
    env.reset(seed=4)
    assert len({generator.bit_generator.random_raw() for generator in env.np_random}) == 3
    assert make(2).np_random[0] is not None


def test_standard_vector_wrappers_apply(tmp_path):
    env = make(2, render_mode="rgb_array", max_episode_steps=6)
    if records := hasattr(wrappers, "RecordVideo"):  # from Gymnasium 1.2 on
        env = wrappers.RecordVideo(env, str(tmp_path), episode_trigger=lambda _: True)
    env = wrappers.RecordEpisodeStatistics(env)
    env = wrappers.NormalizeObservation(wrappers.RescaleAction(env, -2.0, 2.0))
    seen, _ = env.reset(seed=0)
    for k in range(8):
        seen, _, _, truncated, infos = env.step(np.zeros((2, 3), dtype=np.float32))
        assert seen.shape == (2, 22)
        assert truncated.all() == (k == 5)
        assert ("episode" in infos) == (k == 5)
    env.close()
    assert not records or ".mp4" in {file.suffix for file in tmp_path.iterdir()}
