"""Stable-Baselines3's view of the batched environment (the extra `mothsim[rl]`)."""

# pyright: reportMissingImports=false
# What this file stands on is optional.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from mothsim.envs.vector import TrackVectorEnv


class SB3Moths(VecEnv):
    """Many moths, in one call, for Stable-Baselines3: `PPO("MlpPolicy", SB3Moths(64, trajectory="hover"))`.

    Infos are empty but at an episode's end, where they hold `terminal_observation` and `TimeLimit.truncated`.

    Args:
        num_envs: moths.
        render_mode, options: see `mothsim.envs.TrackVectorEnv`.
    """

    def __init__(self, num_envs: int, render_mode: str | None = None, **options: Any) -> None:
        self.env = TrackVectorEnv(num_envs, render_mode, AutoresetMode.SAME_STEP, **options)
        super().__init__(num_envs, self.env.single_observation_space, self.env.single_action_space)
        self._actions: NDArray[np.floating] = np.zeros(self.env.action_space.shape or ())

    def reset(self) -> NDArray[np.float32]:
        """Begin new episodes, of the seeds given to `seed`."""
        observations, _ = self.env.reset(seed=self._seeds)
        self._reset_seeds()
        return observations

    def step_async(self, actions: NDArray[np.floating]) -> None:
        """Take note of the actions (N, 3)."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Fly them for a decision."""
        observations, rewards, terminated, truncated, infos = self.env.step(self._actions)
        done = terminated | truncated
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(done):
            told[row]["terminal_observation"] = infos["final_obs"][row]
            told[row]["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
        return observations, rewards.astype(np.float32), done, told

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """One picture a moth."""
        return self.env.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of the batched environment, for every moth asked for."""
        return [getattr(self.env, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refused: moths of a batch have no attributes of their own."""
        raise AttributeError(f"attr_name = {attr_name!r}: the moths of a batch have no attributes to set")

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Refused: moths of a batch have no methods of their own."""
        raise AttributeError(f"method_name = {method_name!r}: the moths of a batch have no methods of their own")

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Never: wrappers of single environments do not apply."""
        return [False for _ in self._get_indices(indices)]
