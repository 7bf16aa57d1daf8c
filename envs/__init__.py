"""What a learner sees: Gymnasium environments, thin shells over `mothsim`'s flight."""

from mothsim.envs.config import EnvConfig
from mothsim.envs.tracking import TrackEnv, TrackEnvV1
from mothsim.envs.vector import TrackVectorEnv

__all__ = ["EnvConfig", "TrackEnv", "TrackEnvV1", "TrackVectorEnv"]
