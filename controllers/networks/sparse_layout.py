"""Sparse layout: the compressed weights of a network, in the order in which inference reads them.

Only connections on a path from an input to an output are kept, and only hidden nodes with such connections. Nodes are
grouped in blocks of 8, one for each lane of the vector units. A dense block stores the weights of all inputs; a sparse
block as many rows as its largest fan-in, with weights and the indices of the connected inputs. Hidden nodes are sorted
by fan-in, so that the nodes of a block have about the same, and the dense blocks of a layer come first. Weights are in
single precision, in which networks are trained, and so take half the memory that inference has to read; the scaling of
inputs and outputs is in double precision, apart from them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.pruning import effective_masks
from mothsim.controllers.networks.network import Network, Scaling

Array = NDArray[np.floating]

LANES = 8
"""Nodes in a block."""
_SPARSE_BELOW = 0.4  # share of inputs that are connected, below which a block is faster when stored sparsely
_MOST_NODES = 65_000  # of a layer, since indices have two bytes


class Compressed(NamedTuple):
    """A compressed network.

    Attributes:
        packed: eight numbers (room for nodes, number of layers, offset of the weights in rows of 8 single-precision
            numbers, offset of the connected inputs in rows of 8 two-byte numbers, offset of the layer table in two-byte
            numbers, numbers of inputs and outputs, and zero); then factors and offsets of the inputs, of the outputs,
            and the biases of the layers, padded to whole blocks; then the weights; then the connected inputs of sparse
            blocks; then for each layer its number of blocks, how many of them are dense, the number of inputs, and the
            fan-in of each sparse block.
        multiply_adds: of one decision; padding counts in sparse blocks alone.
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
    weights, biases = _sorted_by_fan_in(*_effective(network))
    layers = [_layer(weight) for weight in weights]
    doubles = [*_scaling(network.scaling), *(_in_blocks(bias).ravel() for bias in biases)]
    inputs, outputs = network.sizes[0], network.sizes[-1]
    widths = [inputs, *(len(bias) for bias in biases)]
    room = max(-(-width // LANES) * LANES for width in widths)
    values = np.concatenate([layer.values for layer in layers]).astype(np.float32)
    connected = np.concatenate([layer.connected for layer in layers])
    table = np.concatenate([layer.table for layer in layers])
    parts = [_padded(np.concatenate([np.zeros(LANES), *doubles])), _padded(values), _padded(connected), _padded(table)]
    at = np.cumsum([len(part) for part in parts])  # in numbers of eight bytes
    packed = np.concatenate(parts)
    packed[:7] = room, len(layers), at[0] // 4, at[1] // 2, 4 * at[2], inputs, outputs
    return Compressed(_aligned(packed), sum(layer.multiply_adds for layer in layers))


def _padded(part: Array | NDArray[np.uint16]) -> NDArray[np.float64]:
    """The bytes of an array as numbers of eight bytes, up to a whole line of the processor's cache, 64 bytes."""
    return np.pad(part, (0, -part.nbytes % 64 // part.itemsize)).view(np.float64)


def _aligned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Copy values to memory aligned with the lines of the processor's cache, 64 bytes."""
    space = np.empty(len(values) + LANES)
    first = -space.ctypes.data % 64 // 8
    space[first : first + len(values)] = values
    return space[first : first + len(values)]


def _effective(network: Network) -> tuple[list[Array], list[Array]]:
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


def _scaling(scaling: Scaling) -> list[Array]:
    """Factors and offsets of the inputs, from cgs units, and of the outputs, to cgs units, each in whole blocks."""
    span_in, span_out = scaling.input_max - scaling.input_min, scaling.output_max - scaling.output_min
    factors = 1 / span_in, -scaling.input_min / span_in - 0.5, span_out, scaling.output_min + 0.5 * span_out
    return [_in_blocks(np.asarray(factor, np.float64)).ravel() for factor in factors]


def _sorted_by_fan_in(weights: list[Array], biases: list[Array]) -> tuple[list[Array], list[Array]]:
    """Sort the hidden nodes by fan-in, the largest first."""
    weights, biases = list(weights), list(biases)
    for i in range(len(weights) - 1):
        order = np.argsort(-np.count_nonzero(weights[i], axis=0), kind="stable")
        weights[i], biases[i], weights[i + 1] = weights[i][:, order], biases[i][order], weights[i + 1][order]
    return weights, biases


class _Layer(NamedTuple):
    """A compressed layer: weights, connected inputs, its part of the layer table, and its multiply-adds."""

    values: Array
    connected: NDArray[np.uint16]
    table: NDArray[np.uint16]
    multiply_adds: int


def _layer(weight: Array) -> _Layer:
    inputs, blocks = len(weight), _in_blocks(weight)
    fan_in = [np.count_nonzero(block, axis=0) for block in blocks]
    dense = 0
    while dense < len(blocks) and fan_in[dense].max() >= _SPARSE_BELOW * inputs:
        dense += 1
    values, connected, counts = [blocks[:dense].ravel()], [np.empty(0, np.uint16)], []
    for block, counted in zip(blocks[dense:], fan_in[dense:], strict=True):
        counts.append(int(counted.max()))
        which, what = np.zeros((counts[-1], LANES), dtype=np.uint16), np.zeros((counts[-1], LANES))
        for node, column in enumerate(block.T):
            found = np.flatnonzero(column)
            which[: len(found), node], what[: len(found), node] = found, column[found]
        connected.append(which.ravel())
        values.append(what.ravel())
    table = np.array([len(blocks), dense, inputs, *counts], dtype=np.uint16)
    full = inputs * min(dense * LANES, weight.shape[1])
    return _Layer(np.concatenate(values), np.concatenate(connected), table, full + LANES * sum(counts))


def _in_blocks(nodes: Array) -> Array:
    """Reshape (..., n) to blocks (n / 8, ..., 8), the last padded with zeros."""
    blocks = -(-nodes.shape[-1] // LANES)
    filled = np.pad(nodes, [(0, 0)] * (nodes.ndim - 1) + [(0, LANES * blocks - nodes.shape[-1])])
    return np.moveaxis(filled.reshape(*nodes.shape[:-1], blocks, LANES), -2, 0)
