"""The moth's body: two ellipsoids on a sprung, damped pin, in cgs units."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Literal

Treatment = Literal["fa", "fs", "ua", "us"]

_MAY_BE_ZERO = {"petiole", "rest_angle", "wing_torque_limit", "abdomen_torque_limit", "spring", "air_density"}
_MAY_BE_NEGATIVE = {"rest_angle"}


@dataclass(frozen=True, kw_only=True)
class MothBody:
    """A moth, by default that of Zahn et al. 2022 (PLoS Comput Biol 18(9) e1010512, Table 2).

    Every parameter is a finite number in cgs units (cm, g, s, rad, dyn = g cm/s^2). Lengths, densities,
    damping, air viscosity and gravity must be positive.

    Raises:
        ValueError: a parameter is not finite, or not of the sign that it must have.
    """

    head_half_length: float = 0.9
    """a1, cm: semi-major axis of the head-thorax."""
    head_half_width: float = 0.5
    """b1, cm: semi-minor axis of the head-thorax."""
    abdomen_half_length: float = 1.9
    """a2, cm: semi-major axis of the abdomen."""
    abdomen_half_width: float = 0.75
    """b2, cm: semi-minor axis of the abdomen."""
    head_density: float = 0.9
    """rho1, g/cm^3."""
    abdomen_density: float = 0.4
    """rho2, g/cm^3."""
    head_distance: float = 0.9
    """L1, cm: from the pin joint to the centre of the head-thorax."""
    abdomen_distance: float = 1.9
    """L2, cm: from the pin joint to the centre of the abdomen."""
    force_distance: float = 0.75
    """L3, cm: from the pin joint to the point where the aerodynamic force acts."""
    petiole: float = 0.0
    """Length added to the petiole, cm (Bustamante et al. 2022): in `abdomen_distance` too; adds m2 petiole^2 to I2."""
    spring: float = 23000.0
    """K, g cm^2/(s^2 rad): torsional spring of the joint."""
    damping: float = 14075.8
    """c, g cm^2/s: torsional damper of the joint."""
    rest_angle: float = 0.0
    """beta, rad: bend of the joint at which the spring is slack."""
    air_density: float = 1.18e-3
    """rho_air, g/cm^3."""
    air_viscosity: float = 1.86e-4
    """mu_air, g/(cm s)."""
    gravity: float = 980.0
    """g, cm/s^2."""
    force_limit: float = 44300.0
    """Largest aerodynamic force, dyn."""
    abdomen_torque_limit: float = 1e5
    """Largest magnitude of the abdominal torque, dyn cm."""
    wing_torque_limit: float = 0.0
    """Largest magnitude of the wing torque, dyn cm; 0 is the under-actuated moth."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Real) and not isinstance(value, (int, float)):  # NumPy's single precision, integers
                object.__setattr__(self, field.name, value := float(value))
            if not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ValueError(f"{field.name} = {value!r}: expected a finite number")
            if field.name not in _MAY_BE_NEGATIVE and value < 0:
                raise ValueError(f"{field.name} = {value!r}: expected a number that is not negative")
            if field.name not in _MAY_BE_ZERO and value == 0:
                raise ValueError(f"{field.name} = {value!r}: expected a number above zero")

    @property
    def head_mass(self) -> float:
        """m1, g."""
        return self.head_density * (4 / 3) * math.pi * self.head_half_width**2 * self.head_half_length

    @property
    def abdomen_mass(self) -> float:
        """m2, g."""
        return self.abdomen_density * (4 / 3) * math.pi * self.abdomen_half_width**2 * self.abdomen_half_length

    @property
    def mass(self) -> float:
        """m1 + m2, g."""
        return self.head_mass + self.abdomen_mass

    @property
    def weight(self) -> float:
        """(m1 + m2) g, dyn: the force that hovers."""
        return self.mass * self.gravity

    @property
    def head_inertia(self) -> float:
        """I1, g cm^2, about the centre of the head-thorax."""
        return self.head_mass * (self.head_half_length**2 + self.head_half_width**2) / 5

    @property
    def abdomen_inertia(self) -> float:
        """I2, g cm^2, about the centre of the abdomen, and the petiole's share (Bustamante et al. 2022)."""
        ellipsoid = self.abdomen_mass * (self.abdomen_half_length**2 + self.abdomen_half_width**2) / 5
        return ellipsoid + self.abdomen_mass * self.petiole**2

    @property
    def length(self) -> float:
        """2 (a1 + a2), cm: the body length of Bustamante et al. 2022."""
        return 2 * (self.head_half_length + self.abdomen_half_length)

    def scaled(self, scale: float) -> MothBody:
        """The same moth with all its lengths times `scale`, as in Zahn et al.'s extrapolation study.

        Spring, damper, densities and control limits stay.

        Raises:
            ValueError: `scale` is not a finite number above zero.
        """
        if not math.isfinite(scale) or scale <= 0:
            raise ValueError(f"scale = {scale!r}: expected a finite number above zero")
        lengths = ("head_half_length", "head_half_width", "abdomen_half_length", "abdomen_half_width")
        distances = ("head_distance", "abdomen_distance", "force_distance", "petiole")
        return dataclasses.replace(self, **{name: scale * getattr(self, name) for name in lengths + distances})

    @classmethod
    def light_abdomen(cls) -> MothBody:
        """The older parameters of Bustamante et al.: a slim, light abdomen on a soft spring, fully actuated.

        Its torques go up to 1e6 dyn cm: the most violent moth here, and the stiffest (c/J up to 1.6e5 1/s).
        """
        return cls(
            head_half_length=0.908,
            head_half_width=0.507,
            abdomen_half_length=1.7475,
            abdomen_half_width=0.1295,
            head_density=1.0,
            abdomen_density=1.0,
            head_distance=0.908,
            abdomen_distance=1.7475,
            spring=29.3,
            abdomen_torque_limit=1e6,
            wing_torque_limit=1e5,
        )

    @classmethod
    def bustamante2022(
        cls,
        treatment: Treatment = "fa",
        *,
        length_scale: float = 1.0,
        abdomen_mass_factor: float = 1.0,
        spring_factor: float = 1.0,
        petiole_fraction: float = 0.0,
        torque_limit: float = 1e5,
    ) -> MothBody:
        """A moth of Bustamante et al. 2022 (Integr Org Biol, obac039).

        Args:
            treatment: `f` fully actuated (wing torque) or `u` under-actuated; then `a`, the force acts at the
                centre of the head-thorax (L3 = L1), or `s`, it acts off it (L3 = 0.75 cm).
            length_scale: times all lengths, spring and damper; its cube times the force limit, its fourth
                power times the torque limits.
            abdomen_mass_factor: times the abdomen's density.
            spring_factor: times the spring.
            petiole_fraction: the petiole is lengthened by this share of the body length.
            torque_limit: largest abdominal (and wing) torque before scaling, dyn cm.

        Raises:
            ValueError: an unknown treatment, or a factor out of range.
        """
        if treatment not in ("fa", "fs", "ua", "us"):
            raise ValueError(f"treatment = {treatment!r}: expected one of 'fa', 'fs', 'ua', 'us'")
        base = cls()
        petiole = petiole_fraction * base.length
        unscaled = dataclasses.replace(
            base,
            abdomen_density=base.abdomen_density * abdomen_mass_factor,
            abdomen_distance=base.abdomen_half_length + petiole,
            petiole=petiole,
            force_distance=base.head_distance if treatment[1] == "a" else base.force_distance,
        )
        return dataclasses.replace(
            unscaled.scaled(length_scale),
            spring=base.spring * spring_factor * length_scale,
            damping=base.damping * length_scale,
            force_limit=base.force_limit * length_scale**3,
            abdomen_torque_limit=torque_limit * length_scale**4,
            wing_torque_limit=torque_limit * length_scale**4 if treatment[0] == "f" else 0.0,
        )


