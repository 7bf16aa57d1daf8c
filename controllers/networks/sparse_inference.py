"""Inference from sparse weights: the same bits for one moth as in a batch of thousands.

One moth is computed with SIMD lanes across eight nodes, a batch with lanes across sixteen moths, up to four such groups
for every block of weights that is read. Both add the weighted inputs of a node in the same order, so that no bit
depends on the rest of the batch. Weights are read in single precision, as networks have them, and all is computed in
double precision, except for an approximation of the hyperbolic tangent with an error of 8e-9: outputs of the shipped
networks are exact to 3e-7 of their ranges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.sparse_layout import LANES, compress
from mothsim.solver.compiled import kernel, kernel_with_gil, subkernel
from mothsim.solver.lanes import larger, load, load_widened, pick, rows, smaller, store
from mothsim.solver.threads import default_threads, run

Array = NDArray[np.floating]

_MOTHS = 16  # side by side
_GROUPS = 4  # of these, for which the weights of a block are brought to double precision once
_SIDE_BY_SIDE = 6  # moths from which that pays
_BLOCK = 256  # moths a thread takes at a time


class CompiledNetwork:
    """Evaluates a network; call it with inputs (N, n_in) for outputs (N, n_out), see `Network`.

    Attributes:
        packed: the compressed network, see `mothsim.controllers.networks.sparse_layout`.
        multiply_adds: multiply-adds of one decision, padding included.
        bytes: size of the compressed network.

    Raises:
        ValueError: a layer has more nodes than an index of two bytes can name; inputs of another shape.
    """

    def __init__(self, network: Network) -> None:
        self.packed, self.multiply_adds = compress(network)
        self._inputs, self._outputs = network.sizes[0], network.sizes[-1]
        self.bytes = self.packed.nbytes

    def __call__(self, inputs: Array) -> Array:
        """Compute outputs (N, n_out) from inputs (N, n_in), in the network's own units."""
        inputs = np.ascontiguousarray(inputs, np.float64)
        if inputs.ndim != 2 or inputs.shape[1] != self._inputs:
            raise ValueError(f"inputs has shape {inputs.shape}: expected shape (N, {self._inputs})")
        count = len(inputs)
        outputs = np.empty((count, self._outputs))
        if count < _SIDE_BY_SIDE:
            _evaluate_few(inputs, self.packed, outputs)
            return outputs

        def work(start: int) -> None:
            block = slice(start, start + _BLOCK)
            _evaluate_many(inputs[block], self.packed, outputs[block])

        run(work, range(0, count, _BLOCK), default_threads())
        return outputs


_DOUBLES, _SINGLES, _INDICES = rows(np.float64, LANES), rows(np.float32, LANES), rows(np.uint16, LANES)
_NODES = rows(np.float64, _MOTHS)
# Indices in the innermost loops are unsigned: signed ones are checked for being negative each time.
_1, _2, _3, _4, _5, _6, _7, _LANES = (np.uint64(n) for n in range(1, LANES + 1))


@kernel_with_gil
def _evaluate_few(inputs, packed, outputs):
    """Evaluate a compressed network for one moth after the other."""
    nodes = np.empty(2 * np.int64(packed[0]))
    for row in range(len(inputs)):
        evaluate_one(inputs, row, packed, nodes, outputs)


