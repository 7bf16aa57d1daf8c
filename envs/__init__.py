"""What a learner sees: Gymnasium environments, thin shells over `mothsim`'s flight.

Importing this registers `mothsim/Track-v0` (any target trajectory) and `mothsim/Hover-v0`.
"""

import gymnasium as gym

from envs.settings import Settings
from envs.tracking import TrackEnv
from envs.vector import TrackVectorEnv

__all__ = ["Settings", "TrackEnv", "TrackVectorEnv"]

for _name, _trajectory in (("Track", "sum-of-primes"), ("Hover", "hover")):
    gym.register(
        f"mothsim/{_name}-v0",
        entry_point="envs.tracking:TrackEnv",
        vector_entry_point="envs.vector:TrackVectorEnv",
        kwargs={"trajectory": _trajectory},
    )
