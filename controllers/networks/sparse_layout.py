"""A network's compressed weights, in the order in which a decision reads them.

Only connections on a path from an input to an output are kept, and only hidden nodes with any. Nodes stand in eights,
side by side in the processor's vector units, and each layer is a table with a row for every node that an eight hears:
the weights, and, in a layer with many of its connections gone, also whom each of the eight hears there. Hidden nodes
stand in order of their connections, so that eight neighbours hear about as many. The first layer takes and the last
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
"""Nodes side by side."""
_LISTED_BELOW = 0.6  # share of weights left below which a layer is faster as a list
_MOST_NODES = 65_000  # of a layer, as an index of two bytes has it


class Compressed(NamedTuple):
    """A network compressed, and the multiply-adds of a decision: what stands for a pruned weight counts too.

    What fills up the last eight of a layer counts in a list alone.

    `packed` begins with an eight: how many nodes there is room for, how many layers there are, at which eight of
    two-byte numbers those that are heard begin, and at which such number the plan. Then come the layers' biases and
    weights, those that are heard in lists, and each layer's plan: how many eights it has, whether they are lists, and
    how many nodes each hears, or all do.
    """

    packed: NDArray[np.float64]
    multiply_adds: int


def compress(network: Network) -> Compressed:
    """A network for `mothsim.controllers.networks.sparse_inference`, in one array: each argument costs 0.1 us.

    Raises:
        ValueError: a layer has more nodes than an index of two bytes can name.
    """
    if max(network.sizes) > _MOST_NODES:
        raise ValueError(f"network has a layer of {max(network.sizes):,} nodes: expected {_MOST_NODES:,} at most")
    layers = zip(*_by_count(*_in_cgs(network.scaling, *_alive(network))), strict=True)
    counts, *columns = zip(*(_table(weight, bias) for weight, bias in layers), strict=True)
    values, heard, plan = map(np.concatenate, columns)
    room = EIGHT * max(2, *(int(of_one[0]) for of_one in columns[2]))
    start = np.zeros(EIGHT)
    start[:4] = room, len(counts), (EIGHT + len(values)) // 2, 4 * (EIGHT + len(values)) + len(heard)
    parts = start, values, np.concatenate([heard, plan])
    whole = [np.pad(part, (0, -part.nbytes % 64 // part.itemsize)).view(np.float64) for part in parts]
    return Compressed(_aligned(np.concatenate(whole)), sum(counts))


def _aligned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same in memory of which every eight is in one line of the processor's cache."""
    space = np.empty(len(values) + EIGHT)
    first = -space.ctypes.data % 64 // 8
    space[first : first + len(values)] = values
    return space[first : first + len(values)]


def _alive(network: Network) -> tuple[list[Array], list[Array]]:
    """Weights and biases of live nodes alone; a hidden node that no input reaches is a constant, so a bias."""
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
    """The same network with its first layer for inputs, and its last for outputs, in cgs units."""
    weights, biases = list(weights), list(biases)
    span_in, span_out = scaling.input_max - scaling.input_min, scaling.output_max - scaling.output_min
    weights[0] = weights[0] / span_in[:, None]
    biases[0] = biases[0] - (scaling.input_min + 0.5 * span_in) @ weights[0]
    weights[-1] = weights[-1] * span_out
    biases[-1] = (biases[-1] + 0.5) * span_out + scaling.output_min
    return weights, biases


def _by_count(weights: list[Array], biases: list[Array]) -> tuple[list[Array], list[Array]]:
    """The same network with its hidden nodes in order of how many nodes they hear, most first: gaps come last."""
    weights, biases = list(weights), list(biases)
    for i in range(len(weights) - 1):
        order = np.argsort(-np.count_nonzero(weights[i], axis=0), kind="stable")
        weights[i], biases[i], weights[i + 1] = weights[i][:, order], biases[i][order], weights[i + 1][order]
    return weights, biases


def _table(weight: Array, bias: Array) -> tuple[int, Array, NDArray[np.uint16], NDArray[np.uint16]]:
    """A layer: multiply-adds, biases and weights, who is heard in a list, plan."""
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
    """(..., n) to (eights, ..., 8), the last filled up with zeros."""
    eights = -(-nodes.shape[-1] // EIGHT)
    filled = np.pad(nodes, [(0, 0)] * (nodes.ndim - 1) + [(0, EIGHT * eights - nodes.shape[-1])])
    return np.moveaxis(filled.reshape(*nodes.shape[:-1], eights, EIGHT), -2, 0)
