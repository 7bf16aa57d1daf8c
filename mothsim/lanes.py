"""Lanes: a number for numba that is 16 doubles, or 32 singles, side by side, one moth in each.

Inside a compiled function lanes add, multiply, compare and take square roots element by element, on the
vector units of whatever processor there is, so the code of an integrator reads as if for one moth and runs
for sixteen. Nothing crosses from one lane to another: what a moth's lane computes never depends on its
neighbours, nor on how full a block is, and so results are the same to the bit in any batch.

In memory lanes are rows of C-contiguous arrays of shape (..., width), float64 or float32:
`load(array, i)` reads the row with flat number i and `store(array, i, value)` writes it.
A scalar meets lanes in the precision of the lanes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import (
    intrinsic,
    lower_builtin,
    models,
    overload,
    register_model,
    type_callable,
)

Compiled = Callable[..., Any]
"""A function for compiled code: it is called there without the compiler's context, its first parameter here."""

_BITS = 1024  # two of the widest registers there are: while one waits for a result the other works


def lane_count(dtype) -> int:
    """How many moths stand side by side in a precision: 16 in float64, 32 in float32."""
    return _BITS // (8 * np.dtype(dtype).itemsize)


# Multiplication and addition may fuse: every lane still runs the same instructions. NaN and infinity stay.
_FLAGS = ("contract",)


class LanesType(types.Type):
    """The numba type of numbers side by side, float64 or float32."""

    def __init__(self, element: types.Float):
        self.element = element
        self.width = _BITS // element.bitwidth
        super().__init__(name=f"Lanes({element}, {self.width})")


class MaskType(types.Type):
    """The numba type of truth values side by side."""

    def __init__(self, width: int):
        self.width = width
        super().__init__(name=f"Mask({width})")


def _vector(element: types.Float) -> ir.VectorType:
    return ir.VectorType(ir.DoubleType() if element == types.float64 else ir.FloatType(), _BITS // element.bitwidth)


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _vector(fe_type.element))


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(ir.IntType(1), fe_type.width))


def _splat(builder, value, vector):
    lane = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(lane, lane, first)


def _as_lanes(context, builder, value, kind, element):
    """Lanes from lanes, or from a scalar in every lane."""
    if isinstance(kind, LanesType):
        return value
    return _splat(builder, context.cast(builder, value, kind, element), _vector(element))


def _element(*kinds):
    """The precision of an operation: that of the lanes in it; None without lanes or with both precisions."""
    elements = {kind.element for kind in kinds if isinstance(kind, LanesType)}
    scalars = all(isinstance(kind, (LanesType, types.Float, types.Integer)) for kind in kinds)
    return elements.pop() if len(elements) == 1 and scalars else None


def _register_arithmetic(function, emit):
    @type_callable(function)
    def typer(context):
        def infer(left, right):
            element = _element(left, right)
            return LanesType(element) if element is not None else None

        return infer

    def lower(context, builder, signature, arguments):
        element = signature.return_type.element
        left, right = (
            _as_lanes(context, builder, v, t, element) for v, t in zip(arguments, signature.args, strict=True)
        )
        return emit(builder, left, right)

    for kinds in ((LanesType, LanesType), (LanesType, types.Number), (types.Number, LanesType)):
        lower_builtin(function, *kinds)(lower)


def _register_comparison(function, symbol):
    @type_callable(function)
    def typer(context):
        def infer(left, right):
            element = _element(left, right)
            return MaskType(LanesType(element).width) if element is not None else None

        return infer

    def lower(context, builder, signature, arguments):
        element = _element(*signature.args)
        left, right = (
            _as_lanes(context, builder, v, t, element) for v, t in zip(arguments, signature.args, strict=True)
        )
        return builder.fcmp_ordered(symbol, left, right)

    for kinds in ((LanesType, LanesType), (LanesType, types.Number), (types.Number, LanesType)):
        lower_builtin(function, *kinds)(lower)


_register_arithmetic(operator.add, lambda b, x, y: b.fadd(x, y, flags=_FLAGS))
_register_arithmetic(operator.sub, lambda b, x, y: b.fsub(x, y, flags=_FLAGS))
_register_arithmetic(operator.mul, lambda b, x, y: b.fmul(x, y, flags=_FLAGS))
_register_arithmetic(operator.truediv, lambda b, x, y: b.fdiv(x, y, flags=_FLAGS))
_register_comparison(operator.lt, "<")
_register_comparison(operator.le, "<=")
_register_comparison(operator.gt, ">")
_register_comparison(operator.ge, ">=")
for _operator, _method in ((operator.and_, "and_"), (operator.or_, "or_")):

    def _make(function, method):
        type_callable(function)(lambda context: lambda a, b: a if isinstance(a, MaskType) and a == b else None)
        lower_builtin(function, MaskType, MaskType)(lambda c, builder, s, args: getattr(builder, method)(*args))

    _make(_operator, _method)


