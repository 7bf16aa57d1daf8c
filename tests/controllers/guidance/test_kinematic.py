import math
import sys
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from mothsim import MothBody, Task, controllers, fly, make_trajectory, metrics
from mothsim.controllers.guidance import ilqr, lq_tracking
from mothsim.controllers.guidance.kinematic import (
    KinematicGains,
    KinematicGuidance,
    add_error,
    target_motion,
    waypoints,
)
from mothsim.controllers.guidance.kinematic_stability import kinematic_stability, select_kinematic_gains
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network
from mothsim.flight import random_starts
from mothsim.solver.propagate import propagate
from mothsim.trim import linearise, segment_slopes

GAINS = KinematicGains(position=0.4, angle=0.1, swing=0.003)
UPRIGHT = np.array([math.pi / 2, 3 * math.pi / 2])


def moving_target(posture: np.ndarray = UPRIGHT):
    """At (1, 2) cm, of 50 and -100 cm/s, and after 20 ms 0.1 cm beyond its drift along x."""
    return target_motion(np.array([1.0, 2.0]), np.array([50.0, -100.0]), np.array([2.1, 0.0]), posture)


def test_a_waypoint_worked_out_by_hand() -> None:
    states = np.array([[0.7, 2.4, math.pi / 2 + 0.2, 1.5 * math.pi - 0.1, 40.0, -90.0, 5.0, -3.0]])
    pose = waypoints(states, np.array([[0.3, 0.0]]), moving_target(), GAINS)[0]
    ahead = 0.1 / math.sqrt(1 + 0.1**2 / 0.6**2)
    offset = np.array([0.6, -0.4]) / math.sqrt(1 + 0.6**2 + 0.4**2)  # (1, 2) - (0.7, 2.4) + (0.3, 0)
    velocity = 0.02 * np.array([10.0, -10.0])
    assert pose[0] == pytest.approx(0.7 + 0.8 + ahead + 0.4 * (offset[0] + velocity[0]) - 0.003 * (5.0 - 3.0) / 2)
    assert pose[1] == pytest.approx(2.4 - 1.8 + 0.4 * (offset[1] + velocity[1]))
    assert pose[2] == pytest.approx(math.pi / 2 + 0.9 * (0.2 + 0.02 * 5))
    assert pose[3] == pytest.approx(1.5 * math.pi + 0.9 * (-0.1 - 0.02 * 3))


def test_a_moth_on_its_target_is_asked_to_follow_it_exactly() -> None:
    states = np.array([[1.0, 2.0, *UPRIGHT, 50.0, -100.0, 0.0, 0.0]])
    pose = waypoints(states, np.zeros((1, 2)), moving_target(), GAINS)[0]
    assert pose == pytest.approx([2.1, 0.0, *UPRIGHT], abs=2e-3)


def test_the_integral_grows_with_the_error_and_is_bounded() -> None:
    states = np.zeros((1, 8))
    grown = add_error(np.zeros((1, 2)), states, moving_target(), 2.0)
    assert grown[0] == pytest.approx(0.04 * np.array([1, 2]) / math.sqrt(1 + 5))
    for _ in range(1000):
        grown = add_error(grown, states, moving_target(), 2.0)
    assert grown[0] == pytest.approx([2.0, 2.0])


@pytest.mark.parametrize("turns", [-3, 1, 2])
def test_turns_more_or_less_change_no_bit(turns: int) -> None:
    controller = InverseModel("small", waypoint="kinematic")
    task = Task(make_trajectory("figure-eight"), MothBody(), 1.0, tuple(np.random.SeedSequence(0).spawn(5)))
    states = random_starts(task.trajectory, task.body, task.seeds)
    states[:, 2:4] = np.round(states[:, 2:4] * 2.0**32) / 2.0**32  # so that adding turns is exact
    wound = states.copy()
    wound[:, 2:4] += turns * math.tau
    decided = []
    for each in (states, wound):
        controller.reset(task)
        decided.append(controller.control(each, 0.0))
    assert np.array_equal(*decided)


def test_trim_is_pulled_to_by_the_shorter_way() -> None:
    """Theta and phi together: just over half a turn off one way is just under it the other."""
    states = np.zeros((2, 8))
    states[:, 2:4] = UPRIGHT + np.array([[3.0], [3.3]])
    pulled = waypoints(states, np.zeros((2, 2)), moving_target(), GAINS)[:, 2:4] - states[:, 2:4]
    assert pulled[0] == pytest.approx([-0.3, -0.3])
    assert pulled[1] == pytest.approx([0.1 * (math.tau - 3.3)] * 2)


def test_numpy_and_jax_have_one_statement() -> None:
    states = random_starts(make_trajectory("recover"), MothBody(), np.random.SeedSequence(0).spawn(9))
    integral = np.full((9, 2), 0.1)
    ours = waypoints(states, integral, moving_target(), GAINS)
    theirs = waypoints(jnp.asarray(states), jnp.asarray(integral), moving_target(), GAINS)
    assert np.asarray(theirs) == pytest.approx(ours, abs=1e-5)


TASKS = {"hover": 0.02, "sum-of-primes": 0.06, "figure-eight": 0.05, "forward": 0.03}


@pytest.mark.parametrize("name", ["small", "sparse-93"])
def test_networks_fly_alone(name: str) -> None:
    controller = InverseModel(name, waypoint="kinematic")
    for task, limit in TASKS.items():
        flight = fly(controller, task, duration=3.0, moths=10, seed=77)
        assert flight.lost.sum() == 0
        assert np.median(flight.rms_error) < limit
    assert metrics.recovered(fly(controller, "recover", duration=2.5, moths=20, seed=77)).mean() >= 0.85


