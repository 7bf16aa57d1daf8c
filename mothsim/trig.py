"""Sine and cosine together, in lanes and in JAX."""

from __future__ import annotations

import math

from numba.extending import register_jitable

from mothsim.compiled import part
from mothsim.lanes import nearest

# 2 pi in three parts, the first two of 33 bits, so that up to a million turns subtract without rounding.
_TURN1, _TURN2, _TURN3 = 6.2831853069365025, 2.4308402025215864e-10, 8.089064995183803e-21
PER_TURN = 1 / (2 * math.pi)
assert (_TURN1 * 2**30).is_integer()
assert (_TURN2 * 2**63).is_integer()
assert 2 * math.pi == _TURN1 + _TURN2

_S1, _S2, _S3, _S4, _S5, _S6, _S7 = ((-1) ** k / math.factorial(2 * k + 1) for k in range(1, 8))
_C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = ((-1) ** k / math.factorial(2 * k) for k in range(1, 9))


@register_jitable
def quarter_angle(x, turns):
    """A quarter of the angle (rad) less its whole turns."""
    return 0.25 * (((x - turns * _TURN1) - turns * _TURN2) - turns * _TURN3)


@register_jitable
def sine_cosine_of_quarter(quarter):
    """Sine and cosine of four times an angle: for a quarter of half a turn Taylor's series are short."""
    q = quarter * quarter
    s = quarter + quarter * q * (_S1 + q * (_S2 + q * (_S3 + q * (_S4 + q * (_S5 + q * (_S6 + q * _S7))))))
    c = 1.0 + q * (_C1 + q * (_C2 + q * (_C3 + q * (_C4 + q * (_C5 + q * (_C6 + q * (_C7 + q * _C8)))))))
    s, c = 2.0 * s * c, 1.0 - 2.0 * s * s
    return 2.0 * s * c, 1.0 - 2.0 * s * s


@part
def sine_cosine(x):
    """Sine and cosine of lanes, to a few units in the last place up to a million turns."""
    return sine_cosine_of_quarter(quarter_angle(x, nearest(x * PER_TURN)))
