"""Bodies from JSON files."""

import dataclasses

import pytest

from mothsim.body import MothBody, make_body
from mothsim.body_files import _UNITS


def written(folder, text):
    file = folder / "my.json"
    file.write_text(text)
    return str(file)


def test_parameters_are_in_cgs_units_or_say_their_own(tmp_path):
    text = '{"head_half_length": "9 mm", "gravity": "9.8 m/s^2", "force_limit": "443 mN", "abdomen_density": 0.3}'
    assert make_body(written(tmp_path, text)) == dataclasses.replace(MothBody(), abdomen_density=0.3)
    text = '{"base": "light-abdomen", "rest_angle": "90 deg", "abdomen_torque_limit": "10 mN m"}'
    found = make_body(written(tmp_path, text))
    assert found.rest_angle == pytest.approx(1.5707963267948966)
    assert found == dataclasses.replace(MothBody.light_abdomen(), rest_angle=found.rest_angle, abdomen_torque_limit=1e5)


def test_every_parameter_has_units():
    assert set(_UNITS) == {field.name for field in dataclasses.fields(MothBody)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"wings": 2}', "wings: expected parameters of head_half_length"),
        ('{"spring": "3 cm"}', "spring = '3 cm': expected a number in g cm"),
        ('{"spring": "much dyn cm/rad"}', "spring = 'much dyn cm/rad'"),
        ('{"spring": true}', "spring = True"),
        ('{"spring": -1}', "spring = -1"),
        ('{"spring": 1, "spring": 2}', "spring given twice"),
        ('{"base": "bee"}', "base = 'bee'"),
        ("[1]", "expected a JSON object"),
        ("{", "expected a JSON object"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path, text, message):
    with pytest.raises(ValueError, match=r"my\.json") as raised:
        make_body(written(tmp_path, text))
    assert message in str(raised.value)
    with pytest.raises(ValueError, match="cannot be read"):
        make_body(str(tmp_path / "none.json"))
