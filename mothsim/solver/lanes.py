"""Lanes: a numba type of several floating-point numbers side by side, such as 16 doubles, one moth in each.

Inside a compiled function lanes add, multiply, compare and take square roots element by element, on the
vector units of whatever processor there is, so the code of an integrator reads as if for one moth and runs
for sixteen. Nothing crosses from one lane to another, and it is decided here, not by the compiler, which
products and sums are fused: what a moth's lane computes never depends on its neighbours, on how full a block
is or on how wide, and so results are the same to the bit in any batch.

In memory lanes are the rows of a block: a one-dimensional array of a type that `rows` makes. `load(block, i)` reads
row i and `store(block, i, value)` writes it; `block["lanes"]` is the array (rows, width) of its numbers.
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

from mothsim.arithmetic import square_root

Compiled = Callable[..., Any]
"""A function for compiled code: it is called there without the compiler's context, its first parameter here."""


def rows(element: type, width: int) -> np.dtype:
    """The type of a row: `width` numbers side by side, np.float64 or np.float32, or np.uint16 for `pick`."""
    return np.dtype([("lanes", element, width)])


# Two of the widest registers there are: while one waits for a result the other works.
DOUBLES = rows(np.float64, 16)
SINGLES = rows(np.float32, 32)


class LanesType(types.Type):
    """The numba type of numbers side by side, float64 or float32."""

    def __init__(self, element: types.Float, width: int):
        self.element = element
        self.width = width
        self.vector = ir.VectorType(ir.DoubleType() if element == types.float64 else ir.FloatType(), width)
        super().__init__(name=f"Lanes({element}, {width})")


class MaskType(types.Type):
    """The numba type of truth values side by side."""

    def __init__(self, width: int):
        self.width = width
        super().__init__(name=f"Mask({width})")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, fe_type.vector)


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(ir.IntType(1), fe_type.width))


def _splat(builder, value, vector):
    lane = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(lane, lane, first)


def _as_lanes(context, builder, values, kinds, lanes):
    """Each value as lanes: lanes as they are, a scalar in every lane."""
    return [
        value
        if isinstance(kind, LanesType)
        else _splat(builder, context.cast(builder, value, kind, lanes.element), lanes.vector)
        for value, kind in zip(values, kinds, strict=True)
    ]


def _common(*kinds):
    """The type of an operation's lanes; None without lanes, or with two types of them."""
    lanes = {kind for kind in kinds if isinstance(kind, LanesType)}
    scalars = all(isinstance(kind, (LanesType, types.Float, types.Integer)) for kind in kinds)
    return lanes.pop() if len(lanes) == 1 and scalars else None


def _product(value):
    """The factors of a value that was multiplied just now, or None."""
    return value.operands if getattr(value, "opname", "") == "fmul" else None


def _add(builder, x, y):
    """`x + y`; the sum with a product, of two the left, is one multiply-add, where the processor has it."""
    if factors := _product(x):
        return _call(builder, "llvm.fmuladd", *factors, y)
    if factors := _product(y):
        return _call(builder, "llvm.fmuladd", *factors, x)
    return builder.fadd(x, y)


def _subtract(builder, x, y):
    """`x - y`, likewise."""
    if _product(x):
        return _add(builder, x, builder.fneg(y))
    if factors := _product(y):
        return _call(builder, "llvm.fmuladd", builder.fneg(factors[0]), factors[1], x)
    return builder.fsub(x, y)


def _register(function, result, emit):
    """Make an operator of lanes and lanes, or of lanes and scalars."""

    @type_callable(function)
    def typer(context):
        def infer(left, right):
            lanes = _common(left, right)
            return result(lanes) if lanes is not None else None

        return infer

    def lower(context, builder, signature, arguments):
        return emit(builder, *_as_lanes(context, builder, arguments, signature.args, _common(*signature.args)))

    for kinds in ((LanesType, LanesType), (LanesType, types.Number), (types.Number, LanesType)):
        lower_builtin(function, *kinds)(lower)


def _register_arithmetic(function, emit):
    _register(function, lambda lanes: lanes, emit)


def _register_comparison(function, symbol):
    _register(function, lambda lanes: MaskType(lanes.width), lambda b, x, y: b.fcmp_ordered(symbol, x, y))


_register_arithmetic(operator.add, _add)
_register_arithmetic(operator.sub, _subtract)
_register_arithmetic(operator.mul, lambda b, x, y: b.fmul(x, y))
_register_arithmetic(operator.truediv, lambda b, x, y: b.fdiv(x, y))
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
    suffix = f"v{vector.count}f{64 if vector.element == ir.DoubleType() else 32}"
    kind = ir.FunctionType(vector, [vector] * len(values))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"{name}.{suffix}"), values)


_register_unary(abs, "llvm.fabs")


@type_callable(operator.neg)
def _type_negation(context):
    return lambda x: x if isinstance(x, LanesType) else None


