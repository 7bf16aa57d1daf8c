"""Closed-loop flight of a simulated hawkmoth: the body, its equations, the engine, targets and flights."""

from mothsim.body import MothBody
from mothsim.engine import warm_up
from mothsim.integrator import SEGMENT, Propagation, propagate

__all__ = ["SEGMENT", "MothBody", "Propagation", "propagate", "warm_up"]
__version__ = "0.1.0"
