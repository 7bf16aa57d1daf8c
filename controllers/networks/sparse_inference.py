"""Inference from sparse weights: the same bits for one moth as in a batch of thousands.

One moth is computed with SIMD lanes across eight nodes, a batch with lanes across sixteen moths, four nodes at a time.
Both add the weighted inputs of a node in the same order, so that no bit depends on the rest of the batch. All is in
double precision, except for an approximation of the hyperbolic tangent with an error of 8e-9: outputs of the shipped
networks are exact to 3e-7 of their ranges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.sparse_layout import EIGHT, compress
from mothsim.solver.blocks import gather, scatter
from mothsim.solver.compiled import kernel, kernel_with_gil, subkernel
from mothsim.solver.lanes import larger, load, pick, rows, smaller, store
from mothsim.solver.threads import default_threads, run

Array = NDArray[np.floating]

_MOTHS = 16  # side by side
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


_VALUES, _HEARD, _NODES = rows(np.float64, EIGHT), rows(np.uint16, EIGHT), rows(np.float64, _MOTHS)
# Indices in the innermost loops are unsigned: signed ones are checked for being negative each time.
_1, _2, _3, _8 = (np.uint64(n) for n in (1, 2, 3, EIGHT))


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
    nodes = np.empty(2 * room + 1, _NODES)
    while len(inputs) - row >= _SIDE_BY_SIDE:
        _together(inputs, row, packed, nodes, outputs)
        row += _MOTHS
    nodes_of_one = np.empty(2 * room)
    for last in range(row, len(inputs)):
        evaluate_one(inputs, last, packed, nodes_of_one, outputs)


@subkernel
def evaluate_one(inputs, row, packed, nodes, outputs):
    """Evaluate one moth, eight nodes at a time; the compressed arrays are read once, from front to back."""
    values, heard, plan, places = packed.view(_VALUES), packed.view(_HEARD), packed.view(np.uint16), nodes.view(_VALUES)
    room, layers, whom, step = np.int64(packed[0]), np.int64(packed[1]), np.int64(packed[2]), np.int64(packed[3])
    here, value = 0, 1
    for i in range(inputs.shape[1]):
        nodes[i] = inputs[row, i]
    for layer in range(layers):
        there = room - here
        hidden = layer + 1 < layers
        eights, listed = np.int64(plan[step]), plan[step + 1]
        step += 2
        bias, value = value, value + eights
        if listed:
            for e in range(eights):
                total = load(values, bias + e)
                for _ in range(plan[step + e]):
                    total = total + load(values, value) * pick(heard, whom, nodes, here)
                    value += 1
                    whom += 1
                _store(places, there // EIGHT + e, total, hidden)
            step += eights
        else:
            count = np.int64(plan[step])
            _hear_all(values, bias, eights, count, nodes, here, places, there // EIGHT, hidden)
            value += eights * count
            step += 1
        here = there
    for j in range(outputs.shape[1]):
        outputs[row, j] = nodes[here + j]


@subkernel
def _hear_all(values, bias, eights, count, nodes, here, places, there, hidden):
    """Evaluate a densely stored layer, four blocks of 8 nodes at a time to hide latency; the last block may recur."""
    value = bias + eights
    for e in range(0, eights, 4):
        f, g, h = min(e + 1, eights - 1), min(e + 2, eights - 1), min(e + 3, eights - 1)
        a, b, c, d = load(values, bias + e), load(values, bias + f), load(values, bias + g), load(values, bias + h)
        for i in range(count):
            node = nodes[np.uint64(here + i)]
            a = a + load(values, value + e * count + i) * node
            b = b + load(values, value + f * count + i) * node
            c = c + load(values, value + g * count + i) * node
            d = d + load(values, value + h * count + i) * node
        _store(places, there + e, a, hidden)
        _store(places, there + f, b, hidden)
        _store(places, there + g, c, hidden)
        _store(places, there + h, d, hidden)


@subkernel
def _together(inputs, row, packed, nodes, outputs):
    """Evaluate sixteen moths from `row` on, four nodes at a time; past the end the last moth is repeated."""
    heard = packed.view(np.uint16)
    room, layers, step = np.int64(packed[0]), np.int64(packed[1]), np.int64(packed[3])
    here, value, whom = 0, EIGHT, EIGHT * np.int64(packed[2])
    gather(inputs, row, nodes)
    nodes["lanes"][2 * room, :] = 0.0
    zeros = load(nodes, 2 * room)
    for layer in range(layers):
        there = room - here
        hidden = layer + 1 < layers
        eights, listed = np.int64(heard[step]), np.int64(heard[step + 1])
        step += 2
        bias, value = value, value + EIGHT * eights
        for e in range(eights):
            count = np.int64(heard[step + e * listed])
            for k in (0, 4):
                four = _four_biases(packed, bias + EIGHT * e + k, zeros)
                if listed:
                    four = _add_some(four, packed, value + k, heard, whom + k, nodes, here, count)
                else:
                    four = _add_all(four, packed, value + k, nodes, here, count)
                for m, total in enumerate(four):
                    _store(nodes, there + EIGHT * e + k + m, total, hidden)
            value += EIGHT * count
            whom += EIGHT * count * listed
        step += eights if listed else 1
        here = there
    scatter(nodes[here:], outputs, row)


@subkernel
def _four_biases(values, at, zeros):
    return zeros + values[at], zeros + values[at + 1], zeros + values[at + 2], zeros + values[at + 3]


@subkernel
def _add_all(four, values, at, nodes, here, count):
    """Add the weighted inputs of four nodes of a densely stored layer, with the same `count` inputs."""
    a, b, c, d = four
    p = np.uint64(at)
    for i in range(count):
        node = load(nodes, here + i)
        a = a + values[p] * node
        b = b + values[p + _1] * node
        c = c + values[p + _2] * node
        d = d + values[p + _3] * node
        p += _8
    return a, b, c, d


@subkernel
def _add_some(four, values, at, heard, whom, nodes, here, count):
    """Add the weighted inputs of four nodes of a sparsely stored layer, with `count` inputs each."""
    a, b, c, d = four
    p, w = np.uint64(at), np.uint64(whom)
    for _ in range(count):
        a = a + values[p] * load(nodes, here + heard[w])
        b = b + values[p + _1] * load(nodes, here + heard[w + _1])
        c = c + values[p + _2] * load(nodes, here + heard[w + _2])
        d = d + values[p + _3] * load(nodes, here + heard[w + _3])
        p += _8
        w += _8
    return a, b, c, d


@subkernel
def _store(places, j, total, hidden):
    """Store the activation of a node: tanh of the sum, in the output layer the sum itself."""
    store(places, j, _tanh(total) if hidden else total)


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
