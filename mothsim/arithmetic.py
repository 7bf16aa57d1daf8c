"""Arithmetic that Python, NumPy, JAX and numba share: what is written with it runs in each of them.

Importing it needs neither numba nor JAX, so that each may be absent where the other does the work.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable)

# 2 pi in three parts, the first two of 33 bits, so that up to a million turns subtract without rounding.
_TURN1, _TURN2, _TURN3 = 6.2831853069365025, 2.4308402025215864e-10, 8.089064995183803e-21
PER_TURN = 1 / (2 * math.pi)
assert (_TURN1 * 2**30).is_integer()
assert (_TURN2 * 2**63).is_integer()
assert 2 * math.pi == _TURN1 + _TURN2

_S1, _S2, _S3, _S4, _S5, _S6, _S7 = ((-1) ** k / math.factorial(2 * k + 1) for k in range(1, 8))
_C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = ((-1) ** k / math.factorial(2 * k) for k in range(1, 9))


SHARED: list[Callable] = []
"""Functions that compiled code may call; `mothsim.solver.compiled` registers them with numba."""


def shared(function: Function) -> Function:
    """Decorate a Python function that compiled code may call too."""
    SHARED.append(function)
    return function


def square_root(x):
    """A square root that Python, NumPy, JAX and numba (scalars or lanes) each compile to their own."""
    jax = sys.modules.get("jax")
    if jax is not None and isinstance(x, jax.Array):
        return jax.numpy.sqrt(x)  # a power of one half is not made into a root there
    return x**0.5


@shared
def quarter_angle(x, turns):
    """A quarter of the angle (rad) less its whole turns."""
    return 0.25 * (((x - turns * _TURN1) - turns * _TURN2) - turns * _TURN3)


@shared
def sine_cosine_of_quarter(quarter):
    """Sine and cosine of four times an angle: for a quarter of half a turn Taylor's series are short."""
    q = quarter * quarter
    s = quarter + quarter * q * (_S1 + q * (_S2 + q * (_S3 + q * (_S4 + q * (_S5 + q * (_S6 + q * _S7))))))
    c = 1.0 + q * (_C1 + q * (_C2 + q * (_C3 + q * (_C4 + q * (_C5 + q * (_C6 + q * (_C7 + q * _C8)))))))
    s, c = 2.0 * s * c, 1.0 - 2.0 * s * s
    return 2.0 * s * c, 1.0 - 2.0 * s * s
