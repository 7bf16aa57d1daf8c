"""Controllers that are informed of delay and noise compensate them with the engine."""

import numpy as np
import pytest

import mothsim
from mothsim import Disturbances
from mothsim.controllers import LQR, make
from mothsim.controllers.informed import Informed

NOISE = (0.02, 0.02, 0.002, 0.002, 0.2, 0.2, 0.04, 0.04)


class Witness(LQR):
    """Flies as LQR does, and remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[np.ndarray] = []

    def control(self, states: np.ndarray, time: float) -> np.ndarray:
        self.shown.append(states)
        return super().control(states, time)


@pytest.mark.parametrize("delay", [0.005, 0.03, 0.06])
def test_the_prediction_is_the_flight(delay: float) -> None:
    """Between two decisions too, where a delay shows the straight line and not the flight."""
    witness, late = Witness(), Disturbances(delay=delay)
    flight = mothsim.fly(Informed(witness, late), "figure-eight", duration=0.6, moths=3, disturbances=late)
    np.testing.assert_allclose(np.array(witness.shown), flight.states.transpose(1, 0, 2), rtol=1e-6, atol=5e-6)


@pytest.mark.parametrize(
    ("name", "delay"), [("lqr", 0.02), ("lqr", 0.03), ("lqr", 0.06), ("mppi", 0.02), ("mppi", 0.03)]
)
def test_a_delay_that_loses_every_moth_is_nothing_where_it_is_told(name: str, delay: float) -> None:
    late = Disturbances(delay=delay)
    lost, informed = (mothsim.fly(controller, "sum-of-primes", duration=2.0, moths=4, disturbances=late)
                  for controller in (make(name), Informed(make(name), late)))  # fmt: skip
    assert lost.lost.all()
    assert not informed.lost.any()
    assert informed.rms_error.max() < 0.1


@pytest.mark.parametrize("delay", [0.0, 0.04])
def test_noise_is_filtered(delay: float) -> None:
    noisy = Disturbances(sensor_noise=NOISE, delay=delay)
    plain, informed = (mothsim.fly(Informed(LQR(), each), "hover", duration=2.0, moths=6, disturbances=noisy)
                   for each in (Disturbances(delay=delay), noisy))  # fmt: skip
    assert np.median(informed.rms_error) < 0.8 * np.median(plain.rms_error)
    alone = mothsim.fly(Informed(LQR(), noisy), "hover", duration=2.0, disturbances=noisy)
    np.testing.assert_array_equal(alone.states, informed.states[0])
