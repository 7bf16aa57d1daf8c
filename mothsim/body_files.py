"""Bodies from JSON files: parameters by name, each a number in cgs units or a text with a unit."""

from __future__ import annotations

import dataclasses
import json
import math
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from mothsim.body import BODIES, MothBody, make_body

_LENGTH = {"cm": 1.0, "mm": 0.1, "um": 1e-4, "m": 100.0}
_DENSITY = {"g/cm^3": 1.0, "kg/m^3": 1e-3}
_SPRING = {"g cm^2/(s^2 rad)": 1.0, "dyn cm/rad": 1.0, "uN m/rad": 10.0, "N m/rad": 1e7}
_DAMPING = {"g cm^2/s": 1.0, "dyn cm s": 1.0, "uN m s": 10.0, "N m s": 1e7}
_TORQUE = {"dyn cm": 1.0, "uN m": 10.0, "mN m": 1e4, "N m": 1e7}
_UNITS: dict[str, dict[str, float]] = {
    **dict.fromkeys(("head_half_length", "head_half_width", "abdomen_half_length", "abdomen_half_width"), _LENGTH),
    **dict.fromkeys(("head_distance", "abdomen_distance", "force_distance", "petiole"), _LENGTH),
    **dict.fromkeys(("head_density", "abdomen_density", "air_density"), _DENSITY),
    "spring": _SPRING,
    "damping": _DAMPING,
    "rest_angle": {"rad": 1.0, "deg": math.pi / 180},
    "air_viscosity": {"g/(cm s)": 1.0, "P": 1.0, "Pa s": 10.0},
    "gravity": {"cm/s^2": 1.0, "m/s^2": 100.0},
    "force_limit": {"dyn": 1.0, "uN": 0.1, "mN": 100.0, "N": 1e5},
    **dict.fromkeys(("abdomen_torque_limit", "wing_torque_limit"), _TORQUE),
}
"""Units of every parameter, with what one of them is in cgs units; the first is that of `MothBody`."""


def read_body(file: Path) -> MothBody:
    """A moth from a JSON file: `{"base": "zahn2022", "abdomen_density": 0.3, "petiole": "2 mm"}`.

    Args:
        file: an object of parameters of `MothBody`, each a number in cgs units or a text of a number and a unit.
            `base` names the moth whose parameters hold where the file gives none, by default Zahn et al.'s.

    Raises:
        ValueError: no such file, no JSON, an unknown parameter or unit, or a body that cannot be; names the file.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise ValueError(f"body = {str(file)!r}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # what is no text and what is no JSON too
        raise ValueError(f"body = {str(file)!r}: expected a JSON object ({error})") from None
    if not isinstance(content, dict):
        raise ValueError(f"body = {str(file)!r}: expected a JSON object of parameters, not {content!r}")
    base = content.pop("base", "zahn2022")
    if base not in BODIES:
        raise ValueError(f"body = {str(file)!r}: base = {base!r}: expected one of {', '.join(BODIES)}")
    try:
        parameters = {name: _in_cgs(name, value) for name, value in content.items()}
        return dataclasses.replace(make_body(base), **parameters)
    except ValueError as error:
        raise ValueError(f"body = {str(file)!r}: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{', '.join(sorted(twice))} given twice")
    return dict(pairs)


def _in_cgs(name: str, value: Any) -> float:
    """A parameter in cgs units.

    Raises:
        ValueError: an unknown parameter, no number, or an unknown unit.
    """
    if name not in _UNITS:
        raise ValueError(f"{name}: expected parameters of {', '.join(_UNITS)}")
    units = _UNITS[name]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    number, _, unit = str(value).strip().partition(" ")
    expected = f"expected a number in {next(iter(units))}, or text with one of the units {', '.join(units)}"
    if unit.strip() not in units:
        raise ValueError(f"{name} = {value!r}: {expected}")
    try:
        return float(Decimal(number) * Decimal(repr(units[unit.strip()])))  # 9.8 m/s^2 are 980 cm/s^2, not 980.0000001
    except InvalidOperation:
        raise ValueError(f"{name} = {value!r}: {expected}") from None
