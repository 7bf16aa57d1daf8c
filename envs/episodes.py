"""How well a policy flies: the first episodes of a batch of moths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mothsim.envs.vector import TrackVectorEnv
from mothsim.flight import SETTLE

Policy = Callable[[NDArray[np.float32], dict[str, Any]], ArrayLike]
"""Actions (N, 3) or (N, 4) for observations (N, 22) and infos."""


@dataclass(frozen=True)
class Episodes:
    """One episode of each moth.

    Attributes:
        returns: (N,) sums of rewards.
        seconds: (N,) flown.
        lost: (N,) whether the episode ended so.
        rms_errors: (N,) root mean square tracking errors after 0.5 s, or of all of a shorter episode, cm; infinite
            for the lost.
    """

    returns: NDArray[np.float64]
    seconds: NDArray[np.float64]
    lost: NDArray[np.bool_]
    rms_errors: NDArray[np.float64]


def first_episodes(env: TrackVectorEnv, policy: Policy, seed: int = 0) -> Episodes:
    """Reset the environment and fly until every moth has ended an episode; what follows the first is not counted.

    Raises:
        gymnasium.error.ResetNeeded: the environment does not reset by itself (`AutoresetMode.DISABLED`).
    """
    seen, infos = env.reset(seed=seed)
    going = np.ones(env.num_envs, dtype=np.bool_)
    lost = np.zeros(env.num_envs, dtype=np.bool_)
    returns, steps = np.zeros((2, env.num_envs))
    settle = SETTLE if (env.max_episode_steps - 1) * env.period >= SETTLE else 0.0
    settled = np.full(env.num_envs, 0.0 if settle else 1.0)  # decisions that count, with the first of a short episode
    squares = settled * infos["error"] ** 2
    while going.any():
        seen, rewards, terminated, truncated, infos = env.step(policy(seen, infos))
        returns += np.where(going, rewards, 0.0)
        steps += going
        counted = going & (steps * env.period >= settle) & ~(terminated | truncated)
        squares += np.where(counted, infos["error"] ** 2, 0.0)
        settled += counted
        lost |= going & terminated
        going &= ~(terminated | truncated)
    rms = np.sqrt(squares / np.maximum(settled, 1))  # of those lost before 0.5 s none counts
    return Episodes(returns, steps * env.period, lost, np.where(lost, np.inf, rms))
