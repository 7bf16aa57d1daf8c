"""Controllers: what decides, and how the learned ones are trained, pruned and stored."""

from mothsim.controllers.adapters import as_policy, from_policy
from mothsim.controllers.lqr import LQR
from mothsim.controllers.registry import NAMES, make

__all__ = ["LQR", "NAMES", "as_policy", "from_policy", "make"]
