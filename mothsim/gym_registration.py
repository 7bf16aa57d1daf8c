"""The Gymnasium environments by name, registered as strings: nothing of them is imported before one is made."""

from typing import Any

import gymnasium as gym

_ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "Track-v0": {"trajectory": "sum-of-primes"},
    "Hover-v0": {"trajectory": "hover"},
    "Track-v1": {"trajectory": "sum-of-primes", "version": 1},
    "Hover-v1": {"trajectory": "hover", "version": 1, "action_range": 0.4},
    "Recover-v1": {"trajectory": "recover", "version": 1, "action_range": 3.0, "duration": 4.0},
}


def register_environments() -> None:
    """Register `mothsim/Track` (any target trajectory) and `mothsim/Hover` of both versions, and `mothsim/Recover`."""
    for name, options in _ENVIRONMENTS.items():
        gym.register(
            f"mothsim/{name}",
            entry_point=f"mothsim.envs.tracking:TrackEnv{'V1' if name.endswith('v1') else ''}",
            vector_entry_point="mothsim.envs.vector:TrackVectorEnv",
            kwargs=options,
        )
