"""Disturbances of a flight are what they are called, and nobody's neighbour notices."""

import numpy as np
import pytest

from mothsim import Disturbances, MothBody, Task, fly
from mothsim.controllers import LQR

ALL = Disturbances(sensor_noise=(0.01, 0.01, 0.001, 0.001, 1.0, 1.0, 0.1, 0.1), gusts=100.0)


class Witness(LQR):
    """Flies as LQR does, and remembers the states and the task that it was given."""

    def reset(self, task: Task) -> None:
        super().reset(task)
        self.body, self.shown = task.body, []

    def control(self, states: np.ndarray, time: float) -> np.ndarray:
        self.shown.append(states.copy())
        return super().control(states, time)


def test_a_disturbed_moth_flies_alone_as_in_company() -> None:
    many = fly(LQR(), "sine", duration=0.4, seed=4, moths=5, disturbances=ALL)
    alone = fly(LQR(), "sine", duration=0.4, seed=4, disturbances=ALL)
    assert np.array_equal(many.moth(0).states, alone.states)
    calm = fly(LQR(), "sine", duration=0.4, seed=4, moths=5)
    assert np.array_equal(many.states[:, 0], calm.states[:, 0])
    assert not np.array_equal(many.states[:, 1], calm.states[:, 1])


def test_delay_shows_what_was() -> None:
    witness = Witness()
    flight = fly(witness, "hover", duration=0.2, seed=1, moths=2, disturbances=Disturbances(delay=0.04))
    shown = np.array(witness.shown)
    assert np.array_equal(shown[:3], np.repeat(flight.states[:, :1].transpose(1, 0, 2), 3, axis=0))
    assert np.array_equal(shown[2:], flight.states[:, :-2].transpose(1, 0, 2))


def test_a_delay_between_decisions_shows_what_lies_between() -> None:
    witness = Witness()
    flight = fly(witness, "hover", duration=0.2, seed=1, moths=2, disturbances=Disturbances(delay=0.025))
    shown, flown = np.array(witness.shown), flight.states.transpose(1, 0, 2)
    np.testing.assert_array_equal(shown[:2], np.stack([flown[0], 0.75 * flown[0] + 0.25 * flown[0]]))
    np.testing.assert_allclose(shown[2:], 0.75 * flown[1:-1] + 0.25 * flown[:-2], rtol=1e-12)


def test_sensor_noise_has_its_size() -> None:
    witness = Witness()
    noise = (0.01, 0.02, 0.001, 0.002, 0.5, 0.6, 0.1, 0.2)
    flight = fly(witness, "hover", duration=1.0, moths=40, disturbances=Disturbances(sensor_noise=noise))
    off = np.array(witness.shown) - flight.states.transpose(1, 0, 2)
    assert off.std(axis=(0, 1)) == pytest.approx(noise, rel=0.1)


def test_gusts_disturb_more_the_harder_they_blow() -> None:
    errors = [
        np.median(fly(LQR(), "hover", duration=1.5, moths=8, disturbances=Disturbances(gusts=gusts)).rms_error)
        for gusts in (0.0, 200.0, 600.0)
    ]
    assert errors == sorted(errors)
    assert errors[2] > 2 * errors[0]


def test_the_controller_believes_what_it_is_told() -> None:
    witness = Witness()
    flight = fly(witness, "hover", duration=0.5, body=MothBody().scaled(1.1), nominal_body=MothBody())
    assert witness.body == MothBody()
    assert flight.body == MothBody().scaled(1.1)
    informed = fly(LQR(), "hover", duration=0.5, starts=flight.states[0], body=MothBody().scaled(1.1))
    assert not np.array_equal(flight.states, informed.states)


def test_a_moth_that_drinks_is_heavier_from_then_on() -> None:
    dry, drunk = (
        fly(LQR(), "hover", duration=2.4, seed=3, disturbances=Disturbances(drink=drink)) for drink in (0, 0.5)
    )
    assert np.array_equal(drunk.states[:101], dry.states[:101])
    body, after = MothBody(), drunk.states[101, 5] - drunk.states[100, 5]
    # A hovering moth that is heavier by half falls with a third of gravity until it is noticed.
    assert after / 0.02 == pytest.approx(-body.gravity / 3, rel=0.1)
    assert np.array_equal(drunk.controls[:101], dry.controls[:101])
    assert not drunk.lost


@pytest.mark.parametrize("wrong", [
    {"sensor_noise": (1.0,)}, {"delay": -1}, {"gusts": float("nan")}, {"drink": -0.5},
    {"sensor_noise": 0.1}, {"delay": "20 ms"},
])  # fmt: skip
def test_bad_disturbances_are_named(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Disturbances(**wrong)


def test_noise_may_be_an_array() -> None:
    assert Disturbances(sensor_noise=0.5 * np.ones(8)) == Disturbances(sensor_noise=(0.5,) * 8)