def test_the_shipped_network_flies_alone_as_it_comes() -> None:
    """The 93 % network, trained on through its flight: still an inverse model, and still as sparse."""
    network = find_network("inverse-93")
    assert network.connections == find_network("sparse-93").connections
    assert network.info["test_loss"] < 1e-3
    controller = controllers.make("inverse-model", network="inverse-93")
    assert isinstance(controller, InverseModel)
    assert controller.waypoint == "kinematic"
    for task in TASKS:
        flight = fly(controller, task, duration=3.0, moths=20, seed=78)
        assert flight.lost.sum() == 0
        assert np.median(flight.rms_error) < 0.05
    assert metrics.recovered(fly(controller, "recover", duration=2.5, moths=20, seed=78)).mean() >= 0.9


@pytest.mark.slow
def test_the_shipped_network_loses_none_of_four_hundred() -> None:
    controller = controllers.make("inverse-model", network="inverse-93")
    for task, duration in (("hover", 5.0), ("sum-of-primes", 10.0), ("figure-eight", 5.0), ("forward", 5.0)):
        flight = fly(controller, task, duration=duration, moths=100, seed=4321)
        assert flight.lost.sum() == 0
        assert np.median(flight.rms_error) <= 0.05
    assert metrics.recovered(fly(controller, "recover", duration=4.0, moths=100, seed=4321)).sum() >= 95


def test_a_flight_alone_calls_neither_engine_nor_plan_nor_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine that flies the moth itself excepted."""
    controller = InverseModel("small", waypoint="kinematic")
    expected = fly(controller, "sine", duration=0.5, moths=3, seed=5)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a network that flies alone asked for help")

    helpers = (propagate, linearise, segment_slopes, ilqr.ilqr, lq_tracking.Guidance)
    for name, module in list(sys.modules.items()):
        if name.startswith("mothsim") and name != "mothsim.step":
            for attribute, value in list(vars(module).items()):
                if any(value is helper for helper in helpers):
                    monkeypatch.setattr(module, attribute, forbidden)
    with pytest.raises(AssertionError, match="asked for help"):
        fly(InverseModel("small", waypoint="reachable"), "sine", duration=0.5, moths=3, seed=5)
    assert np.array_equal(fly(controller, "sine", duration=0.5, moths=3, seed=5).states, expected.states)


def test_a_moth_flies_alone_as_in_company() -> None:
    controller = InverseModel("small", waypoint="kinematic")
    many = fly(controller, "sine", duration=0.5, moths=70, seed=3)
    assert np.array_equal(many.moth(0).states, fly(controller, "sine", duration=0.5, seed=3).states)


@pytest.mark.parametrize("name", ["small", "sparse-93", "compact"])
def test_gains_are_chosen_by_the_networks_slopes(name: str) -> None:
    network = find_network(name)
    gains = select_kinematic_gains(network)
    assert kinematic_stability(network, gains).spectral_radius < 1
    assert kinematic_stability(network, replace(gains, position=1.25 * gains.position)).spectral_radius < 1
    assert kinematic_stability(network, replace(gains, position=1.7 * gains.position)).spectral_radius > 1
    bare = replace(gains, integral=0.0)
    controller = InverseModel(network, gains=bare, waypoint="kinematic")
    hover = fly(controller, "hover", duration=5.0, moths=3, seed=5, start_scale=0.2)
    assert hover.errors[:, -1] == pytest.approx(kinematic_stability(network, bare).offset, abs=0.01)


def test_a_network_without_controls_is_lost_and_not_an_error() -> None:
    good = find_network("small")
    dead = Network((*good.weights[:-1], 0 * good.weights[-1]), good.biases, good.scaling)
    controller = InverseModel(dead, waypoint="kinematic")
    assert controller.stability().spectral_radius >= 1 - 1e-6
    assert fly(controller, "hover", duration=2.0, moths=2, seed=1).lost.all()


def test_gains_and_waypoint_may_come_with_the_network() -> None:
    good = find_network("small")
    info = {"waypoint": "kinematic", "kinematic_gains": [0.3, 0.02, 0.004, 1.0]}
    own = InverseModel(Network(good.weights, good.biases, good.scaling, info))
    assert own.waypoint == "kinematic"
    assert own.guidance.gains == KinematicGains(0.3, 0.02, 0.004, 1.0)
    assert InverseModel(good).waypoint == "reachable"
    assert InverseModel(good, waypoint="kinematic", gains=KinematicGains(0.2)).guidance.gains.position == 0.2


def test_other_body_angles_are_flown_to_as_well() -> None:
    controller = InverseModel("small", waypoint="kinematic")
    flight = fly(controller, make_trajectory("hover", 1.4), duration=4.0, moths=4, seed=1)
    assert flight.lost.sum() == 0
    assert np.abs(flight.states[:, -1, 2] - 1.4).max() < 0.1


def test_bad_gains_are_named() -> None:
    with pytest.raises(ValueError, match=r"position = -0\.1: expected a finite number"):
        KinematicGains(position=-0.1)
    with pytest.raises(ValueError, match="angle = nan"):
        KinematicGains(angle=math.nan)
    with pytest.raises(ValueError, match=r"gains = .*'reachable' has none"):
        InverseModel("small", gains=KinematicGains())
    with pytest.raises(ValueError, match=r"weights = .*'kinematic' has none"):
        controllers.make("inverse-model", waypoint="kinematic", weights=lq_tracking.LQRWeights())
    with pytest.raises(ValueError, match="beyond the body's"):
        KinematicGuidance(GAINS).reset(Task(make_trajectory("hover"), MothBody(force_limit=1000.0), 1.0, ()))
