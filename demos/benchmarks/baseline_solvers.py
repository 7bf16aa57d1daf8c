"""Other solvers of the same segments, to measure the engine against; each needs a package that may be absent.

A maker returns `solve(states, controls, rtol) -> ends` for Zahn et al.'s moth and segments of 20 ms.
"""

# pyright: reportMissingImports=false
# What this file stands on is optional.

from __future__ import annotations

import numpy as np
from numba import carray, cfunc, njit  # pyright: ignore[reportPrivateImportUsage]

from mothsim.body import MothBody
from mothsim.dynamics import coefficients, from_momenta, rates, to_momenta, unpack
from mothsim.solver.compiled import kernel
from mothsim.solver.propagate import SEGMENT

_PACKED = coefficients(MothBody()).packed()


@kernel
def slopes(z, control, out):
    """Rates of `z = X, Y, P_x, P_y, L, theta, bend, bend rate` under F cos(alpha), F sin(alpha) and the torques."""
    k = unpack(_PACKED)
    trig = (np.sin(z[5]), np.cos(z[5]), np.sin(z[6]), np.cos(z[6]))
    force = (control[0], control[1], control[2], control[3])
    px, py, spin, turn, drive, inertia = rates(k, force, (z[2], z[3], z[4]), z[6], z[7], trig)
    out[0], out[1], out[2], out[3], out[4], out[5], out[6] = z[2], z[3], px, py, spin, turn, z[7]
    out[7] = (drive - k.damping * z[7]) / inertia


def _enter(states, controls):
    k = coefficients(MothBody())
    theta, bend = states[:, 2], states[:, 3] - states[:, 2]
    trig = (np.sin(theta), np.cos(theta), np.sin(bend), np.cos(bend))
    z = np.stack([*to_momenta(k, tuple(states.T), trig), theta, bend, states[:, 7] - states[:, 6]], axis=1)
    force = np.stack(
        [controls[:, 0] * np.cos(controls[:, 1]), controls[:, 0] * np.sin(controls[:, 1]), *controls[:, 2:].T], axis=1
    )
    return np.ascontiguousarray(z), np.ascontiguousarray(force)


def _leave(z):
    trig = (np.sin(z[:, 5]), np.cos(z[:, 5]), np.sin(z[:, 6]), np.cos(z[:, 6]))
    return np.stack(from_momenta(coefficients(MothBody()), tuple(z.T[:5]), z[:, 5], z[:, 6], z[:, 7], trig), axis=1)


def odeint():
    """LSODA of scipy (`odeint`), with a compiled right-hand side."""
    from scipy.integrate import odeint as integrate

    def right(z, _, control):
        out = np.empty(8)
        slopes(z, control, out)
        return out

    def solve(states, controls, rtol):
        z, force = _enter(states, controls)
        times = np.array([0.0, SEGMENT])
        accuracy = {"rtol": rtol, "atol": 1e-2 * rtol, "mxstep": 100_000}
        ends = [integrate(right, z[i], times, args=(force[i],), **accuracy)[1] for i in range(len(z))]
        return _leave(np.array(ends))

    return solve


def numbalsoda():
    """LSODA of numbalsoda, with compiled right-hand side and loop."""
    from numbalsoda import lsoda, lsoda_sig

    @cfunc(lsoda_sig)
    def right(_, z, out, control):

        slopes(carray(z, (8,)), carray(control, (4,)), carray(out, (8,)))

    pointer = right.address

    @njit
    def batch(z, force, rtol, ends):
        times = np.array([0.0, SEGMENT])
        for i in range(len(z)):
            solution, success = lsoda(pointer, z[i], times, data=force[i], rtol=rtol, atol=1e-2 * rtol)
            ends[i] = solution[1]
            if not success:
                ends[i] = np.nan

    def solve(states, controls, rtol):
        z, force = _enter(states, controls)
        ends = np.empty_like(z)
        batch(z, force, rtol, ends)
        return _leave(ends)

    return solve


def diffrax():
    """Kvaerno5 of diffrax under vmap, in double precision."""
    import jax
    import jax.numpy as jnp
    from diffrax import Kvaerno5, ODETerm, PIDController, diffeqsolve

    k = coefficients(MothBody())

    def right(_, z, force):
        trig = (jnp.sin(z[5]), jnp.cos(z[5]), jnp.sin(z[6]), jnp.cos(z[6]))
        px, py, spin, turn, drive, inertia = rates(k, tuple(force), (z[2], z[3], z[4]), z[6], z[7], trig)
        return jnp.stack([z[2], z[3], px, py, spin, turn, z[7], (drive - k.damping * z[7]) / inertia])

    def one(z, force, rtol):
        control = PIDController(rtol=rtol, atol=1e-2 * rtol)
        solution = diffeqsolve(
            ODETerm(right), Kvaerno5(), 0.0, SEGMENT, 1e-6, z, force, stepsize_controller=control, max_steps=100_000
        )
        return solution.ys[-1]  # pyright: ignore[reportOptionalSubscript]

    many = jax.jit(jax.vmap(one, (0, 0, None)))

    def solve(states, controls, rtol):
        with jax.enable_x64(True):
            return _leave(np.asarray(many(*_enter(states, controls), rtol)))

    return solve


BASELINE_SOLVERS = {"numbalsoda": numbalsoda, "odeint": odeint, "diffrax": diffrax}
