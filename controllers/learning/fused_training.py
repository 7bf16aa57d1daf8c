"""Training steps of many networks at once on a GPU, where moving weights to and from its memory takes the time.

A step moves each weight, its mask and both moments of Adam as rarely as can be: read for the forward pass, and read and
written once for all that comes after it. One kernel takes a block of a layer's weights from memory, hands the
slopes through it, finds the block's own slopes and updates it at once; slopes of weights are never stored.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas
from jax.experimental.pallas.triton import CompilerParams, dot, load, store

from mothsim.controllers.learning.training import CHUNK, Parameters

_B1, _B2 = 0.9, 0.999  # as in `training.ADAM`
_WIDE = 64  # nodes from which on a layer is worth a kernel
# Columns of a layer's weights that a program passes forward, rows that another updates, and how many of the other kind
# at a time; warps of both. Fastest on an H100 of some twenty choices.
_COLUMNS, _ROWS, _DEPTH = 128, 32, 32
_FORWARD_WARPS, _BACKWARD_WARPS = 8, 4
_HALF = jnp.float16  # of nodes and slopes in products: the digits of TF32, with which XLA multiplies on such cards
_SLOPE_UNITS = 256.0  # by which slopes are multiplied, so that small ones keep their digits


def fits(batch: int, sizes: tuple[int, ...]) -> bool:
    """Whether the kernels compute such a training: small batches of a power of two, and a layer that is wide enough."""
    return max(sizes) >= _WIDE and batch in (16, 32, 64, 128)


def fused_chunk(
    parameters: Parameters, state: Any, masks: Any, inputs: Any, outputs: Any, start: Any, rates: Any, *,
    batch: int, epsilon: float, interpret: bool = False,
) -> tuple[Parameters, Any, jax.Array]:  # fmt: skip
    """Train N networks by Adam for `CHUNK` steps, as `training.chunk` does one.

    Args:
        parameters: weights (N, before, after) and biases (N, after) by layer; masked weights count as zero.
        state: of `optax.scale_by_adam` for each network.
        masks: true where a connection is.
        inputs: scaled (segments, 10), of which batches are taken in order.
        outputs: scaled (segments, 7), likewise.
        start: number of the first batch.
        rates: of learning (CHUNK,).
        batch: segments a step, see `fits`.
        epsilon: of Adam.
        interpret: compute the kernels without a GPU, slowly.

    Returns:
        Parameters, optimiser state and the batch losses (N, CHUNK).
    """
    batches = len(inputs) // batch
    masks = tuple(mask.astype(jnp.int8) for mask in masks)

    def step(carry, now):
        (parameters, state), (index, rate) = carry, now
        x = jax.lax.dynamic_slice_in_dim(inputs, (index % batches) * batch, batch)
        y = jax.lax.dynamic_slice_in_dim(outputs, (index % batches) * batch, batch)
        return _step(parameters, state, masks, x, y, rate, epsilon, interpret)

    (parameters, state), losses = jax.lax.scan(step, (parameters, state), (start + jnp.arange(CHUNK), rates))
    return parameters, state, losses.T


def _step(parameters, state, masks, x, y, rate, epsilon, interpret):
    (weights, biases), (mean_w, mean_b), (square_w, square_b) = parameters, state.mu, state.nu
    count = state.count + 1
    unit = 2 / y.size / _SLOPE_UNITS  # the loss's slope by an output is twice its error's share
    scale = jnp.stack([rate / (1 - _B1**count), 1 / (1 - _B2**count)], axis=-1)  # (N, 2)
    of_weights, of_biases = scale.T[..., None, None], scale.T[..., None]
    nodes = [jnp.broadcast_to(x.astype(_HALF), (len(count), *x.shape))]
    for weight, mask, bias in zip(weights[:-1], masks[:-1], biases[:-1], strict=True):
        if weight.shape[2] >= _WIDE:
            nodes.append(_forward(nodes[-1], weight, mask, bias, interpret))
        else:
            nodes.append(jnp.tanh(_product("nbi,nij->nbj", nodes[-1], weight * mask) + bias[:, None]).astype(_HALF))
    residual = _product("nbi,nij->nbj", nodes[-1], weights[-1] * masks[-1]) + biases[-1][:, None] - y
    slope = _SLOPE_UNITS * residual  # (N, batch, after)
    new_weights, new_biases = [], []
    bias_slope = slope.sum(axis=1)
    for i in reversed(range(len(weights))):
        layer = weights[i], mean_w[i], square_w[i]
        new_biases.append(_adam(biases[i], mean_b[i], square_b[i], unit * bias_slope, of_biases, epsilon))
        slope = slope.astype(_HALF)
        if weights[i].shape[1] >= _WIDE:
            slope, bias_slope, *new = _backward(nodes[i], slope, *layer, masks[i], scale, unit, epsilon, interpret)
            new_weights.append(new)
            continue
        slopes = unit * _product("nbi,nbj->nij", nodes[i], slope) * masks[i]
        new_weights.append(_adam(*layer, slopes, of_weights, epsilon))
        slope = _product("nbj,nij->nbi", slope, weights[i] * masks[i]) * (1 - nodes[i].astype(jnp.float32) ** 2)
        bias_slope = slope.sum(axis=1)
    (weights, mean_w, square_w), (biases, mean_b, square_b) = (
        tuple(zip(*reversed(new), strict=True)) for new in (new_weights, new_biases)
    )
    state = state._replace(count=count, mu=(mean_w, mean_b), nu=(square_w, square_b))
    return ((weights, biases), state), (residual**2).mean(axis=(1, 2))


def _product(subscripts, left, right):
    return jnp.einsum(subscripts, left, right.astype(_HALF), preferred_element_type=jnp.float32)


def _adam(value, mean, square, slope, scale, epsilon):
    """A value and its moments after a step of Adam; `scale` is the corrected rate and what corrects the second."""
    rate, second = scale
    mean = (1 - _B1) * slope + _B1 * mean
    square = (1 - _B2) * slope**2 + _B2 * square
    return value - rate * mean / (jnp.sqrt(second * square) + epsilon), mean, square


def _forward(nodes, weight, mask, bias, interpret):
    """Nodes after a layer (N, batch, after)."""
    count, batch, before = nodes.shape
    after = weight.shape[2]

    def kernel(nodes, weight, mask, bias, out):
        (columns, in_columns), n = _block(pallas.program_id(0), _COLUMNS, after), pallas.program_id(1)

        def add(i, total):
            rows, in_rows = _block(i, _DEPTH, before)
            inside = in_rows[:, None] & in_columns
            seen = (_load(weight.at[n, rows, columns], inside) * _load(mask.at[n, rows, columns], inside)).astype(_HALF)
            return total + dot(_load(nodes.at[n, :, rows], in_rows[None], None), seen)

        total = jax.lax.fori_loop(0, pallas.cdiv(before, _DEPTH), add, jnp.zeros((batch, _COLUMNS), jnp.float32))
        total = jnp.tanh(total + _load(bias.at[n, columns], in_columns)).astype(_HALF)
        store(out.at[n, :, columns], total, mask=jnp.broadcast_to(in_columns, total.shape))

    grid, out = (pallas.cdiv(after, _COLUMNS), count), jax.ShapeDtypeStruct((count, batch, after), _HALF)
    return _call(kernel, grid, out, interpret, _FORWARD_WARPS)(nodes, weight, mask, bias)


def _backward(nodes, slope, weight, mean, square, mask, scale, unit, epsilon, interpret):
    """Slopes of the nodes and biases before a layer, and the layer after a step; `nodes` are those before it."""
    count, batch, before = nodes.shape
    after = weight.shape[2]

    def kernel(nodes, slope, mask, scale, weight, mean, square, out, of_biases, new_weight, new_mean, new_square):
        (rows, in_rows), n = _block(pallas.program_id(0), _ROWS, before), pallas.program_id(1)
        left = _load(nodes.at[n, :, rows], in_rows[None], None)
        scales = scale[n, 0], scale[n, 1]

        def update(j, total):
            columns, in_columns = _block(j, _DEPTH, after)
            inside = in_rows[:, None] & in_columns
            value, first, second = (_load(part.at[n, rows, columns], inside) for part in (weight, mean, square))
            kept = _load(mask.at[n, rows, columns], inside)
            right = _load(slope.at[n, :, columns], in_columns[None], None)
            slopes = unit * dot(left, right, trans_a=True) * kept
            updated = _adam(value, first, second, slopes, scales, epsilon)
            for part, new in zip((new_weight, new_mean, new_square), updated, strict=True):
                store(part.at[n, rows, columns], new, mask=inside)
            return total + dot(right, (value * kept).astype(_HALF), trans_b=True)

        total = jax.lax.fori_loop(0, pallas.cdiv(after, _DEPTH), update, jnp.zeros((batch, _ROWS), jnp.float32))
        total *= 1 - left.astype(jnp.float32) ** 2
        store(out.at[n, :, rows], total.astype(_HALF), mask=jnp.broadcast_to(in_rows, total.shape))
        store(of_biases.at[n, rows], total.sum(axis=0), mask=in_rows)

    single = (count, before), *[weight.shape] * 3
    out = (jax.ShapeDtypeStruct(nodes.shape, _HALF), *[jax.ShapeDtypeStruct(shape, jnp.float32) for shape in single])
    grid, aliases = (pallas.cdiv(before, _ROWS), count), {4: 2, 5: 3, 6: 4}
    call = _call(kernel, grid, out, interpret, _BACKWARD_WARPS, input_output_aliases=aliases)
    return call(nodes, slope, mask, scale, weight, mean, square)


def _block(index, size, end):
    """Indices of a block of nodes, and which of them are there (size,)."""
    return pallas.ds(index * size, size), index * size + jnp.arange(size) < end


def _load(ref, inside, dtype=jnp.float32):
    """Values of a block, 0 where there are none."""
    values = load(ref, mask=jnp.broadcast_to(inside, ref.shape), other=0)
    return values if dtype is None else values.astype(dtype)


def _call(kernel, grid, out, interpret, warps, **options):
    options |= {} if interpret else {"compiler_params": CompilerParams(num_warps=warps, num_stages=2)}
    return pallas.pallas_call(kernel, out, grid=grid, interpret=interpret, **options)
