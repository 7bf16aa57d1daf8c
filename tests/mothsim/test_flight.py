import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest

import mothsim
from mothsim import Disturbances, MothBody, Task, fly, metrics
from mothsim.controllers import LQR
from mothsim.flight import random_starts
from mothsim.perturbations import PERTURBATIONS
from mothsim.trim import find_trim


class Still:
    """Holds one control."""

    period = 0.02

    def __init__(self, control: np.ndarray, period: float = 0.02) -> None:
        self.held, self.period = control, period

    def reset(self, task: Task) -> None:
        self.count = len(task.seeds)

    def control(self, states: np.ndarray, time: float) -> np.ndarray:
        return np.tile(self.held, (self.count, 1))


def test_a_moth_flies_alone_as_in_company() -> None:
    many = fly(LQR(), "sine", duration=0.6, seed=4, moths=7)
    alone = fly(LQR(), "sine", duration=0.6, seed=4)
    few = fly(LQR(), "sine", duration=0.6, seed=4, moths=3)
    assert np.array_equal(many.moth(0).states, alone.states)
    assert np.array_equal(many.states[:3], few.states)
    assert np.array_equal(many.moth(0).controls, alone.controls)
    assert not np.array_equal(many.states[0], many.states[1])


def test_record_of_a_fall_is_free_fall() -> None:
    body = MothBody()
    start = find_trim(body).state
    flight = fly(Still(np.zeros(4), period=0.005), "hover", duration=0.1, starts=start)
    assert flight.times == pytest.approx(0.005 * np.arange(20))
    assert flight.errors == pytest.approx(490 * flight.times**2, abs=0.02)
    assert flight.states[0] == pytest.approx(start)
    assert not flight.lost
    assert flight.rms_error == pytest.approx(np.sqrt(np.mean(flight.errors**2)))


def test_the_lost_are_lost_and_touch_nobody() -> None:
    trim = find_trim(MothBody())
    starts = np.tile(trim.state, (3, 1))
    starts[1, 4] = 5000.0
    starts[2, 4] = 1e200
    flight = fly(Still(trim.control), "hover", duration=0.3, starts=starts)
    assert flight.lost.tolist() == [False, True, True]
    assert np.isinf(flight.rms_error[1:]).all()
    assert np.isnan(flight.states[1, -1]).all()
    alone = fly(Still(trim.control), "hover", duration=0.3, starts=starts[0])
    assert np.array_equal(flight.states[0], alone.states)


def test_starts_that_are_not_numbers_are_refused() -> None:
    starts = np.tile(find_trim(MothBody()).state, (3, 1))
    starts[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"starts\[1\] = .*nan.*: expected finite numbers"):
        fly(Still(np.zeros(4)), "hover", duration=0.1, starts=starts)


def test_only_seconds_that_were_flown_count_for_real_time() -> None:
    flight = fly(Still(np.zeros(4)), "hover", duration=5.0, moths=2)
    assert flight.lost.all()
    flown = np.isfinite(flight.states[..., 0]).sum() * 0.02
    assert flown < 1.0  # of 10, falls to 20 cm
    assert flight.realtime_factor * flight.wall_seconds == pytest.approx(flown)
    one = fly(Still(find_trim(MothBody()).control), "hover", duration=0.02)
    assert one.realtime_factor * one.wall_seconds == pytest.approx(0.02)


def test_a_bad_control_loses_its_own_moth() -> None:
    class Broken(Still):
        def control(self, states: np.ndarray, time: float) -> np.ndarray:
            controls = super().control(states, time)
            controls[1, 0] = np.nan
            return controls

    trim = find_trim(MothBody())
    flight = fly(Broken(trim.control), "hover", duration=0.1, starts=np.tile(trim.state, (2, 1)))
    assert flight.lost.tolist() == [False, True]


def test_components_may_be_lists() -> None:
    control = mothsim.from_components([3.0, 4.0, 5.0, 0.0])
    np.testing.assert_allclose(control, [5.0, np.arctan2(4, 3), 5.0, 0.0])
    np.testing.assert_allclose(mothsim.to_components(control.tolist()), [3.0, 4.0, 5.0, 0.0])


def test_controls_are_cut_to_the_body() -> None:
    flight = fly(Still(np.array([1e9, 0.0, -1e9, 1e9])), "hover", duration=0.02)
    assert flight.controls[0] == pytest.approx([44300, 0, -1e5, 0])


@pytest.mark.parametrize(
    ("task", "spread"),
    [("sum-of-primes", [1, 1, 0.1, 0.1, 10, 10, 2, 2]), ("recover", [5, 5, 0.5, 0.5, 100, 100, 10, 10])],
)
def test_starts_are_within_their_spread(task: str, spread: list[float]) -> None:
    target = mothsim.make_trajectory(task)
    seeds = [np.random.SeedSequence(i) for i in range(200)]
    away = random_starts(target, MothBody(), seeds) - find_trim(MothBody()).state
    assert np.all(np.abs(away) <= spread)
    assert np.all(np.abs(away).max(axis=0) > 0.9 * np.array(spread))


