"""Rates of the state for NumPy, JAX and CasADi: the equations of `mothsim.dynamics` in coordinates of the state."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from mothsim.body import MothBody
from mothsim.dynamics import Value, coefficients, rates, to_momenta


def state_rates(body: MothBody) -> Callable[[Any, Any], Any]:
    """The right-hand side of a moth's equations of motion, `s' = f(s, u)`.

    Args:
        body: the moth.

    Returns:
        A function of a state and a control to the state's rates, in cgs units. State `[x, y, theta, phi, xdot, ydot,
        thetadot, phidot]`, control `[force, angle, abdomen_torque, wing_torque]`. NumPy and JAX arrays have shapes
        (..., 8) and (..., 4); CasADi symbols and matrices are columns of 8 and of 4. The function may be compiled,
        mapped and differentiated. One mode is stiff, 1.5e4 to 6.5e4 1/s: `mothsim.propagate` solves a segment.
    """
    k = coefficients(body)

    def function(state: Any, control: Any) -> Any:
        xp = _namespace(state, control)
        if xp is np:
            state, control = np.asarray(state, dtype=np.float64), np.asarray(control, dtype=np.float64)
        columns = _split(state, xp, 8, "state"), _split(control, xp, 4, "control")
        result = _rates(k, *columns, xp)
        if xp.__name__ == "casadi":
            return xp.vertcat(*result)
        return xp.stack(xp.broadcast_arrays(*result), axis=-1)

    return function


def _rates(k: Any, state: tuple[Value, ...], control: tuple[Value, ...], xp: Any) -> tuple[Value, ...]:
    _, _, theta, phi, xdot, ydot, w, f = state
    force, angle, torque, wing = control
    bend, d = phi - theta, f - w
    trig = s, c, sb, cb = xp.sin(theta), xp.cos(theta), xp.sin(bend), xp.cos(bend)
    sp, cp = s * cb + c * sb, c * cb - s * sb
    momenta = to_momenta(k, state, trig)
    components = force * xp.cos(angle), force * xp.sin(angle), torque, wing
    px_rate, py_rate, spin_rate, _, drive, inertia = rates(k, components, momenta[2:], bend, d, trig)
    # Of L = A w + B (w + d), with A' = B' = kappa sin(D) d.
    a, b = k.head_inertia - k.coupling * cb, k.abdomen_inertia - k.coupling * cb
    d_rate = (drive - k.damping * d) / inertia
    w_rate = (spin_rate - b * d_rate - k.coupling * sb * d * (2 * w + d)) / (a + b)
    f_rate = w_rate + d_rate
    # Of the momenta P, which are mass times the joint's velocity and what turning adds.
    x_rate = px_rate + k.head_moment * (c * w * w + s * w_rate) + k.abdomen_moment * (cp * f * f + sp * f_rate)
    y_rate = py_rate + k.head_moment * (s * w * w - c * w_rate) + k.abdomen_moment * (sp * f * f - cp * f_rate)
    return xdot, ydot, w, f, x_rate * k.inverse_mass, y_rate * k.inverse_mass, w_rate, f_rate


def _namespace(*values: Any) -> Any:
    """The module whose functions take these values."""
    jax, casadi = sys.modules.get("jax"), sys.modules.get("casadi")
    if casadi is not None and any(isinstance(value, (casadi.SX, casadi.MX, casadi.DM)) for value in values):
        return casadi
    if jax is not None and any(isinstance(value, jax.Array) for value in values):
        return jax.numpy
    return np


def _split(values: Any, xp: Any, width: int, name: str) -> tuple[Value, ...]:
    """The components of a state or a control.

    Raises:
        ValueError: another number of components.
    """
    shape = values.shape
    casadi = xp.__name__ == "casadi"
    if (shape != (width, 1)) if casadi else (not shape or shape[-1] != width):
        raise ValueError(f"{name} has shape {shape}: expected {(width, 1) if casadi else f'(..., {width})'}")
    return tuple(values[i] if casadi else values[..., i] for i in range(width))
