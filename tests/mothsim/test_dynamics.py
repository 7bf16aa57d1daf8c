"""The equations in momenta against an independent statement of the published mass-matrix form."""

import numpy as np
import pytest

import mothsim
from mothsim import segments
from mothsim.dynamics import coefficients, rates, to_momenta


def accelerations(body, state, control):
    """Second derivatives of x, y, theta, phi from Zahn et al.'s `M(q) q'' = f`."""
    _, _, theta, phi, xdot, ydot, w, f = state
    force, angle, torque, wing = control
    m1, m2, l1, l2 = body.head_mass, body.abdomen_mass, body.head_distance, body.abdomen_distance
    m, g = m1 + m2, body.gravity
    speed = np.hypot(xdot, ydot)
    factor = 0.0
    for width in (body.head_half_width, body.abdomen_half_width):
        reynolds = 2 * width * body.air_density * speed / body.air_viscosity
        if speed > 0:
            coefficient = 24 / reynolds + 6 / (1 + np.sqrt(reynolds)) + 0.4
            factor += 0.5 * body.air_density * coefficient * np.pi * width**2
    s1, c1, s2, c2 = np.sin(theta), np.cos(theta), np.sin(phi), np.cos(phi)
    matrix = np.array(
        [
            [m, 0, -l1 * m1 * s1, -l2 * m2 * s2],
            [0, m, l1 * m1 * c1, l2 * m2 * c2],
            [-l1 * m1 * s1, l1 * m1 * c1, body.head_inertia + m1 * l1**2, 0],
            [-l2 * m2 * s2, l2 * m2 * c2, 0, body.abdomen_inertia + m2 * l2**2],
        ]
    )
    hinge = body.spring * (phi - theta - np.pi - body.rest_angle) + body.damping * (f - w)
    fx = force * np.cos(angle + theta) - factor * abs(xdot) * xdot + l1 * m1 * c1 * w**2 + l2 * m2 * c2 * f**2
    fy = force * np.sin(angle + theta) - factor * abs(ydot) * ydot + l1 * m1 * s1 * w**2 + l2 * m2 * s2 * f**2
    f1 = torque + wing - m1 * g * l1 * c1 + hinge + force * body.force_distance * np.sin(angle)
    f2 = -torque - m2 * g * l2 * c2 - hinge
    return np.linalg.solve(matrix, [fx, fy - m * g, f1, f2])


@pytest.mark.parametrize(
    "body", [mothsim.MothBody(), mothsim.MothBody.light_abdomen(), mothsim.MothBody.bustamante2022("fs")]
)
def test_momenta_change_as_the_mass_matrix_says(body):
    k = coefficients(body)
    states, controls = segments.draw(100, 0, body)
    states[0, 4:6] = 0  # at rest the drag is zero, not a division by zero

    def momenta(state):
        theta, bend = state[2], state[3] - state[2]
        return np.array(to_momenta(k, state, (np.sin(theta), np.cos(theta), np.sin(bend), np.cos(bend))))

    for state, control in zip(states, controls, strict=True):
        acceleration = accelerations(body, state, control)
        direction = np.concatenate([state[4:], acceleration])
        step = 1e-6
        expected = (momenta(state + step * direction) - momenta(state - step * direction)) / (2 * step)
        theta, bend = state[2], state[3] - state[2]
        trig = np.sin(theta), np.cos(theta), np.sin(bend), np.cos(bend)
        force = control[0] * np.cos(control[1]), control[0] * np.sin(control[1]), control[2], control[3]
        _, _, px, py, spin = momenta(state)
        px_rate, py_rate, spin_rate, turn, drive, inertia = rates(
            k, force, (px, py, spin), bend, state[7] - state[6], trig
        )
        np.testing.assert_allclose([px, py, px_rate, py_rate, spin_rate], expected, rtol=2e-5, atol=0.5)
        assert np.isclose(turn, state[6], rtol=1e-9, atol=1e-9)
        bend_acceleration = (drive - k.damping * (state[7] - state[6])) / inertia
        assert np.isclose(bend_acceleration, acceleration[3] - acceleration[2], rtol=1e-8, atol=1e-3)