@kernel
def _evaluate_many(inputs, packed, outputs):
    """Evaluate a compressed network for sixteen moths at a time, the last few one by one."""
    room, row = np.int64(packed[0]), 0
    nodes, weights = np.empty(2 * room * _GROUPS + 1, _NODES), np.empty(LANES * room)
    while len(inputs) - row >= _SIDE_BY_SIDE:
        groups = min(_GROUPS, (len(inputs) - row + _MOTHS - _SIDE_BY_SIDE) // _MOTHS)
        _together(inputs, row, groups, packed, nodes, weights, outputs)
        row += groups * _MOTHS
    nodes_of_one = np.empty(2 * room)
    for last in range(row, len(inputs)):
        evaluate_one(inputs, last, packed, nodes_of_one, outputs)


@subkernel
def evaluate_one(inputs, row, packed, nodes, outputs):
    """Evaluate one moth, eight nodes at a time; the compressed arrays are read once, from front to back."""
    doubles, singles, connected = packed.view(_DOUBLES), packed.view(_SINGLES), packed.view(_INDICES)
    table, blocks_of_nodes = packed.view(np.uint16), nodes.view(_DOUBLES)
    room, layers = np.int64(packed[0]), np.int64(packed[1])
    value, index, step = np.int64(packed[2]), np.int64(packed[3]), np.int64(packed[4])
    scaling = _scaling_places(packed)
    for i in range(inputs.shape[1]):
        nodes[i] = inputs[row, i] * packed[scaling[0] + i] + packed[scaling[1] + i]
    here, bias = 0, scaling[4] // LANES
    for layer in range(layers):
        there = room - here
        hidden = layer + 1 < layers
        blocks, dense, width = np.int64(table[step]), np.int64(table[step + 1]), np.int64(table[step + 2])
        step += 3
        _dense_blocks(doubles, bias, singles, value, dense, width, nodes, here, blocks_of_nodes, there // LANES, hidden)
        value += dense * width
        for block in range(dense, blocks):
            total = load(doubles, bias + block)
            for _ in range(table[step]):
                total = total + load_widened(singles, value) * pick(connected, index, nodes, here)
                value += 1
                index += 1
            step += 1
            _store(blocks_of_nodes, there // LANES + block, total, hidden)
        bias += blocks
        here = there
    for j in range(outputs.shape[1]):
        outputs[row, j] = nodes[here + j] * packed[scaling[2] + j] + packed[scaling[3] + j]


@subkernel
def _scaling_places(packed):
    """Where factors and offsets of the inputs and of the outputs begin, and the biases after them."""
    inputs = LANES * ((np.int64(packed[5]) + LANES - 1) // LANES)
    outputs = LANES * ((np.int64(packed[6]) + LANES - 1) // LANES)
    first = LANES + 2 * inputs
    return LANES, LANES + inputs, first, first + outputs, first + 2 * outputs


@subkernel
def _dense_blocks(doubles, bias, singles, value, dense, width, nodes, here, blocks_of_nodes, there, hidden):
    """Evaluate dense blocks, four of 8 nodes at a time to hide latency; the last block may recur."""
    for e in range(0, dense, 4):
        f, g, h = min(e + 1, dense - 1), min(e + 2, dense - 1), min(e + 3, dense - 1)
        a, b, c, d = load(doubles, bias + e), load(doubles, bias + f), load(doubles, bias + g), load(doubles, bias + h)
        for i in range(width):
            node = nodes[np.uint64(here + i)]
            a = a + load_widened(singles, value + e * width + i) * node
            b = b + load_widened(singles, value + f * width + i) * node
            c = c + load_widened(singles, value + g * width + i) * node
            d = d + load_widened(singles, value + h * width + i) * node
        _store(blocks_of_nodes, there + e, a, hidden)
        _store(blocks_of_nodes, there + f, b, hidden)
        _store(blocks_of_nodes, there + g, c, hidden)
        _store(blocks_of_nodes, there + h, d, hidden)


@subkernel
def _together(inputs, row, groups, packed, nodes, weights, outputs):
    """Evaluate groups of sixteen moths from `row` on; past the end the last moth is repeated.

    The weights of a block are brought to double precision once for all groups, in `weights`. Each group has its own
    `2 * room` nodes.
    """
    singles, table, widened = packed.view(_SINGLES), packed.view(np.uint16), weights.view(_DOUBLES)
    room, layers = np.int64(packed[0]), np.int64(packed[1])
    value, index, step = np.int64(packed[2]), LANES * np.int64(packed[3]), np.int64(packed[4])
    scaling = _scaling_places(packed)
    numbers, stride = nodes["lanes"], 2 * room
    for group in range(groups):
        for lane in range(_MOTHS):
            moth = min(row + group * _MOTHS + lane, len(inputs) - 1)
            for i in range(inputs.shape[1]):
                scaled = inputs[moth, i] * packed[scaling[0] + i] + packed[scaling[1] + i]
                numbers[group * stride + i, lane] = scaled
    numbers[groups * stride, :] = 0.0
    zeros = load(nodes, groups * stride)
    here, bias = 0, scaling[4]
    for layer in range(layers):
        there = room - here
        hidden = layer + 1 < layers
        blocks, dense, width = np.int64(table[step]), np.int64(table[step + 1]), np.int64(table[step + 2])
        step += 3
        for block in range(blocks):
            sparse = block >= dense
            count = np.int64(table[step]) if sparse else width
            for i in range(count):
                store(widened, i, load_widened(singles, value + i))
            for group in range(groups):
                at = group * stride + here
                first, second = _four_biases(packed, bias, zeros), _four_biases(packed, bias + 4, zeros)
                if sparse:
                    first = _add_connected(first, weights, 0, table, index, nodes, at, count)
                    second = _add_connected(second, weights, 4, table, index + 4, nodes, at, count)
                else:
                    first, second = _add_all(first, second, weights, nodes, at, count)
                to = group * stride + there + LANES * block
                for m in range(4):
                    _store(nodes, to + m, first[m], hidden)
                    _store(nodes, to + 4 + m, second[m], hidden)
            value += count
            bias += LANES
            if sparse:
                index += LANES * count
                step += 1
        here = there
    for moth in range(row, min(row + groups * _MOTHS, len(outputs))):
        group, lane = (moth - row) // _MOTHS, (moth - row) % _MOTHS
        for j in range(outputs.shape[1]):
            number = numbers[group * stride + here + j, lane]
            outputs[moth, j] = number * packed[scaling[2] + j] + packed[scaling[3] + j]


@subkernel
def _four_biases(values, at, zeros):
    return zeros + values[at], zeros + values[at + 1], zeros + values[at + 2], zeros + values[at + 3]


@subkernel
def _add_all(first, second, weights, nodes, here, count):
    """Add the weighted inputs of the eight nodes of a dense block, with the same `count` inputs."""
    a, b, c, d = first
    e, f, g, h = second
    p = np.uint64(0)
    for i in range(count):
        node = load(nodes, here + i)
        a = a + weights[p] * node
        b = b + weights[p + _1] * node
        c = c + weights[p + _2] * node
        d = d + weights[p + _3] * node
        e = e + weights[p + _4] * node
        f = f + weights[p + _5] * node
        g = g + weights[p + _6] * node
        h = h + weights[p + _7] * node
        p += _LANES
    return (a, b, c, d), (e, f, g, h)


@subkernel
def _add_connected(four, weights, at, connected, first, nodes, here, count):
    """Add the weighted inputs of four nodes of a sparse block, with `count` connected inputs each."""
    a, b, c, d = four
    p, w = np.uint64(at), np.uint64(first)
    for _ in range(count):
        a = a + weights[p] * load(nodes, here + connected[w])
        b = b + weights[p + _1] * load(nodes, here + connected[w + _1])
        c = c + weights[p + _2] * load(nodes, here + connected[w + _2])
        d = d + weights[p + _3] * load(nodes, here + connected[w + _3])
        p += _LANES
        w += _LANES
    return a, b, c, d


@subkernel
def _store(nodes, j, total, hidden):
    """Store the activation of a node: tanh of the sum, in the output layer the sum itself."""
    store(nodes, j, _tanh(total) if hidden else total)


# Numerator and denominator of the hyperbolic tangent on -10 to 10, by powers of the square.
_A = (
    0.9999999813722332, 0.13626926007853363, 3.8023876134631414e-3, 2.6706714194388794e-5, 2.7587537486485717e-8,
    -1.0110487051674103e-11,
)  # fmt: skip
_B = 1.0, 0.46960251754504545, 2.7003316973751947e-2, 3.8234037120972073e-4, 1.1981786559184698e-6


@subkernel
def _tanh(x):
    """Approximate the hyperbolic tangent by the best rational function of its degree, error 8e-9."""
    y = larger(-10.0, smaller(10.0, x))  # which lets NaN through
    z = y * y
    above = _A[0] + z * (_A[1] + z * (_A[2] + z * (_A[3] + z * (_A[4] + z * _A[5]))))
    below = _B[0] + z * (_B[1] + z * (_B[2] + z * (_B[3] + z * _B[4])))
    return y * above / below
