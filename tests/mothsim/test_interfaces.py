"""Actions and controls are each other's inverse in both versions, and a policy flies version 1 as it flies alone."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mothsim import MothBody, controllers, fly, make_trajectory
from mothsim.controllers.networks.storage import find_network
from mothsim.interfaces import make_interface
from mothsim.policy_interface import ENTRIES

BODY = replace(MothBody(), wing_torque_limit=5e4)
TARGET = make_trajectory("figure-eight")
INTERFACES = [make_interface(version, TARGET, BODY, 0.02, 30, 0.7) for version in (0, 1)]
action = st.lists(st.floats(-1, 1), min_size=4, max_size=4)


@given(actions=st.lists(action, min_size=1, max_size=3), step=st.integers(0, 30))
def test_actions_come_back_from_their_controls(actions: list[list[float]], step: int) -> None:
    given_actions, steps = np.array(actions), np.full(len(actions), step)
    new = INTERFACES[1]
    np.testing.assert_allclose(new.actions(new.controls(given_actions, steps), steps), given_actions, atol=1e-9)
    old = INTERFACES[0]
    controls = old.controls(given_actions, steps)  # cut to the limits, so the second time is the first again
    np.testing.assert_allclose(old.controls(old.actions(controls, steps), steps), controls, atol=1e-6)


def test_no_action_is_trim_and_the_scale_about_it_is_even() -> None:
    interface, steps = INTERFACES[1], np.zeros(3, dtype=np.int64)
    actions = np.zeros((3, 4))
    actions[1, 2], actions[2, 2] = 0.01, 0.02
    none, little, twice = interface.controls(actions, steps)
    np.testing.assert_allclose(none, [BODY.weight, 0, 0, 0], atol=1e-6)
    assert little[2] == pytest.approx(0.01 * 0.7 * 28000, rel=1e-4)
    assert twice[2] == pytest.approx(2 * little[2], rel=1e-4)


def test_a_policy_flies_the_environment_as_it_flies_alone() -> None:
    controller, network = controllers.make("policy"), find_network("alone")
    env = gym.make("mothsim:mothsim/Track-v1", duration=1.0, action_range=5.0)
    policy = controllers.as_policy(controller, env)
    observation, info = env.reset(seed=0)
    start, errors, ended = info["state"].copy(), [info["error"]], False
    while not ended:
        assert observation.shape == (len(ENTRIES),)
        observation, _, terminated, truncated, info = env.step(policy(observation, info))
        errors.append(info["error"])
        ended = terminated or truncated
    flight = fly(controller, "sum-of-primes", duration=1.0, starts=start)
    np.testing.assert_allclose(errors[:-1], flight.errors, atol=1e-12)

    def decide(observations: np.ndarray) -> np.ndarray:
        hidden = observations.astype(np.float64)
        for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
            hidden = np.tanh(hidden @ weight + bias)
        return (hidden @ network.weights[-1] + network.biases[-1]) / 5.0

    learner = controllers.from_policy(decide, version=1, action_range=5.0)
    again = fly(learner, "sum-of-primes", duration=1.0, starts=start)
    np.testing.assert_allclose(again.errors, flight.errors, atol=1e-6)  # float32 at the edge


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version = 2: expected 0 or 1"):
        make_interface(2, TARGET, BODY, 0.02, 30)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"action_range = 0\.0: expected a number above zero"):
        gym.make("mothsim:mothsim/Track-v1", action_range=0.0)