def _register_unary(function, name):
    @type_callable(function)
    def typer(context):
        return lambda x: x if isinstance(x, LanesType) else None

    @lower_builtin(function, LanesType)
    def lower(context, builder, signature, arguments):
        return _call(builder, name, arguments[0])


def _call(builder, name, *values):
    vector = values[0].type
    suffix = f"v{vector.count}f{_BITS // vector.count}"
    kind = ir.FunctionType(vector, [vector] * len(values))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"{name}.{suffix}"), values)


_register_unary(abs, "llvm.fabs")


@type_callable(operator.neg)
def _type_negation(context):
    return lambda x: x if isinstance(x, LanesType) else None


@lower_builtin(operator.neg, LanesType)
def _lower_negation(context, builder, signature, arguments):
    return builder.fneg(arguments[0])


def square_root(x):
    """A square root that Python, NumPy, JAX and numba (scalars or lanes) each compile to their own."""
    return x**0.5


@overload(square_root, inline="always")
def _square_root(x):
    if isinstance(x, LanesType):
        return lambda x: _lanes_square_root(x)
    return lambda x: math.sqrt(x)


def _unary_intrinsic(name):
    @intrinsic
    def function(typing, x):
        if isinstance(x, LanesType):
            return x(x), lambda context, builder, signature, arguments: _call(builder, name, arguments[0])
        return None

    return function


_lanes_square_root: Compiled = _unary_intrinsic("llvm.sqrt")
nearest: Compiled = _unary_intrinsic("llvm.rint")
ceiling: Compiled = _unary_intrinsic("llvm.ceil")


def _binary_intrinsic(emit):
    @intrinsic
    def function(typing, x, y):
        element = _element(x, y)
        if element is None:
            return None

        def lower(context, builder, signature, arguments):
            left, right = (
                _as_lanes(context, builder, v, t, element) for v, t in zip(arguments, signature.args, strict=True)
            )
            return emit(builder, left, right)

        return LanesType(element)(x, y), lower

    return function


# Where a number is NaN, the second is taken.
smaller: Compiled = _binary_intrinsic(lambda b, x, y: b.select(b.fcmp_ordered("<", x, y), x, y))
larger: Compiled = _binary_intrinsic(lambda b, x, y: b.select(b.fcmp_ordered(">", x, y), x, y))


def _compiled(function: Callable[..., Any]) -> Compiled:
    """numba's `intrinsic`, typed as what it makes."""
    return intrinsic(function)


@_compiled
def select(typing, mask, x, y):
    """`x` in the lanes where the mask holds, `y` in the others."""
    element = _element(x, y)
    if not isinstance(mask, MaskType) or element is None:
        return None

    def lower(context, builder, signature, arguments):
        left, right = (
            _as_lanes(context, builder, v, t, element) for v, t in zip(arguments[1:], signature.args[1:], strict=True)
        )
        return builder.select(arguments[0], left, right)

    return LanesType(element)(mask, x, y), lower


def _row_pointer(context, builder, kind, array, index_kind, index):
    """Pointer to row `index` of lanes of a C-contiguous array, and the alignment of its elements."""
    data = context.make_array(kind)(context, builder, array).data
    index = context.cast(builder, index, index_kind, types.intp)
    vector = _vector(kind.dtype)
    start = builder.gep(data, [builder.mul(index, ir.Constant(index.type, vector.count))])
    return builder.bitcast(start, vector.as_pointer()), kind.dtype.bitwidth // 8


@_compiled
def load(typing, array, index):
    """The lanes in row `index` of an array, counted in whole rows."""
    if not isinstance(array, types.Array) or array.layout != "C":
        return None

    def lower(context, builder, signature, arguments):
        kind, index_kind = signature.args
        pointer, align = _row_pointer(context, builder, kind, arguments[0], index_kind, arguments[1])
        return builder.load(pointer, align=align)

    return LanesType(array.dtype)(array, index), lower


@_compiled
def store(typing, array, index, value):
    """Write lanes to row `index` of an array, counted in whole rows."""
    element = _element(value)
    if not isinstance(array, types.Array) or array.layout != "C" or array.dtype != element:
        return None

    def lower(context, builder, signature, arguments):
        kind, index_kind, value_kind = signature.args
        pointer, align = _row_pointer(context, builder, kind, arguments[0], index_kind, arguments[1])
        builder.store(_as_lanes(context, builder, arguments[2], value_kind, element), pointer, align=align)
        return context.get_dummy_value()

    return types.void(array, index, value), lower
