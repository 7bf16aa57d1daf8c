"""Sine and cosine together, in lanes."""

from __future__ import annotations

from mothsim.arithmetic import PER_TURN, quarter_angle, sine_cosine_of_quarter
from mothsim.solver.compiled import subkernel
from mothsim.solver.lanes import nearest


@subkernel
def sine_cosine(x):
    """Sine and cosine of lanes, to a few units in the last place up to a million turns."""
    return sine_cosine_of_quarter(quarter_angle(x, nearest(x * PER_TURN)))
