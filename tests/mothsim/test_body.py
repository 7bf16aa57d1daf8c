"""The body: its figures against those worked by hand, its variants, and what it refuses."""

import math
from typing import Any

import numpy as np
import pytest

from mothsim import MothBody
from mothsim.body import BODIES, make_body

# Head-thorax: 0.9 (4/3) pi 0.5^2 0.9 = 0.27 pi g. Abdomen: 0.4 (4/3) pi 0.75^2 1.9 = 0.57 pi g.
HEAD, ABDOMEN = 0.848230, 1.790708
LENGTHS = (
    "head_half_length",
    "head_half_width",
    "abdomen_half_length",
    "abdomen_half_width",
    "head_distance",
    "abdomen_distance",
    "force_distance",
)


def test_figures_worked_by_hand() -> None:
    body = MothBody()
    assert body.head_mass == pytest.approx(HEAD, rel=1e-6)
    assert body.abdomen_mass == pytest.approx(ABDOMEN, rel=1e-6)
    assert body.mass == pytest.approx(0.84 * math.pi, rel=1e-12)
    assert body.weight == pytest.approx(2586.16, rel=1e-6)
    assert body.head_inertia == pytest.approx(HEAD * 1.06 / 5, rel=1e-6)
    assert body.head_inertia == pytest.approx(0.179825, rel=1e-5)
    assert body.abdomen_inertia == pytest.approx(ABDOMEN * 4.1725 / 5, rel=1e-6)
    assert body.abdomen_inertia == pytest.approx(1.494346, rel=1e-5)
    assert body.length == pytest.approx(5.6)


def test_scaled_is_the_same_moth_with_longer_lengths() -> None:
    body, double = MothBody(), MothBody().scaled(2)
    assert all(getattr(double, name) == 2 * getattr(body, name) for name in LENGTHS)
    assert double.mass == pytest.approx(8 * body.mass)
    assert double.head_inertia == pytest.approx(32 * body.head_inertia)
    assert double.abdomen_inertia == pytest.approx(32 * body.abdomen_inertia)
    kept = ("spring", "damping", "rest_angle", "head_density", "abdomen_density", "force_limit", "abdomen_torque_limit")
    assert all(getattr(double, name) == getattr(body, name) for name in kept)
    assert double.scaled(0.5) == body
    assert body.scaled(1) == body


def test_four_treatments() -> None:
    arms = {treatment: MothBody.bustamante2022(treatment) for treatment in ("fa", "fs", "ua", "us")}
    assert {name: body.force_distance for name, body in arms.items()} == {"fa": 0.9, "fs": 0.75, "ua": 0.9, "us": 0.75}
    assert {name: body.wing_torque_limit for name, body in arms.items()} == {"fa": 1e5, "fs": 1e5, "ua": 0, "us": 0}
    assert all(body.abdomen_torque_limit == 1e5 for body in arms.values())
    # Zahn et al.'s moth is the under-actuated one whose force acts off the centre.
    assert arms["us"] == MothBody()
    assert MothBody.bustamante2022() == arms["fa"]


def test_length_scale_goes_with_its_powers() -> None:
    body, half = MothBody.bustamante2022("fa"), MothBody.bustamante2022("fa", length_scale=0.5)
    assert all(getattr(half, name) == pytest.approx(getattr(body, name) / 2) for name in LENGTHS)
    assert half.spring == pytest.approx(11500)
    assert half.damping == pytest.approx(7037.9)
    assert half.force_limit == pytest.approx(44300 / 8)
    assert half.abdomen_torque_limit == half.wing_torque_limit == pytest.approx(1e5 / 16)
    assert half.mass == pytest.approx(body.mass / 8)


def test_heavier_abdomen_stiffer_spring_stronger_torques() -> None:
    body = MothBody.bustamante2022("fs", abdomen_mass_factor=1.5, spring_factor=3, torque_limit=1e6)
    assert body.abdomen_mass == pytest.approx(1.5 * ABDOMEN, rel=1e-6)
    assert body.head_mass == pytest.approx(HEAD, rel=1e-6)
    assert (body.spring, body.damping) == pytest.approx((69000, 14075.8))
    assert body.abdomen_torque_limit == body.wing_torque_limit == 1e6


def test_a_longer_petiole_moves_the_abdomen_away() -> None:
    body = MothBody.bustamante2022("ua", petiole_fraction=0.25)
    assert body.petiole == pytest.approx(1.4)
    assert body.abdomen_distance == pytest.approx(3.3)
    assert body.abdomen_inertia == pytest.approx(ABDOMEN * (4.1725 / 5 + 1.96), rel=1e-6)
    assert body.length == pytest.approx(5.6)
    double = MothBody.bustamante2022("ua", petiole_fraction=0.25, length_scale=2)
    assert double.abdomen_distance == pytest.approx(6.6)
    assert double.abdomen_inertia == pytest.approx(32 * body.abdomen_inertia)


def test_light_abdomen() -> None:
    body = MothBody.light_abdomen()
    # (4/3) pi 0.507^2 0.908 and (4/3) pi 0.1295^2 1.7475, both at the density of water.
    assert body.head_mass == pytest.approx(0.977658, rel=1e-5)
    assert body.abdomen_mass == pytest.approx(0.122757, rel=1e-5)
    assert body.force_distance == 0.75
    assert body.spring == 29.3
    assert body.abdomen_torque_limit == 1e6
    assert body.wing_torque_limit == 1e5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head_density": 0}, "head_density = 0: expected a number above zero"),
        ({"abdomen_half_width": 0.0}, "abdomen_half_width = 0.0: expected a number above zero"),
        ({"gravity": 0.0}, "gravity = 0.0: expected a number above zero"),
        ({"damping": -1.0}, "damping = -1.0: expected a number that is not negative"),
        ({"spring": math.nan}, "spring = nan: expected a finite number"),
        ({"force_limit": math.inf}, "force_limit = inf: expected a finite number"),
        ({"rest_angle": "bent"}, "rest_angle = 'bent': expected a finite number"),
    ],
)
def test_bad_parameters_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MothBody(**change)


def test_numbers_of_numpy_are_numbers() -> None:
    body = MothBody(spring=np.float32(2e4), gravity=np.int64(980))  # pyright: ignore[reportArgumentType]
    assert body == MothBody(spring=2e4)
    assert (type(body.spring), type(body.gravity)) == (float, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treatment": "fx"}, "treatment = 'fx': expected one of 'fa', 'fs', 'ua', 'us'"),
        ({"length_scale": 0.0}, "scale = 0.0: expected a finite number above zero"),
        ({"abdomen_mass_factor": 0.0}, "abdomen_density = 0.0: expected a number above zero"),
        ({"spring_factor": -1.0}, "spring = -23000.0: expected a number that is not negative"),
        ({"petiole_fraction": -1.0}, "abdomen_distance = .*: expected a number that is not negative"),
        ({"torque_limit": math.nan}, "abdomen_torque_limit = nan: expected a finite number"),
    ],
)
def test_bad_variants_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MothBody.bustamante2022(**change)


def test_moths_by_name() -> None:
    assert make_body("zahn2022") == make_body("bustamante2022-us") == MothBody()
    assert all(isinstance(make_body(name), MothBody) for name in BODIES)
    with pytest.raises(ValueError, match="body = 'bee': expected one of zahn2022"):
        make_body("bee")


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_bad_scales_are_named(scale: float) -> None:
    with pytest.raises(ValueError, match=f"scale = {scale}"):
        MothBody().scaled(scale)
