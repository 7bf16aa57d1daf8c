"""The moth's equations of motion, written once, for numba and for JAX.

The joint angle is the bend `D = phi - theta` and its rate is `d`. In place of joint velocities the moth is
described by what internal torques cannot change, so that a single equation is stiff:

- `X, Y`: mass times the centre of mass, `m x + mu1 cos(theta) + mu2 cos(phi)` and likewise with sines, where
  `m = m1 + m2` and `mu_i = m_i L_i`;
- `P_x, P_y`: total momentum, the rates of X and Y. Force, weight and drag drive it:
  `P_x' = F cos(alpha + theta) - drag_x`, `P_y' = F sin(alpha + theta) - drag_y - m g`;
- `L`: angular momentum about the centre of mass, `L = A w + B (w + d)` with `w = theta'`,
  `A = a1 - kappa cos D`, `B = a2 - kappa cos D`, `kappa = mu1 mu2 / m`, `a_i = I_i + m_i L_i^2 - mu_i^2 / m`.
  Abdominal torque, spring and damper are internal: `L' = Q1 + Q2`, the moments of force and drag about the
  centre of mass as they act on head-thorax and abdomen;
- `theta' = w = (L - B d) / (A + B)` and `D' = d`;
- the stiff one, `J d' = G - c d`, with the reduced inertia `J = (a1 a2 - kappa^2 cos^2 D) / (A + B)` and
  `G = [A (Q2 + kappa sin D w^2) - B (Q1 - kappa sin D (w + d)^2)] / (A + B) - tau - K (D - pi - beta)`.

These are the equations of Zahn et al. 2022 (their mass-matrix form stands in the tests) with momenta for
coordinates. Functions here use arithmetic only, so the same lines run in Python, in numba and under JAX, on
scalars or arrays, in single or double precision: literals would promote single precision, so constants
come from `Coefficients`, and sines and cosines are arguments, since the integrators have them already.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from mothsim.arithmetic import shared, square_root
from mothsim.body import MothBody

Value = Any
"""A float, a NumPy or JAX array, or a tracer."""


class Coefficients(NamedTuple):
    """What the equations need of a body, precomputed; the order is that of the packed array."""

    mass: Value  # m
    inverse_mass: Value  # 1/m
    weight: Value  # m g
    head_moment: Value  # mu1 = m1 L1
    abdomen_moment: Value  # mu2 = m2 L2
    head_offset: Value  # mu1/m
    abdomen_offset: Value  # mu2/m
    coupling: Value  # kappa
    head_inertia: Value  # a1, about the centre of mass
    abdomen_inertia: Value  # a2
    force_arm: Value  # L3 - mu1/m
    spring: Value  # K
    damping: Value  # c
    rest_bend: Value  # pi + beta
    viscous_drag: Value  # 6 mu_air (S1/b1 + S2/b2)
    form_drag: Value  # 0.2 rho_air (S1 + S2)
    head_drag: Value  # 3 rho_air S1
    abdomen_drag: Value  # 3 rho_air S2
    head_reynolds: Value  # 2 b1 rho_air / mu_air, per cm/s
    abdomen_reynolds: Value  # likewise with b2
    one: Value = 1.0
    speed_floor: Value = 1e-30  # (cm/s)^2, keeps drag and its slope finite at rest

    def packed(self) -> np.ndarray:
        """The coefficients as one float64 array, shape (22,)."""
        return np.array(self, dtype=np.float64)


def coefficients(body: MothBody) -> Coefficients:
    """The coefficients of a body, as Python floats in cgs units."""
    mu1 = body.head_mass * body.head_distance
    mu2 = body.abdomen_mass * body.abdomen_distance
    area1 = math.pi * body.head_half_width**2
    area2 = math.pi * body.abdomen_half_width**2
    return Coefficients(
        mass=body.mass,
        inverse_mass=1 / body.mass,
        weight=body.weight,
        head_moment=mu1,
        abdomen_moment=mu2,
        head_offset=mu1 / body.mass,
        abdomen_offset=mu2 / body.mass,
        coupling=mu1 * mu2 / body.mass,
        head_inertia=body.head_inertia + mu1 * body.head_distance - mu1**2 / body.mass,
        abdomen_inertia=body.abdomen_inertia + mu2 * body.abdomen_distance - mu2**2 / body.mass,
        force_arm=body.force_distance - mu1 / body.mass,
        spring=body.spring,
        damping=body.damping,
        rest_bend=math.pi + body.rest_angle,
        viscous_drag=6 * body.air_viscosity * (area1 / body.head_half_width + area2 / body.abdomen_half_width),
        form_drag=0.2 * body.air_density * (area1 + area2),
        head_drag=3 * body.air_density * area1,
        abdomen_drag=3 * body.air_density * area2,
        head_reynolds=2 * body.head_half_width * body.air_density / body.air_viscosity,
        abdomen_reynolds=2 * body.abdomen_half_width * body.air_density / body.air_viscosity,
    )


@shared
def unpack(p: Value) -> Coefficients:
    """Coefficients from their packed array; item by item, since the compiler wants a tuple of constant length."""
    return Coefficients(
        p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10],
        p[11], p[12], p[13], p[14], p[15], p[16], p[17], p[18], p[19], p[20], p[21],
    )  # fmt: skip


@shared
def drag(k: Coefficients, xdot: Value, ydot: Value) -> tuple[Value, Value]:
    """Drag (dyn) on the body, along x and y, against the joint's velocity (cm/s).

    `D |v_i| v_i` with `D = rho_air/2 (C1 S1 + C2 S2)`, `C_i = 24/Re_i + 6/(1 + sqrt Re_i) + 0.4`.
    """
    speed = square_root(xdot * xdot + ydot * ydot + k.speed_floor)
    head = k.head_drag / (k.one + square_root(k.head_reynolds * speed))
    abdomen = k.abdomen_drag / (k.one + square_root(k.abdomen_reynolds * speed))
    factor = k.viscous_drag / speed + head + abdomen + k.form_drag
    return factor * abs(xdot) * xdot, factor * abs(ydot) * ydot


@shared
def inertias(k: Coefficients, cos_bend: Value) -> tuple[Value, Value, Value, Value]:
    """`A`, `B`, `1/(A + B)` and the reduced inertia `J` of the bend, g cm^2."""
    coupled = k.coupling * cos_bend
    a = k.head_inertia - coupled
    b = k.abdomen_inertia - coupled
    inverse = k.one / (a + b)
    return a, b, inverse, (k.head_inertia * k.abdomen_inertia - coupled * coupled) * inverse


@shared
def joint_velocity(
    k: Coefficients, px: Value, py: Value, s: Value, c: Value, sp: Value, cp: Value, w: Value, f: Value
) -> tuple[Value, Value]:
    """Velocity of the pin joint (cm/s) from momentum and the rates `w` of theta and `f` of phi.

    `s, c` are sine and cosine of theta, `sp, cp` of phi.
    """
    xdot = (px + k.head_moment * s * w + k.abdomen_moment * sp * f) * k.inverse_mass
    ydot = (py - k.head_moment * c * w - k.abdomen_moment * cp * f) * k.inverse_mass
    return xdot, ydot


@shared
def moments(
    k: Coefficients,
    along: Value,
    across: Value,
    wing: Value,
    drag_along: Value,
    drag_across: Value,
    sb: Value,
    cb: Value,
) -> tuple[Value, Value]:
    """`Q1, Q2` (dyn cm): moments of force, drag and wing torque on head-thorax and abdomen.

    `along, across` are F cos(alpha) and F sin(alpha); drag is split along and across the head-thorax;
    `sb, cb` are sine and cosine of the bend.
    """
    q1 = k.force_arm * across + wing + k.head_offset * drag_across
    q2 = k.abdomen_offset * (cb * (drag_across - across) + sb * (along - drag_along))
    return q1, q2


@shared
def bend_drive(
    k: Coefficients,
    a: Value,
    b: Value,
    inverse: Value,
    q1: Value,
    q2: Value,
    sb: Value,
    bend: Value,
    w: Value,
    f: Value,
    torque: Value,
) -> Value:
    """`G` (dyn cm), all that drives the bend but the damper: `J d' = G - c d`."""
    twist = k.coupling * sb
    centrifugal = a * (q2 + twist * w * w) - b * (q1 - twist * f * f)
    return centrifugal * inverse - torque - k.spring * (bend - k.rest_bend)


@shared
def rates(
    k: Coefficients,
    control: tuple[Value, Value, Value, Value],
    momenta: tuple[Value, Value, Value],
    bend: Value,
    bend_rate: Value,
    trig: tuple[Value, Value, Value, Value],
) -> tuple[Value, Value, Value, Value, Value, Value]:
    """Rates of the smooth coordinates, and the two numbers of the stiff one.

    Args:
        k: constants of the body.
        control: F cos(alpha), F sin(alpha), abdominal torque, wing torque.
        momenta: P_x, P_y, L.
        bend: phi - theta.
        bend_rate: its rate.
        trig: sin and cos of theta, sin and cos of the bend.

    Returns:
        P_x', P_y', L', theta', G and J; the stiff equation is `J d' = G - c d`.
    """
    along, across, torque, wing = control
    px, py, spin = momenta
    s, c, sb, cb = trig
    a, b, inverse, inertia = inertias(k, cb)
    w = (spin - b * bend_rate) * inverse
    f = w + bend_rate
    xdot, ydot = joint_velocity(k, px, py, s, c, s * cb + c * sb, c * cb - s * sb, w, f)
    drag_x, drag_y = drag(k, xdot, ydot)
    drag_along = s * drag_y + c * drag_x
    drag_across = c * drag_y - s * drag_x
    q1, q2 = moments(k, along, across, wing, drag_along, drag_across, sb, cb)
    drive = bend_drive(k, a, b, inverse, q1, q2, sb, bend, w, f, torque)
    px_rate = along * c - across * s - drag_x
    py_rate = along * s + across * c - drag_y - k.weight
    return px_rate, py_rate, q1 + q2, w, drive, inertia


@shared
def to_momenta(
    k: Coefficients, state: tuple[Value, ...], trig: tuple[Value, Value, Value, Value]
) -> tuple[Value, Value, Value, Value, Value]:
    """`X, Y, P_x, P_y, L` from a state `[x, y, theta, phi, xdot, ydot, thetadot, phidot]`."""
    x, y, _, _, xdot, ydot, w, f = state
    s, c, sb, cb = trig
    sp = s * cb + c * sb
    cp = c * cb - s * sb
    a, b, _, _ = inertias(k, cb)
    return (
        k.mass * x + k.head_moment * c + k.abdomen_moment * cp,
        k.mass * y + k.head_moment * s + k.abdomen_moment * sp,
        k.mass * xdot - k.head_moment * s * w - k.abdomen_moment * sp * f,
        k.mass * ydot + k.head_moment * c * w + k.abdomen_moment * cp * f,
        a * w + b * f,
    )


@shared
def from_momenta(
    k: Coefficients,
    momenta: tuple[Value, Value, Value, Value, Value],
    theta: Value,
    bend: Value,
    bend_rate: Value,
    trig: tuple[Value, Value, Value, Value],
) -> tuple[Value, Value, Value, Value, Value, Value, Value, Value]:
    """A state `[x, y, theta, phi, xdot, ydot, thetadot, phidot]` from `X, Y, P_x, P_y, L` and the angles."""
    sum_x, sum_y, px, py, spin = momenta
    s, c, sb, cb = trig
    sp = s * cb + c * sb
    cp = c * cb - s * sb
    _, b, inverse, _ = inertias(k, cb)
    w = (spin - b * bend_rate) * inverse
    f = w + bend_rate
    xdot, ydot = joint_velocity(k, px, py, s, c, sp, cp, w, f)
    x = (sum_x - k.head_moment * c - k.abdomen_moment * cp) * k.inverse_mass
    y = (sum_y - k.head_moment * s - k.abdomen_moment * sp) * k.inverse_mass
    return x, y, theta, theta + bend, xdot, ydot, w, f
