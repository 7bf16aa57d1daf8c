from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mothsim.controllers.learning import training
from mothsim.controllers.learning.jax_numerics import training_numerics

try:
    from mothsim.controllers.learning import fused_training
except ImportError:
    pytest.skip("this JAX has no such kernels", allow_module_level=True)


@training_numerics()
def test_the_kernels_train_as_jax_differentiates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers that fill no block, pruned weights with moments left, and networks at different counts of Adam."""
    for module in (training, fused_training):
        monkeypatch.setattr(module, "CHUNK", 3)
    rng, sizes, networks = np.random.default_rng(0), (10, 80, 70, 16, 7), 2
    shapes = list(pairwise(sizes))
    weights = tuple(jnp.asarray(0.2 * rng.normal(size=(networks, *shape)), jnp.float32) for shape in shapes)
    biases = tuple(jnp.asarray(0.1 * rng.normal(size=(networks, after)), jnp.float32) for _, after in shapes)
    masks = tuple(jnp.asarray(rng.random(weight.shape) < 0.5) for weight in weights)
    optimiser = optax.scale_by_adam(eps=4e-6)
    state: Any = jax.vmap(optimiser.init)((weights, biases))
    mean = jax.tree.map(lambda leaf: leaf + jnp.asarray(1e-3 * rng.normal(size=leaf.shape), leaf.dtype), state.mu)
    state = state._replace(count=jnp.array([0, 700]), mu=mean, nu=jax.tree.map(lambda leaf: leaf + 1e-5, state.nu))
    data = [jnp.asarray(rng.random((160, width)) - 0.5, jnp.float32) for width in (10, 7)]
    rest: Any = (*data, 3, jnp.full(3, 5e-4))

    def one(parameters, state, masks):
        return training.chunk(parameters, state, masks, *rest, batch=32, optimiser=optimiser)

    def side_by_side(*networks: Any):
        return fused_training.fused_chunk(*networks, *rest, batch=32, epsilon=4e-6, interpret=True)

    expected = jax.jit(jax.vmap(one))((weights, biases), state, masks)
    found = jax.jit(side_by_side)((weights, biases), state, masks)
    for one_leaf, other in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(other, one_leaf, rtol=2e-3, atol=2e-6)  # products of eleven binary digits


def test_kernels_where_they_pay() -> None:
    assert fused_training.fits(128, (10, 400, 400, 400, 16, 7))
    assert not fused_training.fits(128, (10, 50, 50, 50, 8, 7))
    assert not fused_training.fits(100, (10, 400, 7))
