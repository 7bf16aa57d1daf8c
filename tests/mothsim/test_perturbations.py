"""Perturbations are what their names say, in Python and on the command line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mothsim import Disturbances, MothBody, controllers, fly
from mothsim.controllers.informed import Informed
from mothsim.demos.cli.main import main
from mothsim.disturbances import DisturbanceSampler
from mothsim.perturbations import HARDER, PERTURBATIONS, Perturbation, make_perturbation


def test_conditions_are_what_they_say() -> None:
    body = MothBody()
    assert PERTURBATIONS["size 0.8"].body(body) == body.scaled(0.8)
    heavy = PERTURBATIONS["abdomen mass 2"].body(body)
    assert heavy.abdomen_mass == pytest.approx(2 * body.abdomen_mass)
    assert heavy.head_mass == body.head_mass
    assert PERTURBATIONS["nominal"].disturbances == Disturbances()
    noise = PERTURBATIONS["noise 5%"].disturbances.sensor_noise
    np.testing.assert_allclose(noise, [0.1, 0.1, 0.01, 0.01, 1.0, 1.0, 0.2, 0.2])  # of 2 cm, 0.2 rad, 20 cm/s, 4 rad/s
    assert PERTURBATIONS["delay 20 ms"].disturbances.delay == 0.02
    assert not HARDER.keys() & PERTURBATIONS.keys()
    assert HARDER["drinks half its mass"].disturbances.drink == 0.5
    with pytest.raises(ValueError, match="size = 0: expected a finite number above zero"):
        Perturbation(size=0)
    with pytest.raises(ValueError, match="delay = 2"):
        _ = Perturbation(delay=2).disturbances


def test_a_flowers_wake_turns_at_its_frequency() -> None:
    wake, period = HARDER["flower wake"].disturbances, 0.005
    sampler = DisturbanceSampler(wake, np.arange(200, dtype=np.uint64) * np.uint64(7919), period)
    wind = np.array([sampler.wind(step) for step in range(400)])[..., 0]
    assert wind.std() == pytest.approx(70, rel=0.1)
    power = (np.abs(np.fft.rfft(wind, axis=0)) ** 2).mean(axis=1)
    frequencies = np.fft.rfftfreq(len(wind), period)
    assert frequencies[power.argmax()] == pytest.approx(3.5, abs=1.0)
    band = (frequencies >= 2) & (frequencies <= 5)
    assert power[band].sum() > 0.45 * power.sum()  # of a Lorentzian line half lies within its half width


@pytest.mark.parametrize("informed", [False, True])
def test_the_command_flies_them(informed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fly", "--controller", "lqr", "--trajectory", "hover", "--duration", "0.6", "--no-animation", "--json"]
    options = ["--noise", "0.01", "--delay", "0.005", "--gusts", "50", "--size", "1.1", "--abdomen", "0.9"]
    perturbation = Perturbation("", 0.01, 0.005, 50.0, 1.1, 0.9)
    body, disturbances = perturbation.body(MothBody()), perturbation.disturbances
    if informed:
        options, nominal = [*options, "--informed"], body
        controller = Informed(controllers.make("lqr"), disturbances)
    else:
        controller, nominal = controllers.make("lqr"), MothBody()
    assert main([*command, *options, "--out", str(tmp_path)]) == 0
    flight = fly(controller, "hover", duration=0.6, body=body, nominal_body=nominal, disturbances=disturbances)
    assert json.loads(capsys.readouterr().out)["rms_error_cm"] == flight.rms_error


def test_a_flight_takes_one_in_words() -> None:
    words = "delay 5 ms, noise 1%, size 1.1, abdomen 0.9, starts 0.5"
    named = fly(controllers.make("lqr"), "hover", duration=0.4, perturbation=words)
    perturbation = make_perturbation(words)
    parts = fly(
        controllers.make("lqr"), "hover", duration=0.4, body=perturbation.body(MothBody()), nominal_body=MothBody(),
        disturbances=perturbation.disturbances, start_scale=0.5,
    )  # fmt: skip
    np.testing.assert_array_equal(named.states, parts.states)
    assert named.body == parts.body == perturbation.body(MothBody())


def test_words_take_per_cent_and_name_the_part_that_is_none() -> None:
    perturbation = make_perturbation("Size 80%, drink .5, noise 2 %")
    assert replace(perturbation, name="") == Perturbation("", 0.02, size=0.8, drink=0.5)
    for words, part in (
        ("gusts 1 m/s", "gusts 1 m/s"),
        ("size 0.9, weight 2", "weight 2"),
        ("size 1, size 2", "size 2"),
    ):
        with pytest.raises(ValueError, match=rf"'{part}' is none: expected words .*gusts \(cm/s\)"):
            make_perturbation(words)
    with pytest.raises(ValueError, match=r"sensor_noise = 2\.0: expected a share from 0 to 1"):
        make_perturbation("noise 2")


def test_numbers_of_a_perturbation_are_numbers() -> None:
    with pytest.raises(ValueError, match="delay = '20 ms': expected a number"):
        Perturbation(delay="20 ms")  # pyright: ignore[reportArgumentType]
