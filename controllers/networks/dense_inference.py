"""A network computed densely, as fast as numpy and JAX do it: what sparse inference is measured against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mothsim.controllers.networks.network import Network


def dense_forms(network: Network) -> dict[str, Callable[[np.ndarray], Any]]:
    """A network as numpy and as jitted JAX compute it at their fastest, in single precision, scaling folded in.

    Each takes inputs (N, 10) in cgs units, float32, to outputs (N, 7) in cgs units.
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
