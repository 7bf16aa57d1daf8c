"""The sampling controllers: costs by hand, choices, failures, streams, and flights."""

from typing import Any

import numpy as np
import pytest

import mothsim
from mothsim import MothBody, Task, controllers, make_trajectory
from mothsim.controllers.guidance.reference import reference_states
from mothsim.controllers.mpc.base import SamplingMPC
from mothsim.controllers.mpc.cem import CEM
from mothsim.controllers.mpc.costs import Bustamante2022, Tracking, squares
from mothsim.controllers.mpc.mppi import MPPI
from mothsim.controllers.mpc.random_shooting import RandomShooting
from mothsim.flight import moth_seeds, random_starts
from mothsim.solver.propagate import SEGMENT
from mothsim.trim import find_trim, linearise

METHODS: dict[str, dict[str, Any]] = {
    "random-shooting": {"num_samples": 32, "iterations": 3},
    "cem": {"num_samples": 32, "iterations": 3},
    "mppi": {"num_samples": 32, "iterations": 3},
}


def prepared(controller: Any, moths: int = 2, trajectory: str = "hover", body: MothBody | None = None) -> np.ndarray:
    """Reset a controller for some moths and return their starts."""
    body, target = body or MothBody(), make_trajectory(trajectory)
    starts, seeds = moth_seeds(5, moths)
    controller.reset(Task(target, body, 0.2, seeds))
    return random_starts(target, body, starts)


def test_bustamante_cost_by_hand() -> None:
    cost = Bustamante2022()
    cost.reset(Task(make_trajectory("hover", np.pi / 4), MothBody(), 1.0, ()))
    end = np.array([0.1, -0.2, np.pi / 4 + 0.3, 9.0, 100.0, -200.0, 5.0, 77.0])
    expected = 1e9 * 0.01 + 1e10 * 0.04 + 1e10 * 0.09 + 1e-5 * 1e4 + 1e-5 * 4e4 + 1e8 * 25
    ends = np.array([[end, np.full(8, np.nan)]])
    costs = cost(ends, np.zeros((1, 2, 3)), 0.02, last=True)
    assert costs[0, 0] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(costs[0, 1])


