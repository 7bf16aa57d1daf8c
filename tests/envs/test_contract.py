"""The environment of one moth keeps its contract, as others' checkers and its own docstring have it."""

import pickle
import re
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from mothsim import MothBody, envs
from mothsim.observation import ENTRIES

EVERYTHING = {
    "actuation": "full",
    "start_spread": 2.0,
    "sensor_noise": 1.0,
    "force_noise": 0.1,
    "gusts": 100.0,
    "body_spread": 0.2,
}
CASES = pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mothsim/Track-v0", {}),
        ("mothsim/Hover-v0", {}),
        ("mothsim/Track-v0", EVERYTHING),
        ("mothsim/Track-v1", EVERYTHING),
        ("mothsim/Recover-v1", {}),
    ],
    ids=["track", "hover", "everything", "everything-v1", "recover-v1"],
)


def fly(env, steps, seed=None):
    """Random actions: everything that the environment says in so many steps."""
    said = [env.reset(seed=seed)] if seed is not None else []
    for _ in range(steps):
        said.append(env.step(env.action_space.sample() / 4))
        if said[-1][2] or said[-1][3]:
            said.append(env.reset())
    return said


def assert_same(one, other):
    """The same bits, however they are nested."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (tuple, list)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, np.ndarray) and one.dtype == object:
        assert_same(list(one), list(other))
    else:
        assert np.array_equal(one, other, equal_nan=isinstance(one, (np.ndarray, float, np.inexact)))


@CASES
def test_checkers_have_nothing_to_say(name, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*out of date")  # there is a version 1
        env = gym.make(name, render_mode="rgb_array", **options)
        check_env(env.unwrapped)
        for said in fly(env, 200, seed=1):  # by way of the passive checker, which gym.make puts around it
            assert said[0] in env.observation_space


@CASES
def test_two_thousand_steps_repeat_from_a_seed_and_after_a_pickle(name, options):
    env = gym.make(name, duration=0.5, **options)
    env.action_space.seed(3)
    first = fly(env, 1000, seed=7)
    copy = pickle.loads(pickle.dumps(env))
    second = fly(env, 1000)
    assert_same(fly(copy, 1000), second)
    again = gym.make(name, duration=0.5, **options)
    again.action_space.seed(3)
    assert_same(fly(again, 1000, seed=7) + fly(again, 1000), first + second)


def test_the_docstring_is_the_specification():
    rows = re.findall(
        r"^ *\| (\d+)(?:, (\d+))? \| (.*?) \| (.*?) \| (\d+) \| (\d+) \|$", envs.TrackEnv.__doc__ or "", re.M
    )
    documented = {int(i): row[2:] for row in rows for i in row[:2] if i}
    assert sorted(documented) == list(range(len(ENTRIES)))
    for i, entry in enumerate(ENTRIES):
        assert documented[i][1:] == (entry.unit, f"{entry.scale:g}", f"{entry.bound:g}")
        assert i >= 12 or documented[i][0] == entry.name
    env = envs.TrackEnv()
    bounds = np.array([entry.bound for entry in ENTRIES], np.float32)
    assert env.observation_space == gym.spaces.Box(-bounds, bounds)
    assert env.action_space == gym.spaces.Box(-1, 1, (3,), np.float32)
    assert envs.TrackEnv(actuation="full").action_space.shape == (4,)


def test_the_observation_is_the_state_relative_to_the_target():
    env = envs.TrackEnv(trajectory="sine")
    start = np.array([1.0, -2.0, 1.3, 4.2, 30.0, -20.0, 4.0, -3.0])
    seen, info = env.reset(seed=0, options={"start": start})
    np.testing.assert_array_equal(info["state"], start)
    wanted = [0.2, -0.4, np.sin(1.3), np.cos(1.3), np.sin(1.3 - np.pi / 2), np.cos(1.3 - np.pi / 2)]
    wanted += [np.sin(2.9 - np.pi), np.cos(2.9 - np.pi), 0.3, (-20 - 4 * np.pi) / 100, 0.2, -0.35]
    wanted += [value for k in range(1, 6) for value in (0, 2 * np.sin(2 * np.pi * 0.02 * k) / 5)]
    np.testing.assert_allclose(seen, wanted, rtol=1e-6, atol=1e-7)
    assert info["error"] == np.hypot(1, 2)


def test_no_action_is_trim_and_every_control_of_the_range_is_reached():
    env = envs.TrackEnv(trajectory="hover", start_spread=0.0, actuation="full", body=MothBody(wing_torque_limit=5e4))
    env.reset(seed=0)
    info = env.step(np.zeros(4))[4]
    np.testing.assert_allclose(info["control"], [MothBody().weight, 0, 0, 0], atol=1e-12)
    assert info["error"] < 1e-6
    for action, control in (
        ([1, 0, 1, 1], [44300, 0, 1e5, 5e4]),
        ([-1, 0, -1, -1], [44300, np.pi, -1e5, -5e4]),
        ([0, -9, np.inf, -np.inf], [44300, 1.5 * np.pi, 1e5, -5e4]),
    ):
        env.reset()
        np.testing.assert_allclose(env.step(np.array(action))[4]["control"], control, rtol=0.015)


def test_reward_is_its_terms_and_tells_hovering_from_falling():
    returns = {}
    for name, scale in {"still": 0.0, "random": 1.0}.items():
        env = gym.make("mothsim/Hover-v0")
        env.action_space.seed(0)
        env.reset(seed=0)
        returns[name] = 0.0
        for _ in range(500):
            _, reward, terminated, truncated, info = env.step(scale * env.action_space.sample())
            assert reward == np.add.accumulate([*info["reward_terms"].values()])[-1]  # in order, uncompensated
            returns[name] += reward
            if terminated or truncated:
                break
        assert terminated
        assert info["error"] > 20
        assert info["reward_terms"]["aloft"] == 0
    assert 0 < 2 * returns["random"] < returns["still"] < 100  # a moth that hovers has nearly 1000


def test_tasks_have_their_own_starts_and_limits():
    recover = envs.TrackEnv(trajectory="recover", start_spread=1.0)
    starts = np.array([recover.reset(seed=seed)[1]["state"] for seed in range(50)])
    assert 4 < np.abs(starts[:, :2]).max() <= 5
    assert 90 < np.abs(starts[:, 4:6]).max() <= 100
    recover.reset(options={"start": starts[0] + [100, 0, 0, 0, 0, 0, 0, 0]})
    assert not recover.step(np.zeros(3))[2]
    for name in ("figure-eight", "forward"):
        with pytest.raises(ValueError, match="within 20 cm"):
            envs.TrackEnv(trajectory=name).reset(options={"start": starts[0] + [100, 0, 0, 0, 0, 0, 0, 0]})
    with pytest.raises(ValueError, match=r"start_spread = 22.0: expected 0 to 21.2"):
        envs.TrackEnv(trajectory="recover", start_spread=22.0)


def test_an_episode_ends_once():
    env = envs.TrackEnv(duration=0.1, trajectory="hover")
    with pytest.raises(ResetNeeded, match="call reset first"):
        env.step(np.zeros(3))
    env.reset(seed=0)
    assert [env.step(np.zeros(3))[2:4] for _ in range(5)] == [(False, False)] * 4 + [(False, True)]
    with pytest.raises(ResetNeeded, match="has ended"):
        env.step(np.zeros(3))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(width=64), min_size=3, max_size=3), min_size=1, max_size=8), st.integers(0, 9))
def test_any_action_is_flown_or_refused(actions, seed):
    env = envs.TrackEnv()
    seen, _ = env.reset(seed=seed)
    for action in actions:
        if np.isnan(action).any():
            with pytest.raises(ValueError, match="not NaN"):
                env.step(action)
            continue
        seen, reward, terminated, _, info = env.step(action)
        assert seen in env.observation_space
        assert np.isfinite(reward)
        assert np.isfinite(info["state"]).all()
        if terminated:
            break
    assert np.isfinite(seen).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"trajectory": "loop"}, "trajectory = 'loop'"),
        ({"actuation": "over"}, "actuation = 'over': expected 'under' or 'full'"),
        ({"body": "zahn"}, "body = 'zahn': expected a MothBody"),
        ({"duration": 0.0}, "duration = 0.0: expected seconds above zero"),
        ({"period": float("nan")}, "period = nan"),
        ({"start_spread": 15.0}, "start_spread = 15.0"),
        ({"sensor_noise": -1.0}, "sensor_noise = -1.0"),
        ({"gusts": float("inf")}, "gusts = inf"),
        ({"body_spread": 1.0}, "body_spread = 1.0"),
        ({"render_mode": "ansi"}, "render_mode = 'ansi'"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        envs.TrackEnv(**options)


def test_bad_steps_and_starts_are_named():
    env = envs.TrackEnv()
    for start in (np.zeros(7), np.full(8, np.nan), np.full(8, 21.0)):
        with pytest.raises(ValueError, match="start"):
            env.reset(options={"start": start})
    env.reset(seed=0)
    with pytest.raises(ValueError, match=re.escape("action has shape (4,): expected (3,)")):
        env.step(np.zeros(4))


def test_standard_wrappers_apply(tmp_path):
    env = gym.make("mothsim/Hover-v0", max_episode_steps=10, render_mode="rgb_array")
    env = wrappers.RecordEpisodeStatistics(wrappers.RecordVideo(env, str(tmp_path), episode_trigger=lambda _: True))
    env = wrappers.NormalizeObservation(wrappers.RescaleAction(env, np.float32(-2.0), np.float32(2.0)))
    env = wrappers.FrameStackObservation(env, 3)
    seen, _ = env.reset(seed=0)
    for k in range(10):
        assert seen.shape == (3, 22)
        assert np.isfinite(seen).all()
        seen, _, terminated, truncated, info = env.step(np.zeros(3, dtype=np.float32))
        assert (terminated, truncated) == (False, k == 9)
    assert info["episode"]["l"] == 10
    env.close()
    assert [file.suffix for file in tmp_path.iterdir()] == [".mp4"]


@pytest.mark.parametrize("mode", ["rgb_array", "human"])
def test_pictures_move_and_windows_close(mode):
    env = envs.TrackEnv(render_mode=mode)
    env.reset(seed=0)
    first = env.render()
    env.step(np.array([0.5, 0.3, 0.1]))
    second = env.render()
    if mode == "human":
        assert first is None
        import matplotlib.pyplot as plt

        assert len(plt.get_fignums()) == 1
        env.close()
        assert not plt.get_fignums()
    else:
        assert first is not None
        assert second is not None
        assert first.shape == second.shape == (480, 480, 3)
        assert first.dtype == np.uint8
        assert (first != second).any()
        assert env.metadata["render_fps"] == 50


def test_a_file_is_a_trajectory_too(tmp_path):
    file = tmp_path / "loop.csv"
    file.write_text("t,x,y,theta\n0,1,2,1.5\n1,3,5,1.6\n")
    env = gym.make("mothsim/Track-v0", trajectory=file, start_spread=0.0)
    seen, info = env.reset(seed=0)
    np.testing.assert_array_equal(info["target"], [1, 2])
    assert info["error"] == 0
    np.testing.assert_allclose(seen[12:14] * 5, [0.02 * 2, 0.02 * 3], rtol=1e-5)
    assert_same(fly(pickle.loads(pickle.dumps(env)), 5, seed=3)[0], env.reset(seed=3))
