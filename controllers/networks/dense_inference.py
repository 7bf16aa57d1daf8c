"""Dense inference with NumPy and JAX, the baselines of sparse inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mothsim.controllers.networks.network import Network


def dense_forms(network: Network) -> dict[str, Callable[[np.ndarray], Any]]:
    """Return functions that evaluate a network densely in single precision, by `numpy` and by `jax`, jitted.

    The scaling is part of the first and the last layer: inputs (N, 10) are float32 in cgs units, outputs (N, 7) too.
    """
    import jax
    import jax.numpy as jnp

    scaling = network.scaling
    weights = [weight.astype(np.float64) for weight in network.weights]
    biases = [bias.astype(np.float64) for bias in network.biases]
    span_in, span_out = scaling.input_max - scaling.input_min, scaling.output_max - scaling.output_min
    biases[0] = biases[0] - (scaling.input_min / span_in + 0.5) @ weights[0]
    weights[0] = weights[0] / span_in[:, None]
    biases[-1] = (biases[-1] + 0.5) * span_out + scaling.output_min
    weights[-1] = weights[-1] * span_out
    layers = [(w.astype(np.float32), b.astype(np.float32)) for w, b in zip(weights, biases, strict=True)]

    def forward(inputs, layers, tanh):
        for weight, bias in layers[:-1]:
            inputs = tanh(inputs @ weight + bias)
        return inputs @ layers[-1][0] + layers[-1][1]

    on_device = [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in layers]
    jitted = jax.jit(lambda inputs, layers: forward(inputs, layers, jnp.tanh))
    return {
        "numpy": lambda inputs: forward(inputs, layers, np.tanh),
        "jax": lambda inputs: np.asarray(jitted(inputs, on_device)),
    }
