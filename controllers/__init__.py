"""Controllers: what decides, and how the learned ones are trained, pruned and stored."""

from controllers.lqr import LQR
from controllers.policy import as_policy, from_policy
from controllers.registry import NAMES, make

__all__ = ["LQR", "NAMES", "as_policy", "from_policy", "make"]