@lower_builtin(operator.neg, LanesType)
def _lower_negation(context, builder, signature, arguments):
    return builder.fneg(arguments[0])


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
        lanes = _common(x, y)
        if lanes is None:
            return None

        def lower(context, builder, signature, arguments):
            return emit(builder, *_as_lanes(context, builder, arguments, signature.args, lanes))

        return lanes(x, y), lower

    return function


# Where a number is NaN, the second is taken.
smaller: Compiled = _binary_intrinsic(lambda b, x, y: b.select(b.fcmp_ordered("<", x, y), x, y))
larger: Compiled = _binary_intrinsic(lambda b, x, y: b.select(b.fcmp_ordered(">", x, y), x, y))


def _compiled(function: Callable[..., Any]) -> Compiled:
    """Numba's `intrinsic`, typed as the function that it makes."""
    return intrinsic(function)


@_compiled
def select(typing, mask, x, y):
    """`x` in the lanes where the mask holds, `y` in the others."""
    lanes = _common(x, y)
    if lanes is None or mask != MaskType(lanes.width):
        return None

    def lower(context, builder, signature, arguments):
        return builder.select(arguments[0], *_as_lanes(context, builder, arguments[1:], signature.args[1:], lanes))

    return lanes(mask, x, y), lower


def _lanes_of(block):
    """The type of lanes that a block's rows are; None if it is no block of them."""
    element, width = _rows_of(block)
    return LanesType(element, width) if isinstance(element, types.Float) else None


def _rows_of(block) -> tuple[Any, Any]:
    """The type and the number of the numbers in a block's rows; None twice if it is no block."""
    if isinstance(block, types.Array) and isinstance(block.dtype, types.Record) and block.layout == "C":
        numbers: Any = block.dtype.typeof("lanes")
        return numbers.dtype, numbers.shape[0]
    return None, None


def _row_pointer(context, builder, signature, arguments, vector):
    """Pointer to the row that a call's first two arguments name."""
    kind, index_kind = signature.args[:2]
    data = context.make_array(kind)(context, builder, arguments[0]).data
    index = context.cast(builder, arguments[1], index_kind, types.intp)
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


@_compiled
def load(typing, block, index):
    """The lanes in a row of a block."""
    lanes = _lanes_of(block)
    if lanes is None:
        return None

    def lower(context, builder, signature, arguments):
        pointer = _row_pointer(context, builder, signature, arguments, lanes.vector)
        return builder.load(pointer, align=lanes.element.bitwidth // 8)

    return lanes(block, index), lower


@_compiled
def load_widened(typing, block, index):
    """The lanes in a row of a block of single-precision numbers, in double precision."""
    narrow = _lanes_of(block)
    if narrow is None or narrow.element != types.float32:
        return None
    lanes = LanesType(types.float64, narrow.width)

    def lower(context, builder, signature, arguments):
        pointer = _row_pointer(context, builder, signature, arguments, narrow.vector)
        return builder.fpext(builder.load(pointer, align=4), lanes.vector)

    return lanes(block, index), lower


@_compiled
def store(typing, block, index, value):
    """Write lanes to a row of a block."""
    lanes = _lanes_of(block)
    if lanes is None or _common(value) != lanes:
        return None

    def lower(context, builder, signature, arguments):
        pointer = _row_pointer(context, builder, signature, arguments, lanes.vector)
        builder.store(arguments[2], pointer, align=lanes.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(block, index, value), lower


@_compiled
def pick(typing, indices, index, table, first):
    """The numbers of a flat table, counted from `first`, that a row of a block of 16-bit indices names."""
    element, width = _rows_of(indices)
    if element != types.uint16 or not isinstance(table, types.Array) or (table.ndim, table.layout) != (1, "C"):
        return None
    lanes = LanesType(table.dtype, width)
    narrow, wide = (ir.VectorType(ir.IntType(bits), width) for bits in (16, 64))

    def lower(context, builder, signature, arguments):
        pointer = _row_pointer(context, builder, signature, arguments, narrow)
        which = builder.zext(builder.load(pointer, align=2), wide)
        data = context.make_array(table)(context, builder, arguments[2]).data
        data = builder.gep(data, [context.cast(builder, arguments[3], first, types.intp)])
        size = lanes.element.bitwidth // 8
        start = _splat(builder, builder.ptrtoint(data, wide.element), wide)
        places = builder.add(start, builder.mul(which, ir.Constant(wide, [size] * width)))
        pointers = builder.inttoptr(places, ir.VectorType(ir.PointerType(lanes.vector.element), width))
        every = ir.Constant(ir.VectorType(ir.IntType(1), width), [1] * width)
        values = pointers, ir.Constant(ir.IntType(32), size), every, ir.Constant(lanes.vector, ir.Undefined)
        kind = ir.FunctionType(lanes.vector, [value.type for value in values])
        name = f"llvm.masked.gather.v{width}f{lanes.element.bitwidth}.v{width}p0"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), values)

    return lanes(indices, index, table, first), lower
