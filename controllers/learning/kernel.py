"""A network's decisions from its compressed weights: the same bits for one moth or a thousand.

Only connections on a path from an input to an output are kept, and only nodes with any. A layer with most of
its connections gone is stored as the list of each node's live targets, a full one as its matrix; both add up a
node's inputs in the same order in double precision, so neither form nor batch changes a bit.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from controllers.learning.network import Network
from controllers.learning.pruning import live_connections

Array = NDArray[np.floating]

_LISTED_BELOW = 0.2  # share of weights left below which a layer is faster as a list
_PARALLEL_FROM = 64  # rows from which threads pay


class CompiledNetwork:
    """Evaluates a network; call it with inputs (N, 10) in cgs units for outputs (N, 7)."""

    def __init__(self, network: Network) -> None:
        self.scaling = network.scaling
        weights, biases = _compressed(network)
        self._sizes = np.array([weights[0].shape[0], *(weight.shape[1] for weight in weights)])
        self._listed = np.array([np.count_nonzero(w) < _LISTED_BELOW * w.size for w in weights])
        self._bias = np.concatenate(biases)
        starts, targets, values = [0], [], []
        for weight, listed in zip(weights, self._listed, strict=True):
            for row in weight:
                live = np.flatnonzero(row) if listed else np.arange(len(row))
                targets.append(live)
                values.append(row[live])
                starts.append(starts[-1] + len(live))
        self._starts = np.array(starts)
        self._targets = np.concatenate(targets)
        self._values = np.concatenate(values)

    def __call__(self, inputs: Array) -> Array:
        """Outputs (N, 7) for inputs (N, 10), both in cgs units."""
        scaled = np.ascontiguousarray(self.scaling.scale_inputs(inputs), dtype=np.float64)
        outputs = np.empty((len(scaled), self._sizes[-1]))
        evaluate = _evaluate_in_threads if len(scaled) >= _PARALLEL_FROM else _evaluate
        evaluate(scaled, self._sizes, self._listed, self._starts, self._targets, self._values, self._bias, outputs)
        return self.scaling.unscale_outputs(outputs)


def _compressed(network: Network) -> tuple[list[Array], list[Array]]:
    """Weights and biases of live nodes alone; a hidden node that no input reaches is a constant, so a bias."""
    masks = live_connections(network.masks)
    weights = [weight.astype(np.float64) for weight in network.weights]
    biases = [bias.astype(np.float64) for bias in network.biases]
    reached: NDArray[np.bool_] = np.ones(len(weights[0]), dtype=bool)
    for i, mask in enumerate(network.masks[:-1]):
        reached = np.any(mask & reached[:, None], axis=0)
        constant = np.where(reached, 0.0, np.tanh(biases[i]))
        biases[i + 1] = biases[i + 1] + constant @ weights[i + 1]
    keep = [np.ones(len(weights[0]), dtype=bool)]
    keep += [mask.any(axis=0) for mask in masks[:-1]]
    keep.append(np.ones(weights[-1].shape[1], dtype=bool))
    small = [
        np.where(m, w, 0.0)[np.ix_(keep[i], keep[i + 1])] for i, (w, m) in enumerate(zip(weights, masks, strict=True))
    ]
    return small, [bias[keep[i + 1]] for i, bias in enumerate(biases)]


@njit(cache=True)
def _evaluate_row(x, sizes, listed, starts, targets, values, bias, out):
    node, first_bias, width = 0, 0, sizes.max()
    current, following = np.empty(width), np.empty(width)
    current[: len(x)] = x
    for layer in range(len(listed)):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        following[:n_out] = bias[first_bias : first_bias + n_out]
        for i in range(n_in):
            value = current[i]
            begin, end = starts[node + i], starts[node + i + 1]
            if listed[layer]:
                for p in range(begin, end):
                    following[targets[p]] += value * values[p]
            else:
                for j in range(n_out):
                    following[j] += value * values[begin + j]
        if layer + 1 < len(listed):
            for j in range(n_out):
                following[j] = math.tanh(following[j])
        current, following = following, current
        node += n_in
        first_bias += n_out
    out[:] = current[: len(out)]


@njit(cache=True, nogil=True)
def _evaluate(x, sizes, listed, starts, targets, values, bias, out):
    for i in range(len(x)):
        _evaluate_row(x[i], sizes, listed, starts, targets, values, bias, out[i])


@njit(cache=True, parallel=True)
def _evaluate_in_threads(x, sizes, listed, starts, targets, values, bias, out):
    for i in prange(len(x)):
        _evaluate_row(x[i], sizes, listed, starts, targets, values, bias, out[i])
