import pickle
from pathlib import Path

import numpy as np
import pytest

from mothsim import fly
from mothsim.controllers import LQR
from mothsim.trajectories import NAMES, PRIMES_HZ, Trajectory, cruise, make_trajectory


@pytest.mark.parametrize("name", [name for name in NAMES if name != "step"])
def test_velocity_is_the_slope_of_position(name: str) -> None:
    trajectory = make_trajectory(name)
    times = np.linspace(0.1, 3, 50)
    slope = (trajectory.position(times + 1e-6) - trajectory.position(times - 1e-6)) / 2e-6
    assert trajectory.velocity(times) == pytest.approx(slope, abs=1e-4)


def test_sum_of_primes_by_hand() -> None:
    time = 0.37
    expected = sum(np.sin(2 * np.pi * f * time) / f for f in PRIMES_HZ)
    assert make_trajectory("sum-of-primes").position(time) == pytest.approx([0, expected])


def test_figure_eight_and_forward_by_hand() -> None:
    eight = make_trajectory("figure-eight")
    assert eight.position([0.125, 0.25, 0.75]) == pytest.approx(np.array([[3 / 2**0.5, 1.5], [3, 0], [-3, 0]]))
    forward = make_trajectory("forward")
    assert forward.velocity([0.5, 1.25, 2.2, 3.25, 4.0])[:, 0] == pytest.approx([0, 50, 100, 50, 0])
    # Each ramp is symmetric, so it covers half of what cruising would: 75 cm and 75, and 50 between them.
    assert forward.position([0.4, 2.0, 2.5, 9.0]) == pytest.approx(np.array([[0, 0], [75, 0], [125, 0], [200, 0]]))


def test_cruising_by_hand() -> None:
    steady = cruise((300.0, -100.0), 1.2)
    assert steady.position([0.0, 0.5]) == pytest.approx(np.array([[0, 0], [150, -50]]))
    assert steady.velocity(7.0) == pytest.approx([300, -100])
    assert steady.angle(7.0) == 1.2
    assert steady.starts_moving
    with pytest.raises(ValueError, match="velocity = "):
        cruise((np.nan, 0.0))


