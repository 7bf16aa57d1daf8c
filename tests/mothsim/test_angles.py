import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mothsim
from mothsim import MothBody, controllers, fly
from mothsim.angles import near, require_radians, require_unwound, state_error, turns_off, unwrap
from mothsim.flight import moth_seeds, random_starts
from mothsim.plotting.figures import draw_flight
from mothsim.trim import find_trim

TURN = np.array([0, 0, math.tau, math.tau, 0, 0, 0, 0])
STATES = st.lists(st.floats(-20, 20), min_size=8, max_size=8).map(lambda values: np.array([values]))


@given(state=STATES, reference=STATES, turns=st.integers(-5, 5))
def test_errors_forget_common_turns_alone(state: np.ndarray, reference: np.ndarray, turns: int) -> None:
    error = state_error(state, reference)
    middle = error[0, 2:4].mean()
    assert abs(middle) <= math.pi + 1e-9
    bends = state[0, 3] - state[0, 2], reference[0, 3] - reference[0, 2]
    assert error[0, 3] - error[0, 2] == pytest.approx(bends[0] - bends[1], abs=1e-9)
    if abs(middle) < math.pi - 1e-6:
        assert state_error(state + turns * TURN, reference) == pytest.approx(error, abs=1e-9)
        assert near(state + turns * TURN, reference) == pytest.approx(reference + error, abs=1e-9)


def test_without_a_turn_errors_are_differences_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    states, references = rng.uniform(-1, 1, (2, 50, 8))
    assert np.array_equal(state_error(states, references), states - references)
    assert np.array_equal(near(states, references), states)
    assert np.isnan(state_error(np.full((1, 8), np.nan), references[:1])).all()
    assert (turns_off(np.full((1, 8), np.nan), references[:1]) == 0).all()


def test_networks_see_angles_of_one_turn() -> None:
    states = np.array([[0, 0, angle, angle + math.pi, 0, 0, 0, 0] for angle in np.linspace(-20, 20, 99)])
    middle = (states - unwrap(states)[:, None])[:, 2:4].mean(axis=1)
    assert ((middle >= 0) & (middle <= math.tau)).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lqr", {}),
        ("mppi", {}),
        ("mppi", {"cost": "bustamante2022"}),
        ("inverse-model", {}),
        ("inverse-model", {"waypoint": "raw"}),
    ],
)
@pytest.mark.parametrize("turns", [1, -3])
def test_a_whole_turn_is_the_same_flight(name: str, options: dict, turns: int) -> None:
    start = random_starts(mothsim.make_trajectory("sine"), MothBody(), moth_seeds(0, 1)[0])[0]
    plain = fly(controllers.make(name, **options), "sine", duration=0.1, starts=start)
    turned = fly(controllers.make(name, **options), "sine", duration=0.1, starts=start + turns * TURN)
    assert turned.states - turns * TURN == pytest.approx(plain.states, abs=1e-4)
    assert turned.errors == pytest.approx(plain.errors, abs=1e-4)


@pytest.mark.parametrize(("index", "sign"), [(2, 1), (2, -1), (3, 1), (3, -1)])
def test_a_bend_a_turn_off_is_refused(index: int, sign: int) -> None:
    starts = np.tile(find_trim(MothBody()).state, (2, 1))
    starts[1, index] += sign * math.tau
    with pytest.raises(ValueError, match=r"starts\[1\]: theta = .* are a bend phi - theta of .* a turn from"):
        fly(controllers.make("lqr"), "hover", duration=0.04, starts=starts)
    starts[:, 3] = starts[:, 2] - math.pi  # straight to look at, and wound up
    with pytest.raises(ValueError, match=f"as phi = {starts[0, 2] + math.pi:.6g} would give"):
        require_unwound("starts", starts)


def test_a_body_angle_in_degrees_is_refused() -> None:
    for angle in (0.0, -math.tau, math.tau, 6.2832):
        require_radians("angle", angle)
    with pytest.raises(ValueError, match=r"angle = 90: expected rad.*90 degrees are 1.571 rad"):
        require_radians("angle", 90)


def test_a_picture_shows_angles_about_the_target() -> None:
    start = find_trim(MothBody()).state
    flights = [fly(controllers.make("lqr"), "hover", duration=0.1, starts=start + turns * TURN) for turns in (0, 2)]
    plain, turned = (draw_flight(flight).axes[3].lines[0].get_ydata() for flight in flights)
    assert np.asarray(turned) == pytest.approx(np.asarray(plain), abs=1e-3)