def test_random_starts_have_bends_that_a_body_can_have() -> None:
    flight = fly(LQR(), "recover", duration=0.02, moths=20, start_scale=5.0)
    starts, gentler = (one.states[:, 0] for one in (flight, fly(LQR(), "recover", duration=0.02, moths=20)))
    assert (np.abs(starts[:, 3] - starts[:, 2] - np.pi) <= np.pi).all()
    assert (starts[:, 3] - starts[:, 2] < 1e-5).any()  # some gave way
    np.testing.assert_allclose((starts - starts.mean(axis=0))[:, 0], 5 * (gentler - gentler.mean(axis=0))[:, 0])
    again = fly(LQR(), "recover", duration=0.02, starts=starts)
    np.testing.assert_array_equal(again.states[:, 0], starts)


def test_only_recover_lets_a_moth_fall_far() -> None:
    start = find_trim(MothBody()).state
    fall = Still(np.zeros(4))
    assert fly(fall, "hover", duration=0.4, starts=start).lost
    assert not fly(fall, "recover", duration=0.4, starts=start).lost
    assert fly(fall, "recover", duration=0.8, starts=start).lost


def test_recovered_is_near_the_target_from_two_seconds_on() -> None:
    flight = fly(Still(find_trim(MothBody()).control), "hover", duration=2.2, moths=4)
    errors = np.full((4, 110), 0.4)
    errors[0, :100] = 9.0  # late enough in, out once, out at the last, and lost
    errors[1, 104], errors[2, -1], errors[3, 50:] = 0.6, 0.6, np.nan
    flight = replace(flight, errors=errors, lost=np.array([False, False, False, True]))
    assert metrics.recovered(flight).tolist() == [True, False, False, False]
    lost_in_the_last_period = replace(flight, lost=np.array([True, False, False, True]))
    assert not metrics.recovered(lost_in_the_last_period).any()
    with pytest.raises(ValueError, match="more than 2 s"):
        metrics.recovered(fly(Still(np.zeros(4)), "hover", duration=0.1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duration": 0.0}, "duration = 0.0"),
        ({"moths": 0}, "moths = 0"),
        ({"start_scale": -1.0}, "start_scale = -1.0"),
        ({"starts": np.zeros((2, 8)), "start_scale": 2.0}, "starts beside random starts scaled by 2"),
        ({"starts": np.zeros(7)}, r"starts has shape \(7,\)"),
        ({"starts": np.zeros((0, 8))}, r"starts has shape \(0, 8\)"),
        ({"duration": "1"}, "duration = '1'"),
        ({"seed": -1}, "seed = -1: expected a whole number, 0 or more"),
        ({"seed": None}, "seed = None"),
        ({"moths": 2.5}, "moths = 2.5: expected a whole number"),
        ({"body": "light-abdomen"}, "body = 'light-abdomen': expected a MothBody"),
        ({"nominal_body": 1}, "^nominal_body = 1: expected a MothBody"),
        ({"perturbation": "delay 20 furlongs"}, "perturbation = 'delay 20 furlongs'"),
        ({"disturbances": PERTURBATIONS["delay 20 ms"]}, "expected mothsim.Disturbances"),
        ({"disturbances": Disturbances(gusts=1.0), "perturbation": "noise 1%"}, "beside perturbation = 'noise 1%'"),
        ({"starts": "here"}, "starts = 'here': expected numbers"),
        ({"moths": 5, "starts": np.zeros((2, 8))}, "moths = 5 beside 2 starts"),
    ],
)
def test_bad_arguments_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fly(LQR(), "hover", **options)


def test_a_flight_beyond_memory_fails_at_once() -> None:
    with pytest.raises(MemoryError, match="Unable to allocate"):
        fly(LQR(), "hover", moths=10**12)
    with pytest.raises(MemoryError, match="Unable to allocate"):
        fly(LQR(), "hover", duration=1e14)


def test_a_controller_of_the_wrong_shape_is_said() -> None:
    class Wrong(Still):
        def control(self, states: np.ndarray, time: float) -> np.ndarray:
            return np.zeros(4)

    with pytest.raises(ValueError, match=r"expected \(1, 4\)"):
        fly(Wrong(np.zeros(4)), "hover", duration=0.1)


def test_work_and_cost_of_transport_by_hand() -> None:
    body = MothBody()
    trim = find_trim(body, velocity=(0.0, 100.0))
    flight = fly(Still(trim.control), "hover", duration=0.1, starts=trim.state)
    assert metrics.work_per_path(flight) == pytest.approx(trim.control[0] * 2.0, rel=1e-4)
    expected = trim.control[0] / body.weight
    assert metrics.cost_of_transport(flight) == pytest.approx(expected, rel=1e-4)
    halved = metrics.cost_of_transport(flight, head_mass_halved=True)
    assert halved == pytest.approx(trim.control[0] * 2 / (body.head_mass * body.gravity), rel=1e-4)
    slanted = find_trim(body, 1.2, velocity=(0.0, 100.0))
    flight = fly(Still(slanted.control), "hover", duration=0.1, starts=slanted.state)
    published = metrics.work_per_path(flight, force_times_distance=True)
    assert published == pytest.approx(slanted.control[0] * 2.0, rel=1e-3)
    flight = fly(Still(trim.control), "hover", duration=0.1, starts=trim.state)
    assert metrics.effort(flight) == pytest.approx((trim.control[0] - body.weight) / body.weight, rel=1e-4)


