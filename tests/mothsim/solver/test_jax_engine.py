"""The scheme in JAX: against numba, its derivatives against finite differences, and the JAX-free import."""

import subprocess
import sys

import numpy as np
import pytest

import mothsim
from mothsim import segments

jax = pytest.importorskip("jax")


def test_makes_the_training_set_in_double_precision_in_any_batches():
    from mothsim.solver.jax_engine import solver

    assert not jax.config.jax_enable_x64  # first in this file, before the others turn it on
    made = segments.generate(1500, 3)
    for batch in (None, 400):
        other = segments.generate(1500, 3, solver=solver(batch=batch))
        np.testing.assert_array_equal(other.inputs[:, [0, 1, 6, 7, 8, 9]], made.inputs[:, [0, 1, 6, 7, 8, 9]])
        for ours, theirs in ((made.inputs, other.inputs), (made.outputs, other.outputs)):
            assert (np.abs(theirs - ours) / np.abs(ours).max(axis=0)).max() < 2e-6


@pytest.fixture(scope="module")
def propagate():
    jax.config.update("jax_enable_x64", True)
    from mothsim.solver import jax_engine

    yield jax_engine.propagate
    jax.config.update("jax_enable_x64", False)


def test_agrees_with_numba(propagate):
    states, controls = segments.draw(500, 0)
    reference = mothsim.propagate(states, controls, rtol=1e-9).states
    end = np.asarray(jax.jit(propagate)(states, controls))
    assert (np.abs(end - reference) / np.abs(reference).max(axis=0)).max() < 1e-6


def compiled(function, *arguments):
    """Compiled without optimisation, which takes far longer than one evaluation."""
    return jax.jit(function).lower(*arguments).compile({"xla_backend_optimization_level": 0})(*arguments)


@pytest.mark.slow
def test_derivatives_agree_with_finite_differences(propagate):
    states, controls = segments.draw(1, 1)
    state, control = jax.numpy.asarray(states[0]), jax.numpy.asarray(controls[0])
    along, against = (jax.numpy.asarray(row) for row in np.random.default_rng(2).standard_normal((2, 8)))
    forward = np.asarray(compiled(lambda s, v: jax.jvp(lambda q: propagate(q, control), (s,), (v,))[1], state, along))
    sides = states[0] + 1e-4 * np.array([[1], [-1]]) * np.asarray(along)
    ends = mothsim.propagate(sides, np.tile(controls[0], (2, 1)), rtol=1e-10).states
    np.testing.assert_allclose(forward, (ends[0] - ends[1]) / 2e-4, rtol=1e-4, atol=1e-4)
    backward = compiled(lambda s, u: jax.vjp(lambda q: propagate(q, control), s)[1](u)[0], state, against)
    assert float(backward @ along) == pytest.approx(float(against @ forward), rel=1e-9)


def test_bad_shapes_are_named(propagate):
    with pytest.raises(ValueError, match=r"states has shape \(2, 7\): expected"):
        propagate(np.zeros((2, 7)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"controls has shape \(3, 4\): expected \(2, 4\)"):
        propagate(np.zeros((2, 8)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"steps = 1\.5: expected a whole number"):
        propagate(np.zeros((2, 8)), np.zeros((2, 4)), steps=1.5)


def test_flying_does_not_wait_for_jax():
    code = "import sys, mothsim; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_runs_under_strict_promotion(propagate):
    states, controls = segments.draw(3, 0)
    wanted = propagate(states, controls)
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        np.testing.assert_array_equal(propagate(states.astype(np.float32), controls).dtype, wanted.dtype)
        np.testing.assert_array_equal(propagate(states, controls), wanted)
