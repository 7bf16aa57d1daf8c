"""Sparse layout: the compressed weights of a network, in the order in which inference reads them.

Only connections on a path from an input to an output are kept, and only hidden nodes with such connections. Nodes are
grouped in blocks of 8, one for each lane of the vector units. A dense layer stores for each block the weights of all
inputs; a sparse layer stores as many rows as the largest fan-in in the block, with weights and input indices. Hidden
nodes are sorted by fan-in, so that the nodes of a block have about the same. The first layer takes and the last layer
gives cgs units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.pruning import effective_masks
from mothsim.controllers.networks.network import Network, Scaling

Array = NDArray[np.floating]

EIGHT = 8
"""Nodes in a block."""
_LISTED_BELOW = 0.6  # share of weights left below which a layer is faster when stored sparsely
_MOST_NODES = 65_000  # of a layer, since indices have two bytes


class Compressed(NamedTuple):
    """A compressed network.

    Attributes:
        packed: eight numbers (room for nodes, number of layers, offset of the input indices in blocks of 8 two-byte
            numbers, offset of the layer table in two-byte numbers, and zeros); then biases and weights of the layers;
            then the input indices of sparse layers; then for each layer its number of blocks, whether it is sparse,
            and the fan-in of each block (sparse) or of the layer (dense).
        multiply_adds: of one decision; padding counts in sparse layers alone.
    """

    packed: NDArray[np.float64]
    multiply_adds: int


def compress(network: Network) -> Compressed:
    """Compress a network for `mothsim.controllers.networks.sparse_inference`; in one array, for a cheap call.

    Raises:
        ValueError: a layer has more nodes than an index of two bytes can name.
    """
    if max(network.sizes) > _MOST_NODES:
        raise ValueError(f"network has a layer of {max(network.sizes):,} nodes: expected {_MOST_NODES:,} at most")
    layers = zip(*_by_count(*_in_cgs(network.scaling, *_alive(network))), strict=True)
    counts, *columns = zip(*(_table(weight, bias) for weight, bias in layers), strict=True)
    values, heard, plan = map(np.concatenate, columns)
    room = EIGHT * max(-(-network.sizes[0] // EIGHT), *(int(of_one[0]) for of_one in columns[2]))
    start = np.zeros(EIGHT)
    start[:4] = room, len(counts), (EIGHT + len(values)) // 2, 4 * (EIGHT + len(values)) + len(heard)
    parts = start, values, np.concatenate([heard, plan])
    whole = [np.pad(part, (0, -part.nbytes % 64 // part.itemsize)).view(np.float64) for part in parts]
    return Compressed(_aligned(np.concatenate(whole)), sum(counts))


def _aligned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Copy values to memory aligned with the lines of the processor's cache, 64 bytes."""
    space = np.empty(len(values) + EIGHT)
    first = -space.ctypes.data % 64 // 8
    space[first : first + len(values)] = values
    return space[first : first + len(values)]


def _alive(network: Network) -> tuple[list[Array], list[Array]]:
    """Return weights and biases of the nodes on paths; a hidden node that no input reaches is added to the biases."""
    masks = effective_masks(network.masks)
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


def _in_cgs(scaling: Scaling, weights: list[Array], biases: list[Array]) -> tuple[list[Array], list[Array]]:
    """Fold the scaling into the first and the last layer, for inputs and outputs in cgs units."""
    weights, biases = list(weights), list(biases)
    span_in, span_out = scaling.input_max - scaling.input_min, scaling.output_max - scaling.output_min
    weights[0] = weights[0] / span_in[:, None]
    biases[0] = biases[0] - (scaling.input_min + 0.5 * span_in) @ weights[0]
    weights[-1] = weights[-1] * span_out
    biases[-1] = (biases[-1] + 0.5) * span_out + scaling.output_min
    return weights, biases


def _by_count(weights: list[Array], biases: list[Array]) -> tuple[list[Array], list[Array]]:
    """Sort the hidden nodes by fan-in, the largest first."""
    weights, biases = list(weights), list(biases)
    for i in range(len(weights) - 1):
        order = np.argsort(-np.count_nonzero(weights[i], axis=0), kind="stable")
        weights[i], biases[i], weights[i + 1] = weights[i][:, order], biases[i][order], weights[i + 1][order]
    return weights, biases


def _table(weight: Array, bias: Array) -> tuple[int, Array, NDArray[np.uint16], NDArray[np.uint16]]:
    """Compress a layer; returns its multiply-adds, biases and weights, input indices, and layer table."""
    biases, eights = _in_eights(bias), _in_eights(weight)
    if np.count_nonzero(weight) >= _LISTED_BELOW * weight.size:
        plan = np.array([len(biases), 0, len(weight)], dtype=np.uint16)
        return weight.size, np.append(biases, eights), np.empty(0, np.uint16), plan
    heard, values, counts = [], [biases.ravel()], []
    for eight in eights:
        nodes = [np.flatnonzero(column) for column in eight.T]
        counts.append(max(map(len, nodes)))
        whom, what = np.zeros((counts[-1], EIGHT), dtype=np.uint16), np.zeros((counts[-1], EIGHT))
        for k, of_one in enumerate(nodes):
            whom[: len(of_one), k], what[: len(of_one), k] = of_one, eight[of_one, k]
        heard.append(whom.ravel())
        values.append(what.ravel())
    plan = np.array([len(biases), 1, *counts], dtype=np.uint16)
    return EIGHT * sum(counts), np.concatenate(values), np.concatenate(heard), plan


def _in_eights(nodes: Array) -> Array:
    """Reshape (..., n) to blocks (n / 8, ..., 8), the last padded with zeros."""
    eights = -(-nodes.shape[-1] // EIGHT)
    filled = np.pad(nodes, [(0, 0)] * (nodes.ndim - 1) + [(0, EIGHT * eights - nodes.shape[-1])])
    return np.moveaxis(filled.reshape(*nodes.shape[:-1], eights, EIGHT), -2, 0)
