"""Dense inference with NumPy and JAX, in single or double precision: the baselines of sparse inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mothsim.controllers.networks.network import Network


def dense_forms(network: Network, dtype: type[np.floating] = np.float32) -> dict[str, Callable[[np.ndarray], Any]]:
    """Return functions that evaluate a network densely, by `numpy` and by `jax`, jitted.

    The scaling is part of the first and the last layer: inputs (N, n_in) and outputs (N, n_out) are in cgs units.

    Args:
        network: to evaluate.
        dtype: of inputs, weights and outputs, float32 or float64.
    """
    import jax
    import jax.numpy as jnp

    from mothsim.solver.jax_engine import enable_x64

    scaling = network.scaling
    weights = [weight.astype(np.float64) for weight in network.weights]
    biases = [bias.astype(np.float64) for bias in network.biases]
    span_in, span_out = scaling.input_max - scaling.input_min, scaling.output_max - scaling.output_min
    biases[0] = biases[0] - (scaling.input_min / span_in + 0.5) @ weights[0]
    weights[0] = weights[0] / span_in[:, None]
    biases[-1] = (biases[-1] + 0.5) * span_out + scaling.output_min
    weights[-1] = weights[-1] * span_out
    layers = [(w.astype(dtype), b.astype(dtype)) for w, b in zip(weights, biases, strict=True)]

    def forward(inputs, layers, tanh):
        for weight, bias in layers[:-1]:
            inputs = tanh(inputs @ weight + bias)
        return inputs @ layers[-1][0] + layers[-1][1]

    double = dtype is np.float64
    with enable_x64(double):
        on_device = [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in layers]
    jitted = jax.jit(lambda inputs, layers: forward(inputs, layers, jnp.tanh))

    def by_jax(inputs: np.ndarray) -> Any:
        if not double:
            return np.asarray(jitted(inputs, on_device))
        with enable_x64(True):
            return np.asarray(jitted(inputs, on_device))

    return {"numpy": lambda inputs: forward(inputs, layers, np.tanh), "jax": by_jax}
