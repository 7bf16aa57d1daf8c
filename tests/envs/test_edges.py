"""Whatever environments are called with is done, or refused by a ValueError that names the argument."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import ClipAction, RescaleAction
from gymnasium.wrappers.vector import RescaleAction as RescaleActions
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mothsim import MothBody, controllers, envs, make_trajectory

MOTHS = 3
SPECIAL = [0.0, -1.0, 1.6, 4.7, 30.0, 1e6, 1e300, np.nan, np.inf, -np.inf]
number = st.sampled_from(SPECIAL) | st.floats(-30, 30)
junk: st.SearchStrategy[Any] = st.sampled_from(
    ["1", "moth", None, b"x", 1j, [1, [2]], {}, {"start": 1}, object(), True, ()]
)
array = st.lists(st.lists(number, min_size=7, max_size=9), min_size=1, max_size=4).map(tuple)
start = st.lists(number, min_size=7, max_size=9) | array | junk
name = st.sampled_from(["start", "state", "reset_mask", "seed", 0])
mask = st.lists(st.booleans(), min_size=2, max_size=4) | junk
seed = st.integers(-2, 2**70) | st.integers(0, 99).map(np.int64) | st.floats(-1, 5) | junk
NAMED = r"^(options|seed|action|num_envs|max_episode_steps|autoreset_mode|render_mode|{})\b"


@pytest.fixture(scope="module")
def env():
    return envs.TrackEnv()


@pytest.fixture(scope="module")
def many():
    return envs.TrackVectorEnv(MOTHS)


def done_or_named(call, *names):
    """The result, or None where a ValueError names the argument."""
    try:
        return call()
    except ValueError as error:
        named = re.match(NAMED.format("|".join(names) or "options"), str(error))
        if not named:
            raise AssertionError("the error names no argument") from error
        return None


@settings(max_examples=50, deadline=None)
@given(options=st.dictionaries(name, start, max_size=2) | junk, seed=seed)
def test_any_reset_of_one_moth(env, options, seed):
    result = done_or_named(lambda: env.reset(seed=seed, options=options))
    if result is None:
        return
    assert np.isfinite(result[0]).all()
    assert options is None or set(options) <= {"start"}
    if options and options["start"] is not None:
        np.testing.assert_array_equal(result[1]["state"], np.reshape(np.array(options["start"], float), 8))


@settings(max_examples=50, deadline=None)
@example(start=[0, 0, 0, np.inf, 0, 0, 0, 0], mask=None, seed=0, other=False)  # a bend of no number of turns
@given(start=start, mask=mask, seed=seed | st.lists(seed, min_size=2, max_size=4), other=st.booleans())
def test_any_reset_of_many(many, start, mask, seed, other):
    many.reset(seed=0)
    before = many.step(np.zeros((MOTHS, 3)))[4]["state"]
    options = {"start": start, "reset_mask": mask} | ({"state": 0} if other else {})
    result = done_or_named(lambda: many.reset(seed=seed, options=options))
    if result is None:
        after = many.step(np.zeros((MOTHS, 3)))[4]["time"]
        np.testing.assert_allclose(after, 0.04)  # what was refused has changed nothing
        return
    assert not other
    chosen = np.ones(MOTHS, bool) if mask is None else np.array(mask)
    if start is not None:
        rows = np.broadcast_to(np.array(start, float), (MOTHS, 8))
        np.testing.assert_array_equal(result[1]["state"][chosen], rows[chosen])
    np.testing.assert_array_equal(result[1]["state"][~chosen], before[~chosen])


@settings(max_examples=40, deadline=None)
@given(action=st.lists(number, min_size=2, max_size=4) | junk | st.lists(junk, min_size=3, max_size=3))
def test_any_action(env, action):
    env.reset(seed=0)
    result = done_or_named(lambda: env.step(action))
    assert result is None or (np.isfinite(result[0]).all() and np.shape(action) == (3,))


OPTIONS = {
    "trajectory": st.sampled_from(["hover", "loop", Path("none.csv"), 3, None, ["hover"]]),
    "actuation": st.sampled_from(["under", "full", "over", None, ["full"]]),
    "body": st.sampled_from([MothBody(), {"spring": 1e4}, {"sprung": 1}, {"spring": "x"}, "zahn", None]),
    **dict.fromkeys(
        ("duration", "period"), st.sampled_from([0.5, 0.02, 1, 2, 0, -1, 1e-320, 1e12, np.nan, np.inf, "1", None, 1j])
    ),
    **dict.fromkeys(("start_spread", "sensor_noise", "force_noise", "gusts", "body_spread"), number | junk),
}


@settings(max_examples=60, deadline=None)
@given(option=st.sampled_from([*OPTIONS]).flatmap(lambda name: st.tuples(st.just(name), OPTIONS[name])))
def test_any_option(option):
    name, value = option
    made = done_or_named(lambda: envs.TrackEnv(**{name: value}), name, "duration", "spring")
    if made is not None:
        made.reset(seed=0)
        assert np.isfinite(made.step(np.zeros(3 if value != "full" else 4))[0]).all()


@pytest.mark.parametrize(("key", "value"), [
    ("num_envs", "3"), ("num_envs", 2.0), ("max_episode_steps", "5"), ("max_episode_steps", -1),
    ("autoreset_mode", None), ("autoreset_mode", "Never"), ("render_mode", ["rgb_array"]),
])  # fmt: skip
def test_arguments_of_the_batch_are_named(key, value):
    with pytest.raises(ValueError, match=f"^{key} = {re.escape(repr(value))}"):
        envs.TrackVectorEnv(**{key: value})


def test_a_state_for_a_start_is_refused_by_name(env):
    with pytest.raises(ValueError, match=re.escape("options['state']: unknown option, expected 'start'")):
        env.reset(options={"state": np.zeros(8)})


def test_a_start_turned_by_whole_turns_is_the_same_and_one_that_is_wound_up_is_refused(env):
    start = np.array([0, 0, 1.6, 4.7, 0, 0, 0, 0])
    turned = start + 2 * np.pi * np.array([0, 0, 1, 1, 0, 0, 0, 0])
    seen = [env.reset(seed=0, options={"start": one})[0] for one in (start, turned)]
    np.testing.assert_allclose(seen[1], seen[0], atol=1e-6)
    with pytest.raises(ValueError, match=r"options\['start'\].*phi = 10.98"):
        env.reset(options={"start": start + 2 * np.pi * np.array([0, 0, 0, 1, 0, 0, 0, 0])})


def test_seeds_of_numpy_are_seeds(env, many):
    np.testing.assert_array_equal(env.reset(seed=np.int64(3))[0], env.reset(seed=3)[0])
    np.testing.assert_array_equal(many.reset(seed=np.int64(3))[0], many.reset(seed=3)[0])
    np.testing.assert_array_equal(many.reset(seed=np.arange(3, 6))[0], many.reset(seed=3)[0])


def test_a_wrapper_that_rescales_actions_is_refused_for_a_controller():
    env = gym.make("mothsim/Track-v0")
    many: Any = gym.make_vec("mothsim/Track-v0", num_envs=2, vectorization_mode="vector_entry_point")
    for wrapped in (RescaleAction(env, np.float32(-2), np.float32(2)), RescaleActions(many, -2.0, 2.0)):
        with pytest.raises(ValueError, match=r"action_space = Box\(-2.0, 2.0.*expected the environment's own"):
            controllers.as_policy(controllers.make("lqr"), wrapped)
    for kept in (ClipAction(env), RescaleAction(env, np.float32(-1), np.float32(1)), many):
        controllers.as_policy(controllers.make("lqr"), kept)


LOOP = "t,x,y\n0,0,0\n1,3,1\n2,1,0\n"


@pytest.mark.parametrize("kind", ["name", "trajectory", "path", "read"])
def test_a_specification_goes_through_json(tmp_path, kind):
    file = tmp_path / "loop.csv"
    file.write_text(LOOP)
    trajectory = {"name": "sine", "trajectory": make_trajectory("sine"), "path": file, "read": make_trajectory(file)}[
        kind
    ]
    options = {"trajectory": trajectory, "body": MothBody(spring=2e4), "duration": np.float32(1.5), "gusts": 10}
    env = gym.make("mothsim/Track-v0", **options)
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    np.testing.assert_array_equal(env.reset(seed=3)[0], again.reset(seed=3)[0])
    for one, other in zip(*[[made.step(np.full(3, 0.05)) for _ in range(5)] for made in (env, again)], strict=True):
        np.testing.assert_array_equal(one[0], other[0])


def test_what_json_cannot_hold_is_refused_when_it_is_made_again():
    turned = make_trajectory("hover", angle=1.2)
    mine = replace(turned, name="mine", velocity_at=lambda t: np.zeros((len(t), 2)))

    def climb(t):
        return 0.0, t

    for trajectory, name in ((turned, "hover"), (mine, "mine"), (climb, "climb")):
        env = gym.make("mothsim/Track-v0", trajectory=trajectory)
        assert env.spec is not None
        with pytest.raises(ValueError, match=f"trajectory = .*{name}.*which JSON cannot hold"):
            gym.make(EnvSpec.from_json(env.spec.to_json()))
        gym.make(env.spec).reset(seed=0)  # within a program the object itself is handed on


def test_the_time_limit_is_in_the_specification_and_changes_no_episode():
    env = gym.make("mothsim/Hover-v0", duration=0.1)
    assert env.spec is not None
    assert env.spec.max_episode_steps == env.unwrapped.max_episode_steps == 5  # pyright: ignore
    for made in (env, gym.make(env.spec)):
        made.reset(seed=0)
        assert [made.step(np.zeros(3))[2:4] for _ in range(5)] == [(False, False)] * 4 + [(False, True)]
    many: Any = gym.make_vec("mothsim/Hover-v0", 2, "vector_entry_point", duration=0.1, max_episode_steps=3)
    assert many.spec.max_episode_steps == 3
    assert gym.make_vec(EnvSpec.from_json(many.spec.to_json())).spec.max_episode_steps == 3  # pyright: ignore
    long = gym.make("mothsim/Hover-v0", duration=20.0)
    assert long.spec is not None
    assert long.spec.max_episode_steps == 1000
    assert gym.spec("mothsim/Hover-v0").max_episode_steps is None
