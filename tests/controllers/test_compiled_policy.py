"""A compiled decision against the policy's interface, number by number, and how long it takes."""

import numpy as np
import pytest

import mothsim
from mothsim import controllers
from mothsim.actuation import from_components
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import find_network
from mothsim.flight import Task, moth_seeds, random_starts
from mothsim.policy_interface import observe, preview, to_control_components
from mothsim.timing import best_time


@pytest.mark.parametrize("name", ["alone", "alone-6"])
def test_a_compiled_decision_is_that_of_the_interface(name: str) -> None:
    target, body = mothsim.make_trajectory("sum-of-primes"), mothsim.MothBody()
    starts, seeds = moth_seeds(0, 50)
    policy = controllers.make("policy", network=name)
    policy.reset(Task(target, body, 1.0, seeds))
    states = random_starts(target, body, starts, 3.0)
    found = policy.control(states, 0.2)
    shown = preview(target, body, 0.02, 50).at(10)
    outputs = CompiledNetwork(find_network(name))(observe(states, shown))
    components = np.zeros((50, 4))
    components[:, :3] = to_control_components(outputs, shown.trims, body)
    np.testing.assert_allclose(found, from_components(components), rtol=1e-12)
    np.testing.assert_array_equal(policy.control(states[7:8], 0.2), found[7:8])


def test_a_decision_of_a_small_policy_for_one_moth_takes_less_than_ten_microseconds() -> None:
    target, body = mothsim.make_trajectory("hover"), mothsim.MothBody()
    starts, seeds = moth_seeds(0, 1)
    policy = controllers.make("policy", network="alone-6")
    policy.reset(Task(target, body, 1.0, seeds))
    states = random_starts(target, body, starts)
    assert best_time(lambda: policy.control(states, 0.02), 2000) < 10e-6
