"""The Gymnasium environments by name, registered as strings: nothing of them is imported before one is made."""

import gymnasium as gym

_TRAJECTORIES = {"Track": "sum-of-primes", "Hover": "hover"}


def register_environments() -> None:
    """Register `mothsim/Track-v0` (any target trajectory) and `mothsim/Hover-v0`."""
    for name, trajectory in _TRAJECTORIES.items():
        gym.register(
            f"mothsim/{name}-v0",
            entry_point="mothsim.envs.tracking:TrackEnv",
            vector_entry_point="mothsim.envs.vector:TrackVectorEnv",
            kwargs={"trajectory": trajectory},
        )