@pytest.mark.parametrize("name", [*NAMES, "loop.csv"])
def test_trajectories_survive_pickling(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop.csv").write_text("t,x,y,theta\n0,0,0,1.5\n1,2,1,1.6\n2,0,3,1.5\n")
    trajectory = make_trajectory(tmp_path / name if name.endswith(".csv") else name)
    copy = pickle.loads(pickle.dumps(trajectory))
    times = np.linspace(0, 3, 31)
    assert np.array_equal(copy.position(times), trajectory.position(times))
    assert np.array_equal(copy.velocity(times), trajectory.velocity(times))
    assert np.array_equal(copy.angle(times), trajectory.angle(times))
    assert (copy.start_spread, copy.lost_distance) == (trajectory.start_spread, trajectory.lost_distance)


def test_csv_passes_through_its_rows_and_rests_outside(tmp_path: Path) -> None:
    file = tmp_path / "loop.csv"
    file.write_text("t,x,y,theta\n0,0,0,1.5\n1,2,1,1.6\n2,0,3,1.5\n")
    trajectory = make_trajectory(file)
    assert trajectory.position([0, 1, 2, 9]) == pytest.approx(np.array([[0, 0], [2, 1], [0, 3], [0, 3]]))
    assert trajectory.angle(1.0) == pytest.approx(1.6)
    assert trajectory.velocity(5.0) == pytest.approx([0, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n0,0,0\n", "expected the header"),
        ("0,0,0\n1,0,0\n", "line 1: expected the header t,x,y or t,x,y,theta, not '0,0,0'"),
        ("t,x,y\n0,0,0\n0,1,1\n", "line 3: t = 0.0 after 0.0: expected t increasing"),
        ("t,x,y\n0,0,0\n0,0,zero\n", "line 3: y = 'zero': expected a number"),
        ("t,x,y\n0,0,0\n\n# only one\n", "line 2: expected two or more rows"),
        ("t,x,y\n", "line 1: expected two or more rows"),
        ("t,x,y\n#\n0,0,nan\n1,0,0\n", "line 3: y = nan: expected a finite number"),
        ("t,x,y\n0,0,0\n1,1\n2,2,0\n", "line 3: expected 3 numbers .t,x,y., not 2"),
        ("t,x,y\n0,0,0\n1,1,1,1\n", "line 3: expected 3 numbers .t,x,y., not 4"),
        ("t,x,y\n0,0,0\n1_0,1,1\n", "line 3: t = '1_0': expected a number"),
        ("t (ms),x,y\n0,0,0\n1,1,1\n", "line 1: the unit of t is 'ms': expected s"),
        ("t,x,y,theta\n0,0,0,90\n3,1,0,90\n", "line 2: theta = 90.0: expected rad, .* 90 degrees are 1.571 rad"),
        ("", "line 1: expected the header"),
    ],
)
def test_bad_csv_is_said(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"bad.csv', {message}" if message.startswith("line") else message):
        make_trajectory(file)


def test_a_function_is_a_target() -> None:
    def climb(t: float) -> tuple[float, float]:
        return 0.5, 3 * t

    target = make_trajectory(climb, angle=1.5)
    assert (target.name, float(target.angle(0.0))) == ("climb", 1.5)
    np.testing.assert_allclose(target.position([0.0, 2.0]), [[0.5, 0], [0.5, 6]])
    np.testing.assert_allclose(target.velocity(1.0), [0, 3], atol=1e-9)
    with pytest.raises(ValueError, match="trajectory = 'float' failed at 0 s"):
        make_trajectory(float)


def test_a_function_in_degrees_is_refused_and_one_that_loops_is_not() -> None:
    with pytest.raises(ValueError, match=r"theta = 90.0: expected rad.*90 degrees are 1.571 rad"):
        make_trajectory(lambda t: (0.0, 0.0, 90.0))
    looping = make_trajectory(lambda t: (0.0, 0.0, 1.5 + 10 * t))
    assert float(looping.angle(3.0)) == 31.5
    forgetful = make_trajectory(lambda t: (0.0, 0.0, 1.5) if t < 1 else (0.0, 0.0))
    with pytest.raises(ValueError, match=r"gave \(0.0, 0.0\) at 1 s: expected 3 finite numbers"):
        forgetful.angle(1.0)


def test_only_a_file_is_interpolated() -> None:
    for target in (lambda t: (0.0, t), "my_targets:climb", "hover"):
        with pytest.raises(ValueError, match=r"interpolation = 'linear': expected a .csv file"):
            make_trajectory(target, interpolation="linear")


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(ValueError, match="hover, step, sine, sum-of-primes"):
        make_trajectory("loop")
    with pytest.raises(ValueError, match="cannot be read"):
        make_trajectory("nowhere.csv")


def _still(times: np.ndarray) -> np.ndarray:
    return np.zeros((len(times), 2))


def _upright(times: np.ndarray) -> np.ndarray:
    return np.full(len(times), np.pi / 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_spread": 0.1}, "start_spread = 0.1: expected eight numbers"),
        ({"start_spread": (1.0,) * 7 + (float("nan"),)}, "expected eight numbers"),
        ({"start_spread": (-1.0,) * 8}, "expected eight numbers"),
        ({"lost_distance": -1.0}, "lost_distance = -1.0: expected a distance above zero"),
        ({"lost_distance": float("nan")}, "lost_distance = nan"),
        ({"position_at": lambda times: np.zeros((len(times), 3))}, "position_at of trajectory 'mine' gave"),
        ({"position_at": lambda times: np.full((len(times), 2), np.nan)}, "position_at .* expected finite numbers"),
        ({"velocity_at": lambda times: [0.0, 0.0, 0.0]}, "velocity_at .* expected finite numbers"),
        ({"angle_at": lambda times: np.full(len(times), 90.0)}, "theta = 90.0: expected rad"),
    ],
)
def test_a_bad_trajectory_of_ones_own_is_said(options: dict, message: str) -> None:
    made = {"name": "mine", "position_at": _still, "velocity_at": _still, "angle_at": _upright, **options}
    with pytest.raises(ValueError, match=message):
        fly(LQR(), Trajectory(**made), duration=0.1)
