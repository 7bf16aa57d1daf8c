"""The scheme in JAX: against numba, its derivatives against finite differences, and the JAX-free import."""

import subprocess
import sys

import numpy as np
import pytest

import mothsim
from mothsim import segments

jax = pytest.importorskip("jax")


@pytest.fixture(scope="module")
def propagate():
    jax.config.update("jax_enable_x64", True)
    from mothsim import jax_engine

    yield jax_engine.propagate
    jax.config.update("jax_enable_x64", False)


def test_agrees_with_numba(propagate):
    states, controls = segments.draw(500, 0)
    reference = mothsim.propagate(states, controls, rtol=1e-9).states
    end = np.asarray(jax.jit(propagate)(states, controls))
    assert (np.abs(end - reference) / np.abs(reference).max(axis=0)).max() < 1e-6


@pytest.mark.slow
def test_derivatives_agree_with_finite_differences(propagate):
    states, controls = segments.draw(1, 1)
    state, control = jax.numpy.asarray(states[0]), jax.numpy.asarray(controls[0])
    forward = jax.jit(jax.jacfwd(propagate))(state, control)
    backward = jax.jit(jax.jacrev(propagate))(state, control)
    np.testing.assert_allclose(forward, backward, rtol=1e-9, atol=1e-9)
    steps = 1e-4 * np.eye(8)
    ends = [mothsim.propagate(states[0] + sign * steps, np.tile(controls[0], (8, 1)), rtol=1e-10) for sign in (1, -1)]
    difference = ((ends[0].states - ends[1].states) / 2e-4).T
    scale = np.maximum(np.abs(difference).max(axis=1, keepdims=True), 1)
    assert (np.abs(forward - difference) / scale).max() < 1e-5


def test_bad_shapes_are_named(propagate):
    with pytest.raises(ValueError, match=r"states has shape \(2, 7\): expected"):
        propagate(np.zeros((2, 7)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"controls has shape \(3, 4\): expected \(2, 4\)"):
        propagate(np.zeros((2, 8)), np.zeros((3, 4)))


def test_flying_does_not_wait_for_jax():
    code = "import sys, mothsim; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
