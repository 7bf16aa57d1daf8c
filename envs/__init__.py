"""What a learner sees: Gymnasium environments, thin shells over `mothsim`'s flight."""

from mothsim.envs.config import Settings
from mothsim.envs.tracking import TrackEnv
from mothsim.envs.vector import TrackVectorEnv

__all__ = ["Settings", "TrackEnv", "TrackVectorEnv"]
