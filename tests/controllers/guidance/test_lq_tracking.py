import math
from typing import Any

import numpy as np
import pytest

from mothsim import MothBody, Task, controllers, fly, make_trajectory, metrics
from mothsim.actuation import to_components
from mothsim.controllers.guidance.lq_tracking import Guidance
from mothsim.flight import random_starts
from mothsim.trajectories import cruise
from mothsim.trim import find_trim, linearise


def seeds(count: int) -> tuple[np.random.SeedSequence, ...]:
    return tuple(np.random.SeedSequence(0).spawn(count))


def test_waypoint_is_where_its_own_control_leads() -> None:
    guidance = Guidance()
    guidance.reset(Task(make_trajectory("hover"), MothBody(), 1.0, seeds(3)))
    trim = find_trim(MothBody())
    states = trim.state + 0.01 * np.random.default_rng(0).standard_normal((3, 8))
    controls = guidance.control(states, 0.0)
    waypoints = guidance.waypoint(states, controls)
    departure = to_components(controls) - to_components(trim.control)
    linear = linearise(MothBody(), trim)
    predicted = trim.state + (states - trim.state) @ linear.a.T + departure @ linear.b.T
    assert waypoints == pytest.approx(predicted[:, :4], abs=0.02)


LIMITS = {"hover": 0.005, "step": 0.3, "sine": 0.006, "sum-of-primes": 0.006, "figure-eight": 0.006, "forward": 0.006}


@pytest.mark.parametrize("task", LIMITS)
def test_lqr_flies(task: str) -> None:
    flight = fly(controllers.make("lqr"), task, duration=5.0, moths=20, seed=11)
    assert flight.lost.sum() == 0
    assert np.median(flight.rms_error) < LIMITS[task]


@pytest.mark.parametrize(("controller", "share"), [("lqr", 1.0), ("inverse-model", 0.8)])
def test_violent_starts_are_recovered_from(controller: str, share: float) -> None:
    flight = fly(controllers.make(controller), "recover", duration=2.5, moths=20, seed=11)
    assert metrics.recovered(flight).mean() >= share


@pytest.mark.slow
@pytest.mark.parametrize("network", [None, "dense", "sparse-93", "sparse-98", "small"])
def test_every_task_from_a_hundred_starts(network: str | None) -> None:
    controller = controllers.make("inverse-model", network=network) if network else controllers.make("lqr")
    for task in ("figure-eight", "forward", "sum-of-primes"):
        flight = fly(controller, task, duration=5.0, moths=100, seed=0)
        assert flight.lost.sum() == 0
        assert np.median(flight.rms_error) < (0.03 if network else 0.006)
    recovered = metrics.recovered(fly(controller, "recover", duration=2.5, moths=100, seed=0))
    assert recovered.sum() >= (85 if network == "sparse-98" else 99)


def test_a_start_is_led_to_its_target_whatever_flies_beside_it() -> None:
    law = controllers.make("lqr")
    gentle, violent = (random_starts(make_trajectory(task), MothBody(), seeds(3)) for task in ("hover", "recover"))
    together = fly(law, "recover", duration=1.0, starts=np.concatenate([gentle, violent]))
    assert np.array_equal(together.states[:3], fly(law, "recover", duration=1.0, starts=gentle).states)
    assert np.array_equal(together.states[4], fly(law, "recover", duration=1.0, starts=violent[1]).states)


@pytest.mark.parametrize("angle", [math.pi / 4, 1.2, 2.2])
def test_lqr_hovers_at_other_body_angles(angle: float) -> None:
    flight = fly(controllers.make("lqr"), make_trajectory("hover", angle), duration=4.0, moths=5, seed=1)
    assert flight.lost.sum() == 0
    assert np.median(flight.rms_error) < 0.05
    assert np.abs(flight.states[:, -1, 2] - angle).max() < 0.02


def test_a_network_cruises_from_the_first_moment_on() -> None:
    flight = fly(
        controllers.make("inverse-model", network="small"), cruise((-300.0, 300.0)), duration=1.0, moths=4, seed=3
    )
    assert np.abs(flight.states[:, 0, 4:6] - [-300, 300]).max() < 10.001
    assert flight.max_error.max() < 0.1


def test_lqr_flies_a_fully_actuated_moth() -> None:
    body = MothBody.bustamante2022("fa")
    flight = fly(controllers.make("lqr"), "hover", duration=3.0, moths=5, seed=1, body=body)
    assert flight.lost.sum() == 0
    assert np.abs(flight.controls[..., 3]).max() > 0
    assert np.median(flight.rms_error) < 0.02


def test_unknown_controllers_and_options_are_said() -> None:
    names: list[Any] = ["pid", None, 3]
    for name in names:
        with pytest.raises(ValueError, match="expected one of lqr, inverse-model"):
            controllers.make(name)
    with pytest.raises(ValueError, match="gain"):
        controllers.make("lqr", gain=3)


def test_a_body_too_small_for_the_engine_is_named() -> None:
    with pytest.raises(ValueError, match=r"body: its motion about trim .* expected a larger one"):
        fly(controllers.make("lqr"), "hover", duration=0.1, body=MothBody().scaled(0.01))