_NAMED: dict[str, Callable[[], MothBody]] = {
    "zahn2022": MothBody,
    "bustamante2022-fa": lambda: MothBody.bustamante2022("fa"),
    "bustamante2022-fs": lambda: MothBody.bustamante2022("fs"),
    "bustamante2022-ua": lambda: MothBody.bustamante2022("ua"),
    "bustamante2022-us": lambda: MothBody.bustamante2022("us"),
    "light-abdomen": MothBody.light_abdomen,
}
BODIES = tuple(_NAMED)
MOTHS = {
    "zahn2022": "Zahn et al.'s moth, the default",
    "bustamante2022-fa": "Bustamante et al.'s, fully actuated (wing torque too), force at the thorax's centre",
    "bustamante2022-fs": "fully actuated, force behind the thorax's centre",
    "bustamante2022-ua": "under-actuated (force and abdominal torque), force at the thorax's centre",
    "bustamante2022-us": "under-actuated, force behind the thorax's centre",
    "light-abdomen": "the older parameters of Bustamante et al.: a slim, light abdomen on a soft spring",
}
"""What the moths are, by name."""


def make_body(name: str | Path) -> MothBody:
    """A moth by name, one of `BODIES`, or from a `.json` file, see `mothsim.body_files.read_body`.

    Raises:
        ValueError: an unknown name, or a file that does not hold a body.
    """
    name = str(name)
    if name.lower().endswith(".json"):
        from mothsim.body_files import read_body  # which imports this module

        return read_body(Path(name))
    if name not in _NAMED:
        raise ValueError(f"body = {name!r}: expected one of {', '.join(BODIES)}, or a .json file")
    return _NAMED[name]()
