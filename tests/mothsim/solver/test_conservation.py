"""What mechanics keeps, kept: momenta and energies worked out from the two bodies, not from the engine's own sums."""

import dataclasses

import numpy as np
import pytest

import mothsim
from mothsim import MothBody, segments
from mothsim.dynamics import coefficients
from mothsim.solver.cascade import solve_with_radau

# Body parameters must be above zero; these are as good as none.
VACUUM = {"air_density": 0.0, "air_viscosity": 1e-20, "gravity": 1e-20}
SCALE = np.array([30, 30, 2 * np.pi, 2 * np.pi, 1500, 1500, 300, 300])


def parts(body, states):
    """Mass, inertia, place, velocity and rate of head-thorax and of abdomen."""
    x, y, theta, phi, xdot, ydot, w, f = np.moveaxis(states, -1, 0)
    for mass, inertia, arm, angle, rate in (
        (body.head_mass, body.head_inertia, body.head_distance, theta, w),
        (body.abdomen_mass, body.abdomen_inertia, body.abdomen_distance, phi, f),
    ):
        place = np.stack([x + arm * np.cos(angle), y + arm * np.sin(angle)])
        velocity = np.stack([xdot - arm * rate * np.sin(angle), ydot + arm * rate * np.cos(angle)])
        yield mass, inertia, place, velocity, rate


def momentum(body, states):
    """Linear momentum along x and y, and angular momentum about the origin, as last axis."""
    both = [
        mass * np.stack([*velocity, place[0] * velocity[1] - place[1] * velocity[0] + inertia / mass * rate], axis=-1)
        for mass, inertia, place, velocity, rate in parts(body, states)
    ]
    return both[0] + both[1]


def energy(body, states, torque):
    """Kinetic energy, that of spring and weight, and the potential of a constant torque that unbends, erg."""
    bend = states[..., 3] - states[..., 2]
    total = body.spring * (bend - np.pi - body.rest_angle) ** 2 / 2 + torque * bend
    for mass, inertia, place, velocity, rate in parts(body, states):
        total = total + mass * (velocity**2).sum(axis=0) / 2 + inertia * rate**2 / 2 + mass * body.gravity * place[1]
    return total


def centre(body, states):
    head, abdomen = (mass * place.T for mass, _, place, _, _ in parts(body, states))
    return (head + abdomen) / body.mass


def without_force(count, seed, body):
    states, controls = segments.draw(count, seed, body)
    controls[:, [0, 3]] = 0
    return states, controls


@pytest.mark.parametrize(
    "body", [MothBody(), MothBody.bustamante2022("fs", petiole_fraction=0.2), MothBody.light_abdomen()]
)
def test_inner_torques_keep_momentum(body):
    body = dataclasses.replace(body, **VACUUM)
    states, controls = without_force(300, 0, body)
    end = mothsim.propagate(states, controls, body=body)
    assert end.success.all()
    assert np.abs(end.states[:, 3] - states[:, 3]).max() > 0.5
    before, after = momentum(body, states), momentum(body, end.states)
    scale = [body.mass * 1500, body.mass * 1500, (body.head_inertia + body.abdomen_inertia) * 300 + body.mass * 3e4]
    assert (np.abs(after - before) / scale).max() < 1e-6


def test_without_drag_and_damper_energy_is_kept():
    body = MothBody(damping=1e-6, air_density=0.0, air_viscosity=1e-20)
    states, controls = without_force(100, 1, body)
    end = mothsim.propagate(states, controls, body=body, rtol=1e-8)
    assert end.success.all()
    torque = controls[:, 2]
    before, after = energy(body, states, torque), energy(body, end.states, torque)
    assert np.abs(end.states[:, 7] - states[:, 7]).max() > 100
    assert np.abs(after / before - 1).max() < 1e-7


def test_damping_only_takes_energy():
    body = MothBody(air_density=0.0, air_viscosity=1e-20)
    states, controls = without_force(200, 2, body)
    path = mothsim.propagate(states, controls, body=body, times=np.linspace(0, 0.02, 21)).path
    energies = energy(body, path, controls[:, 2, None])
    assert np.all(np.diff(energies) <= 1e-6 * np.abs(energies).max())
    assert np.all(energies[:, -1] < energies[:, 0])


def test_drag_only_takes_energy():
    body = MothBody()
    states, controls = without_force(200, 3, body)
    path = mothsim.propagate(states, controls, body=body, times=np.linspace(0, 0.02, 21)).path
    energies = energy(body, path, controls[:, 2, None])
    assert np.all(np.diff(energies) <= 1e-6 * np.abs(energies).max())


def test_the_centre_of_mass_falls_freely():
    body = MothBody(air_density=0.0, air_viscosity=1e-20)
    states, controls = without_force(200, 4, body)
    end = mothsim.propagate(states, controls, body=body, duration=0.02).states
    velocity = momentum(body, states)[:, :2] / body.mass
    expected = centre(body, states) + 0.02 * velocity - [0, 980 * 0.02**2 / 2]
    np.testing.assert_allclose(centre(body, end), expected, rtol=0, atol=1e-9)


def test_rest_is_sound():
    body = MothBody()
    still = np.array([0, 0, np.pi / 2, 3 * np.pi / 2, 0, 0, 0, 0])
    hover = mothsim.propagate(still, [body.weight, 0, 0, 0])
    assert hover.success
    np.testing.assert_allclose(hover.states, still, rtol=0, atol=1e-8)
    states, controls = segments.draw(200, 5)
    states[:, 4:] = 0
    end = mothsim.propagate(states, controls)
    assert end.success.all()
    for crawl in (1e-300, -1e-12):
        states[:, 4:6] = crawl
        assert (np.abs(mothsim.propagate(states, controls).states - end.states) / SCALE).max() < 1e-9


def test_huge_spins_are_sound_or_flagged():
    states, controls = segments.draw(40, 6)
    states[:, 6:] = np.random.default_rng(7).choice([-1e4, 1e4], (40, 2))
    end = mothsim.propagate(states, controls)
    assert np.array_equal(np.isfinite(end.states).all(axis=1), end.success)
    exact = np.empty_like(states)
    solve_with_radau(coefficients(MothBody()).packed(), states, controls, 0.02, 1e-10, exact)
    both = end.success & np.isfinite(exact[:, 0])
    assert both.sum() > 20
    scale = np.maximum(np.abs(exact), SCALE)
    assert (np.abs(end.states - exact) / scale)[both].max() < 1e-4


def test_a_million_rows_are_as_many_small_batches():
    states, controls = segments.draw(1_000_000, 8)
    end = mothsim.propagate(states, controls)
    assert end.success.all()
    for first in range(0, 1_000_000, 997):
        rows = slice(first, first + 997)
        assert np.array_equal(mothsim.propagate(states[rows], controls[rows]).states, end.states[rows])
