"""Rates of the state against Zahn et al.'s own form, a mass matrix, and in every library."""

import jax
import numpy as np
import pytest

import mothsim

BODY = mothsim.MothBody()
RNG = np.random.default_rng(0)
LOW, HIGH = np.array([[-1, -1, 0, 0, -1e3, -1e3, -25, -25], [1, 1, 6, 6, 1e3, 1e3, 25, 25]])
STATES = RNG.uniform(LOW, HIGH, (5, 8))
CONTROLS = RNG.uniform([0, 0, -1e5, -1e5], [4e4, 6, 1e5, 1e5], (5, 4))


def accelerations(state, control):
    """By the mass matrix and the forces as Zahn et al. print them."""
    _, _, theta, phi, xdot, ydot, w, f = state
    force, alpha, torque, wing = control
    m1, m2, l1, l2, l3 = BODY.head_mass, BODY.abdomen_mass, 0.9, 1.9, 0.75
    s, c, sp, cp = np.sin(theta), np.cos(theta), np.sin(phi), np.cos(phi)
    upper = np.array([
        [m1 + m2, 0, -l1 * m1 * s, -l2 * m2 * sp], [0, m1 + m2, l1 * m1 * c, l2 * m2 * cp],
        [0, 0, BODY.head_inertia + m1 * l1**2, 0], [0, 0, 0, BODY.abdomen_inertia + m2 * l2**2],
    ])  # fmt: skip
    drag = 0.0
    for width in (0.5, 0.75):
        reynolds = 2 * width * 1.18e-3 * np.hypot(xdot, ydot) / 1.86e-4
        drag += 0.5 * 1.18e-3 * np.pi * width**2 * (24 / reynolds + 6 / (1 + reynolds**0.5) + 0.4)
    joint = 23000 * (phi - theta - np.pi) + 14075.8 * (f - w)
    forces = [
        force * np.cos(alpha + theta) - drag * abs(xdot) * xdot + l1 * m1 * c * w**2 + l2 * m2 * cp * f**2,
        -(m1 + m2) * 980 + force * np.sin(alpha + theta) - drag * abs(ydot) * ydot
        + l1 * m1 * s * w**2 + l2 * m2 * sp * f**2,
        torque + wing - m1 * 980 * l1 * c + joint + force * l3 * np.sin(alpha),
        -torque - m2 * 980 * l2 * cp - joint,
    ]  # fmt: skip
    return np.linalg.solve(upper + np.triu(upper, 1).T, forces)


def test_rates_are_those_of_the_papers_mass_matrix():
    found = mothsim.state_rates(BODY)(STATES, CONTROLS)
    np.testing.assert_array_equal(found[:, :4], STATES[:, 4:])
    for row, state, control in zip(found, STATES, CONTROLS, strict=True):
        np.testing.assert_allclose(row[4:], accelerations(state, control), rtol=1e-12)


def test_jax_compiles_and_differentiates_them():
    function = mothsim.state_rates(BODY)
    with jax.enable_x64(True):
        found = jax.jit(function)(jax.numpy.asarray(STATES), jax.numpy.asarray(CONTROLS))
        np.testing.assert_allclose(found, function(STATES, CONTROLS), rtol=1e-11)
        assert np.isfinite(jax.jacobian(function)(*map(jax.numpy.asarray, (STATES[0], CONTROLS[0])))).all()


def test_casadi_takes_them_as_symbols():
    casadi = pytest.importorskip("casadi")
    function = mothsim.state_rates(BODY)
    for symbols in (casadi.SX, casadi.MX):
        state, control = symbols.sym("s", 8), symbols.sym("u", 4)
        compiled = casadi.Function("rates", [state, control], [function(state, control)])
        found = np.array(compiled(STATES[0], CONTROLS[0]))[:, 0]
        np.testing.assert_allclose(found, function(STATES[0], CONTROLS[0]), rtol=1e-12)
    assert casadi.jacobian(function(state, control), state).shape == (8, 8)


def test_trim_does_not_move():
    trim = mothsim.find_trim(BODY, 1.0)
    assert np.abs(mothsim.state_rates(BODY)(trim.state, trim.control)).max() < 1e-8


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"state has shape \(7,\)"):
        mothsim.state_rates(BODY)(np.zeros(7), np.zeros(4))
