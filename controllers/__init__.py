"""Controllers: what decides, and how the learned ones are trained, pruned and stored."""

from controllers.lqr import LQR
from controllers.registry import NAMES, make

__all__ = ["LQR", "NAMES", "make"]
