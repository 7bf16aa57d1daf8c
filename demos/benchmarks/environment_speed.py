"""How fast the environment is, batched, beside Gymnasium's `SyncVectorEnv` of single ones."""

from __future__ import annotations

import time

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv


def environment(moths: int = 4096, sync_moths: int = 64, steps: int = 40, repeats: int = 5) -> dict[str, float]:
    """Segment steps a second under random actions, resets included: best of so many repeats, taken in turns.

    Args:
        moths: in the batched environment.
        sync_moths: in the `SyncVectorEnv`.
        steps: of the batched environment a repeat.
        repeats: of each.

    Returns:
        `moths`, `steps_per_second`, `sync_moths`, `sync_steps_per_second` and their `ratio`.
    """
    kinds = {"vector_entry_point": (moths, steps), "sync": (sync_moths, max(1, steps // 4))}
    best = dict.fromkeys(kinds, 0.0)
    made = {}
    for kind, (count, _) in kinds.items():
        env = gym.make_vec("mothsim:mothsim/Track-v1", num_envs=count, vectorization_mode=kind)
        env.reset(seed=0)
        env.action_space.seed(0)
        made[kind] = env, [env.action_space.sample() for _ in range(8)]
        _rate(*made[kind], steps=3)  # compile
    for _ in range(repeats):
        for kind, (_, some) in kinds.items():
            best[kind] = max(best[kind], _rate(*made[kind], steps=some))
    return {
        "moths": moths,
        "steps_per_second": best["vector_entry_point"],
        "sync_moths": sync_moths,
        "sync_steps_per_second": best["sync"],
        "ratio": best["vector_entry_point"] / best["sync"],
    }


def rendering(frames: int = 100) -> dict[str, float]:
    """Frames a second of `human` rendering, one a decision: in a window no more than 50, for it keeps to real time.

    Args:
        frames: drawn, after a first one.

    Returns:
        `frames_per_second`.
    """
    env = gym.make("mothsim:mothsim/Track-v1", render_mode="human", disable_env_checker=True)
    env.reset(seed=0)
    began = time.perf_counter()
    for _ in range(frames):
        *_, terminated, truncated, _ = env.step(np.zeros(env.action_space.shape or ()))
        if terminated or truncated:
            env.reset()
    rate = frames / (time.perf_counter() - began)
    env.close()
    return {"frames_per_second": rate}


def _rate(env: VectorEnv, actions: list[np.ndarray], steps: int) -> float:
    began = time.perf_counter()
    for k in range(steps):
        env.step(actions[k % len(actions)])
    return env.num_envs * steps / (time.perf_counter() - began)