def test_bustamante_goal_moves_with_its_clock() -> None:
    target = make_trajectory("sine")
    for clock in (1.0, 0.99):
        cost = Bustamante2022(clock)
        cost.reset(Task(target, MothBody(), 1.0, ()))
        end = np.zeros(8)
        end[2] = np.pi / 2
        end[:2], end[4:6] = target.position(clock * 0.3), target.velocity(clock * 0.3)
        assert cost(end[None, None], np.zeros((1, 1, 3)), 0.3, last=True)[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_squares_by_hand() -> None:
    factor = np.array([[1.0, 2.0], [0.0, 3.0]])
    rows, centres = np.array([[[1.0, 1.0], [2.0, 0.0]]]), np.array([[1.0, 0.0]])
    assert squares(rows, centres, factor) == pytest.approx(np.array([[13.0, 1.0]]))


def test_tracking_law_is_the_least_of_its_own_cost_about_trim() -> None:
    """By the linear model, nothing near it is cheaper."""
    cost, target, body = Tracking(), make_trajectory("sine"), MothBody()
    cost.reset(Task(target, body, 1.0, moth_seeds(0, 1)[1]))
    states = reference_states(target, body, SEGMENT * np.arange(50))[:1]
    cost.begin(states, 0.0)
    nominal_control = cost.nominal_control(states, 0.0)
    trim = find_trim(body)
    linear = linearise(body, trim)
    plans = nominal_control + np.concatenate(
        [np.zeros((1, 3)), 0.1 * np.random.default_rng(0).standard_normal((50, 3))]
    )
    ends = trim.state + linear.a @ (states[0] - trim.state) + (plans @ cost.axes) @ linear.b.T
    assert cost(ends[None], plans[None], 0.02, last=True).argmin() == 0


def test_violent_starts_are_led_to_the_target_more_slowly_than_calm_ones_beside_them() -> None:
    cost, target, body = Tracking(), make_trajectory("recover"), MothBody()
    task = Task(target, body, 1.0, moth_seeds(0, 2)[1])
    states = np.tile(find_trim(body).state, (2, 1))
    states[:, 0], states[1, 4] = 0.1, 150.0
    last = []
    for rows in (states, states[:1]):
        cost.reset(task)
        cost.begin(rows, 0.0)
        last.append(SEGMENT * np.count_nonzero(np.abs(cost.approach[:, :, 0]) > 1e-9, axis=0))
    assert last[0][0] == last[1][0] == pytest.approx(cost.weights.approach_time, abs=SEGMENT)
    assert last[0][1] > 2 * last[0][0]


def test_the_cheapest_valid_plan_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    controller = RandomShooting(num_samples=16, iterations=1)
    states = prepared(controller)
    kept = {}
    original = SamplingMPC.roll_out

    def broken(self: SamplingMPC, states: np.ndarray, plans: np.ndarray, time: float) -> np.ndarray:
        costs = original(self, states, plans, time)
        costs[:, costs.argmin(axis=1)] = np.inf  # those that would have won, and others, fail
        kept.update(plans=plans, costs=costs)
        return costs

    monkeypatch.setattr(SamplingMPC, "roll_out", broken)
    chosen = controller.control(states, 0.0)
    winners = kept["costs"].argmin(axis=1)
    assert np.array_equal(chosen, controller.controls(kept["plans"][np.arange(2), winners, 0]))
    assert controller.fallbacks.tolist() == [0, 0]


@pytest.mark.parametrize("name", ["monte-carlo", *METHODS])
def test_without_a_valid_plan_trim_is_flown_and_counted(name: str) -> None:
    controller: Any = controllers.make(name, num_samples=16)
    states = prepared(controller, moths=3)
    states[1, 4] = np.nan
    controls = controller.control(states, 0.0)
    assert np.array_equal(controls[1], controller.cost.trim)
    assert np.isfinite(controls).all()
    assert controller.fallbacks.tolist() == [0, 1, 0]
    controller.control(states, controller.period)
    assert controller.fallbacks.tolist() == [0, 2, 0]


@pytest.mark.parametrize("method", [MPPI, CEM, RandomShooting])
def test_failed_plans_weigh_nothing(method: type) -> None:
    controller = method(num_samples=8)
    prepared(controller, moths=1)
    controller.plan = np.zeros((1, 4, 3))
    controller.sample(0)
    plans = np.random.default_rng(0).standard_normal((1, 8, 4, 3))
    costs = np.arange(8.0)[None].copy()
    costs[0, 4:] = np.inf
    weighed = controller.update_plan(plans, costs)
    plans[0, 4:] = 1e9
    assert np.array_equal(weighed, controller.update_plan(plans, costs))
    assert np.abs(weighed).max() > 0
    costs[0, 1:] = np.inf
    assert controller.update_plan(plans, costs) == pytest.approx(plans[:, 0])


@pytest.mark.parametrize("name", ["monte-carlo", *METHODS])
def test_controls_stay_within_the_body(name: str) -> None:
    body = MothBody(force_limit=3000.0, abdomen_torque_limit=2000.0)
    controller: Any = controllers.make(name, num_samples=64)
    states = prepared(controller, moths=4, body=body)
    states[:, 0] += 5.0
    for k in range(3):
        controls = controller.control(states, k * controller.period)
        assert np.all((controls[:, 0] >= 0) & (controls[:, 0] <= 3000.0))
        assert np.all(np.abs(controls[:, 2]) <= 2000.0)
        assert np.all(controls[:, 3] == 0.0)


@pytest.mark.parametrize("name", ["monte-carlo", *METHODS])
def test_a_moth_is_itself_to_the_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone or among others, on one thread or two, again and again; another seed is another flight."""
    options = METHODS.get(name, {"num_samples": 400})

    def flown(**how: Any) -> mothsim.Flight:
        return mothsim.fly(controllers.make(name, **options), "sine", duration=0.1, body=MothBody(), **how)

    many = flown(seed=3, moths=9)
    alone = flown(seed=3)
    monkeypatch.setattr("mothsim.solver.cascade.default_threads", lambda: 1)
    single = flown(seed=3, moths=2)
    assert np.array_equal(many.moth(0).states, alone.states)
    assert np.array_equal(many.states[:2], single.states)
    assert np.array_equal(many.controls[:2], single.controls)
    assert not np.array_equal(flown(seed=4).controls, alone.controls)


@pytest.mark.parametrize("name", METHODS)
def test_each_flies_zahns_moth(name: str) -> None:
    flight = mothsim.fly(controllers.make(name), "sum-of-primes", duration=1.0, moths=3, seed=11)
    assert not flight.lost.any()
    assert np.median(flight.rms_error) < 0.06


def test_each_flies_by_the_published_cost_too() -> None:
    """With Bustamante et al.'s cost and moth, though it decides a quarter as often."""
    controller = RandomShooting("bustamante2022", num_samples=200, horizon=1, iterations=4, noise_std=6.0)
    target = make_trajectory("sum-of-primes", np.pi / 4)
    flight = mothsim.fly(controller, target, duration=0.6, moths=2, seed=0, body=MothBody.bustamante2022("fa"))
    assert not flight.lost.any()
    assert np.median(flight.rms_error) < 3.0


def test_rollout_paths_start_at_the_moth_and_lead_on() -> None:
    controller = MPPI(num_samples=20, iterations=1)
    controller.keep_rollouts = True
    flight = mothsim.fly(controller, "hover", duration=0.06, seed=1)
    assert len(controller.sampled_paths) == 3
    for paths, state in zip(controller.sampled_paths, flight.states, strict=True):
        assert paths.shape == (20, 21, 2)
        assert np.array_equal(paths[:, 0], np.tile(state[:2], (20, 1)))
        assert np.isfinite(paths).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_samples": 0}, "num_samples = 0: expected a whole number"),
        ({"horizon": 1.5}, "horizon = 1.5"),
        ({"noise_std": -1.0}, "noise_std = -1.0"),
        ({"cost": "least"}, "cost = 'least': expected one of tracking, close-tracking, bustamante2022"),
        ({"temperature": 0.0}, "temperature = 0.0"),
        ({"temperature": "hot"}, "temperature = 'hot'"),
        ({"noise_decay": float("nan")}, "noise_decay = nan: expected a finite number above zero"),
        ({"noise_std": float("inf")}, "noise_std = inf"),
        ({"iterations": None}, "iterations = None"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        controllers.make("mppi", **options)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "moths"), [("mppi", 50), ("cem", 30), ("random-shooting", 30)])
def test_no_moth_is_lost(name: str, moths: int) -> None:
    """Zahn et al.'s under-actuated moth from the starts of a first flight."""
    limits = {"hover": (5.0, 0.02), "sum-of-primes": (10.0, 0.06)}
    for task, (seconds, limit) in limits.items():
        flight = mothsim.fly(controllers.make(name), task, duration=seconds, moths=moths, seed=2000)
        assert not flight.lost.any()
        assert np.median(flight.rms_error) <= limit
