"""A network's decisions from its compressed weights: the same bits for one moth or a thousand.

Only connections on a path from an input to an output are kept, and only nodes with any. A layer with most of its
connections gone is a list: hidden nodes stand in order of their connections, so that four neighbours hear about as
many, and the list goes through each four side by side: which node is heard, and with what weight. The other layers
are whole matrices. One moth is computed alone, many in lanes of moths side by side; both add up a node's inputs in
the same order, so that no bit depends on who else flies. All but the scaling is in single precision, as in training:
an output is as near the exact one as numpy's or JAX's, to a few 1e-7 of its range, at worst a few 1e-6.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from controllers.learning.network import Network
from controllers.learning.pruning import live_connections
from mothsim.segments import INPUTS, OUTPUTS
from mothsim.threads import default_threads, run

Array = NDArray[np.floating]

_LISTED_BELOW = 0.25  # share of weights left below which a layer is faster as a list
_FOUR = 4  # nodes side by side in a list
_LANES = 32  # moths side by side, at most
_SIDE_BY_SIDE = 4  # moths from which lanes pay
_BLOCK = 256  # moths a thread takes at a time
_MOST_NODES = 65_000  # of a layer, as an index of two bytes has it


class CompiledNetwork:
    """Evaluates a network; call it with inputs (N, 10) in cgs units for outputs (N, 7).

    Attributes:
        multiply_adds: of one decision; what stands for a pruned weight between others counts too.
        bytes: of the compressed network, all that a decision reads.

    Raises:
        ValueError: a layer has more nodes than an index of two bytes can name.
    """

    def __init__(self, network: Network) -> None:
        if max(network.sizes) > _MOST_NODES:
            raise ValueError(f"network has a layer of {max(network.sizes):,} nodes: expected {_MOST_NODES:,} at most")
        weights, biases = _by_count(*_compressed(network))
        codes, values = [], []
        for weight, bias in zip(weights, biases, strict=True):
            listed = np.count_nonzero(weight) < _LISTED_BELOW * weight.size
            codes.append([*weight.shape, listed])
            layer = _listed(weight) if listed else ([], [weight.ravel()])
            codes += layer[0]
            values += [bias, *layer[1]]
        scaling = network.scaling
        span_in, span_out = scaling.input_max - scaling.input_min, scaling.output_max - scaling.output_min
        shift_in, shift_out = -scaling.input_min / span_in - 0.5, scaling.output_min + 0.5 * span_out
        width = max(max(weight.shape) for weight in weights) + _FOUR
        self._packed = _pack(
            np.concatenate([1 / span_in, shift_in, span_out, shift_out]),
            np.concatenate(values, dtype=np.float32, casting="unsafe"),
            np.concatenate([[width, len(weights)], *codes], dtype=np.uint16, casting="unsafe"),
        )
        self.multiply_adds = sum(map(len, values)) - sum(map(len, biases))
        self.bytes = self._packed.nbytes

    def __call__(self, inputs: Array) -> Array:
        """Outputs (N, 7) for inputs (N, 10), both in cgs units."""
        inputs = np.ascontiguousarray(inputs, dtype=float)
        outputs = np.empty((len(inputs), len(OUTPUTS)))
        if len(inputs) <= _BLOCK:
            _evaluate(inputs, self._packed, outputs)
            return outputs

        def part(start: int) -> None:
            rows = slice(start, start + _BLOCK)
            _evaluate(inputs[rows], self._packed, outputs[rows])

        run(part, range(0, len(inputs), _BLOCK), default_threads())
        return outputs


def _pack(*parts: NDArray) -> NDArray[np.float64]:
    """One array, since each that compiled code is given costs a tenth of a microsecond: their lengths come first."""
    whole = [np.pad(part, (0, -part.nbytes % 8 // part.itemsize)).view(np.float64) for part in parts]
    return np.concatenate([[len(part) for part in whole], *whole])


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


def _by_count(weights: list[Array], biases: list[Array]) -> tuple[list[Array], list[Array]]:
    """The same network with its hidden nodes in order of how many nodes they hear."""
    weights, biases = list(weights), list(biases)
    for i in range(len(weights) - 1):
        order = np.argsort(np.count_nonzero(weights[i], axis=0), kind="stable")
        weights[i], biases[i], weights[i + 1] = weights[i][:, order], biases[i][order], weights[i + 1][order]
    return weights, biases


def _listed(weight: Array) -> tuple[list[Array], list[Array]]:
    """A layer by fours of its nodes: how many each hears at most, then who is heard (n, 4); and the weights (n, 4)."""
    codes, values = [], []
    for first in range(0, weight.shape[1], _FOUR):
        heard = [np.flatnonzero(column) for column in weight[:, first : first + _FOUR].T]
        most = max(map(len, heard))
        who, what = np.zeros((most, _FOUR), dtype=np.intp), np.zeros((most, _FOUR))
        for k, nodes in enumerate(heard):
            who[: len(nodes), k], what[: len(nodes), k] = nodes, weight[nodes, first + k]
        codes += [np.array([most]), who.ravel()]
        values.append(what.ravel())
    return codes, values


# Fused multiply-adds alone of what fast mathematics allows: every sum below has but one way to fuse, so that bits
# agree between one moth and many, and NaN stays NaN.
_FUSED = {"contract"}
_compile = njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
_inline = njit(inline="always", fastmath=_FUSED)
# Indices are unsigned throughout: signed ones would be looked at for being negative, as Python has it, each time.
_0, _1, _2, _3, _4 = (np.uint64(n) for n in range(5))
_INPUTS, _OUTPUTS = np.uint64(len(INPUTS)), np.uint64(len(OUTPUTS))
# Of the hyperbolic tangent; as other literals are double, so would be all that they touch.
_BOUND = np.float32(8.0)
_A0, _A1, _A2, _A3, _A4 = map(np.float32, (0.99999997, 0.13438285, 3.5642688e-3, 2.1775145e-5, 1.5064565e-8))
_B0, _B1, _B2, _B3, _B4 = map(np.float32, (1.0, 0.46771606, 2.6136442e-2, 3.3993654e-4, 8.4547611e-7))


@_compile
def _evaluate(inputs, packed, outputs):
    values_from = 3 + int(packed[0])
    codes_from = values_from + int(packed[1])
    scaling, values = packed[3:values_from], packed[values_from:codes_from].view(np.float32)
    codes = packed[codes_from:].view(np.uint16)
    row, rows, width = 0, len(inputs), int(codes[0])
    while rows - row >= _SIDE_BY_SIDE:
        end = min(row + _LANES, rows)
        _lanes(inputs[row:end], codes, values, scaling, width, outputs[row:end])
        row = end
    if row < rows:
        scratch = np.empty(2 * width, np.float32)
        for i in range(row, rows):
            _alone(inputs[i], codes, values, scaling, scratch[:width], scratch[width:], outputs[i])


@_compile
def _alone(x, codes, values, scaling, current, following, out):
    """One moth: codes and values are read once, from front to back."""
    for i in range(_INPUTS):
        current[i] = x[i] * scaling[i] + scaling[_INPUTS + i]
    layers, code, v = codes[1], _2, _0
    for layer in range(layers):
        n_in, n_out, listed = np.uint64(codes[code]), np.uint64(codes[code + _1]), codes[code + _2]
        code += _3
        for j in range(n_out):
            following[j] = values[v + j]
        v += n_out
        if listed:
            for j in range(_0, n_out, _4):
                a, b, c, d = following[j], following[j + _1], following[j + _2], following[j + _3]
                end = v + _4 * np.uint64(codes[code])
                code += _1
                while v < end:
                    a += values[v] * current[codes[code]]
                    b += values[v + _1] * current[codes[code + _1]]
                    c += values[v + _2] * current[codes[code + _2]]
                    d += values[v + _3] * current[codes[code + _3]]
                    code += _4
                    v += _4
                following[j], following[j + _1], following[j + _2], following[j + _3] = a, b, c, d
        else:
            i = _0
            while i + _4 <= n_in:
                a, b, c, d = current[i], current[i + _1], current[i + _2], current[i + _3]
                for j in range(n_out):
                    p = v + j
                    following[j] = (
                        following[j] + values[p] * a + values[p + n_out] * b
                        + values[p + _2 * n_out] * c + values[p + _3 * n_out] * d
                    )  # fmt: skip
                i += _4
                v += _4 * n_out
            while i < n_in:
                a = current[i]
                for j in range(n_out):
                    following[j] += values[v + j] * a
                i += _1
                v += n_out
        if layer + 1 < layers:
            _tanh(following, n_out)
        current, following = following, current
    for j in range(_OUTPUTS):
        out[j] = current[j] * scaling[_2 * _INPUTS + j] + scaling[_2 * _INPUTS + _OUTPUTS + j]


@_compile
def _lanes(x, codes, values, scaling, width, out):
    """Moths side by side: a weight is read once for all of them."""
    lanes = len(x)
    current, following = np.empty((width, lanes), np.float32), np.empty((width, lanes), np.float32)
    for row in range(lanes):
        for i in range(_INPUTS):
            current[i, row] = x[row, i] * scaling[i] + scaling[_INPUTS + i]
    layers, code, v = codes[1], _2, _0
    for layer in range(layers):
        n_in, n_out, listed = np.uint64(codes[code]), np.uint64(codes[code + _1]), codes[code + _2]
        code += _3
        for j in range(n_out):
            for k in range(lanes):
                following[j, k] = values[v + j]
        v += n_out
        if listed:
            for j in range(_0, n_out, _4):
                count = np.uint64(codes[code])
                code += _1
                for m in range(_4):
                    _add_listed(following, j + m, current, codes, code + m, values, v + m, count)
                code += _4 * count
                v += _4 * count
        else:
            i = _0
            while i + _4 <= n_in:
                for j in range(n_out):
                    p = v + j
                    _add_four(following, j, current, i, i + _1, i + _2, i + _3, values[p], values[p + n_out],
                              values[p + _2 * n_out], values[p + _3 * n_out])  # fmt: skip
                i += _4
                v += _4 * n_out
            while i < n_in:
                for j in range(n_out):
                    _add_one(following, j, current, i, values[v + j])
                i += _1
                v += n_out
        if layer + 1 < layers:
            _tanh(following.ravel(), n_out * np.uint64(lanes))
        current, following = following, current
    for row in range(lanes):
        for j in range(_OUTPUTS):
            out[row, j] = current[j, row] * scaling[_2 * _INPUTS + j] + scaling[_2 * _INPUTS + _OUTPUTS + j]


@_inline
def _add_listed(totals, j, nodes, codes, code, values, v, count):
    """Add to a node in all lanes what it hears: every fourth entry of a list."""
    while count >= _4:
        _add_four(totals, j, nodes, codes[code], codes[code + _4], codes[code + _2 * _4], codes[code + _3 * _4],
                  values[v], values[v + _4], values[v + _2 * _4], values[v + _3 * _4])  # fmt: skip
        code += _4 * _4
        v += _4 * _4
        count -= _4
    while count > _0:
        _add_one(totals, j, nodes, codes[code], values[v])
        code += _4
        v += _4
        count -= _1


@_inline
def _add_four(totals, j, nodes, a, b, c, d, wa, wb, wc, wd):
    for k in range(totals.shape[1]):
        totals[j, k] = totals[j, k] + wa * nodes[a, k] + wb * nodes[b, k] + wc * nodes[c, k] + wd * nodes[d, k]


@_inline
def _add_one(totals, j, nodes, a, w):
    for k in range(totals.shape[1]):
        totals[j, k] += w * nodes[a, k]


@_compile
def _tanh(x, count):
    """The first `count` in place, to 4e-7: a rational function, the nearest of its degree on -8 to 8."""
    for i in range(count):
        # Bounds that let NaN through.
        y = _BOUND if x[i] > _BOUND else x[i]
        y = -_BOUND if y < -_BOUND else y
        z = y * y
        above = _A0 + z * (_A1 + z * (_A2 + z * (_A3 + z * _A4)))
        below = _B0 + z * (_B1 + z * (_B2 + z * (_B3 + z * _B4)))
        x[i] = y * above / below