@pytest.mark.parametrize(
    ("controller", "message"),
    [
        (LQR, "expected an instance, not the class"),
        ("lqr", "mothsim.controllers.make makes one of a name"),
        (None, "expected a method reset"),
        (type("NoReset", (), {"period": 0.02, "control": print})(), "expected a method reset"),
        (type("NoControl", (), {"period": 0.02, "reset": print})(), "expected a method control"),
        (type("NoPeriod", (), {"reset": print, "control": print})(), "controller.period = None"),
        (Still(np.zeros(4), period=0.0), "controller.period = 0.0"),
        (Still(np.zeros(4), period=float("nan")), "controller.period = nan"),
        (Still(np.zeros(4), period=2.0), "controller.period = 2.0: expected seconds above zero, at most 1"),
    ],
)
def test_what_is_no_controller_is_refused(controller, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fly(controller, "hover", duration=0.1)


def test_controls_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"controller.control gave .*expected numbers \(1, 4\)"):
        fly(Still(np.array(["a", "b", "c", "d"])), "hover", duration=0.1)


class Errors(LQR):
    """Turns states into errors in place, as examples for other simulators do."""

    def control(self, states: np.ndarray, time: float) -> np.ndarray:
        controls = super().control(states, time)
        states[:, :2] -= 5.0
        states[:] = np.nan
        return controls


def test_a_controller_that_writes_into_its_states_moves_no_moth() -> None:
    clean, written = fly(LQR(), "sine", duration=0.3, moths=2), fly(Errors(), "sine", duration=0.3, moths=2)
    assert np.array_equal(clean.states, written.states)
    assert np.array_equal(clean.controls, written.controls)
    delayed = mothsim.Disturbances(delay=0.04)
    clean = fly(LQR(), "sine", duration=0.3, disturbances=delayed)
    assert np.array_equal(clean.states, fly(Errors(), "sine", duration=0.3, disturbances=delayed).states)


def test_nobody_changes_the_trim_of_others() -> None:
    mine = find_trim(MothBody())
    mine.state[:] = 7.0
    mine.control[:] = 7.0
    assert find_trim(MothBody()).state[2] == pytest.approx(np.pi / 2)
    assert find_trim(MothBody()).control[0] == pytest.approx(MothBody().weight)


def test_a_duration_is_rounded_to_whole_periods_and_said() -> None:
    still = Still(find_trim(MothBody()).control)
    with pytest.warns(UserWarning, match=r"duration = 0.05 s is rounded to 0.04 s") as said:
        flight = fly(still, "hover", duration=0.05)
    assert len(said) == 1
    assert len(flight.times) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for duration, count in ((0.06, 3), (0.1, 5), (0.7, 35), (1.1, 55), (float(np.float32(0.2)), 10)):
            assert len(fly(still, "hover", duration=duration).times) == count


def test_a_controller_flies_one_flight_at_a_time() -> None:
    inside, go, before = threading.Event(), threading.Event(), set(threading.enumerate())

    class Slow(Still):
        def control(self, states: np.ndarray, time: float) -> np.ndarray:
            inside.set()
            go.wait(10)
            return super().control(states, time)

    slow = Slow(find_trim(MothBody()).control)
    thread = threading.Thread(target=fly, args=(slow, "hover"), kwargs={"duration": 0.04})
    thread.start()
    assert inside.wait(20)
    with pytest.raises(ValueError, match="is flying in another thread"):
        fly(slow, "hover", duration=0.04)
    go.set()
    thread.join()
    assert not fly(slow, "hover", duration=0.04).lost
    assert set(threading.enumerate()) <= before


def test_a_bad_flight_frees_its_controller() -> None:
    class Wrong(Still):
        def control(self, states: np.ndarray, time: float) -> np.ndarray:
            raise KeyError("mine")

    wrong = Wrong(np.zeros(4))
    for _ in range(2):
        with pytest.raises(KeyError, match="mine"):
            fly(wrong, "hover", duration=0.04)


def test_a_flight_of_one_decision_has_measures_without_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flight = fly(LQR(), "hover", duration=0.02)
        assert np.isnan(metrics.cost_of_transport(flight))
        assert np.isnan(metrics.mean_over_flight(metrics.work_per_path(flight)))
        lost = fly(Still(np.zeros(4)), "hover", duration=0.06, starts=np.full((2, 8), 1e200))
        assert np.isnan(metrics.effort(lost)).all()
    values = np.array([[1.0, np.nan, 4.0], [np.nan] * 3])
    assert metrics.mean_over_flight(values) == pytest.approx([2.5, np.nan], nan_ok=True)
