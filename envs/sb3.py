"""Vector environment for Stable-Baselines3 (the extra `mothsim[rl]`)."""

# pyright: reportMissingImports=false
# Stable-Baselines3 is optional.

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from mothsim.envs.arguments import as_options
from mothsim.envs.config import EnvConfig
from mothsim.envs.vector import TrackVectorEnv

_AT_RESET = ("state", "measured_state", "target", "error", "time")


class SB3Moths(VecEnv):
    """Many moths in one batch for Stable-Baselines3: `PPO("MlpPolicy", SB3Moths(64, trajectory="hover"))`.

    The info of a step holds `error` (cm) and `reward_terms`; at an episode's end also `terminal_observation`,
    `TimeLimit.truncated` and, as from Stable-Baselines3's `Monitor`, `episode` with return, length and seconds: a
    `VecMonitor` is not needed. `reset_infos` holds each episode's first `info`, see `mothsim.envs.TrackEnv`.

    Args:
        num_envs: moths.
        render_mode: `rgb_array` or nothing.
        options: see `mothsim.envs.EnvConfig`.

    Raises:
        ValueError: see `mothsim.envs.TrackVectorEnv`.
    """

    def __init__(self, num_envs: int, render_mode: str | None = None, **options: Any) -> None:
        self.env = TrackVectorEnv(num_envs, render_mode, AutoresetMode.SAME_STEP, **options)
        super().__init__(num_envs, self.env.single_observation_space, self.env.single_action_space)
        self.metadata = {**self.metadata, "render_fps": self.env.metadata["render_fps"]}
        self._actions: NDArray[np.floating] = np.zeros(self.env.action_space.shape or ())
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, dtype=np.int64)
        self._began = time.time()

    @property
    def config(self) -> EnvConfig:
        """Options of the environment."""
        return self.env.config

    def reset(self) -> NDArray[np.float32]:
        """Begin new episodes, with the seeds of `seed` and the options of `set_options`, which apply once.

        Raises:
            ValueError: options that are not one dictionary a moth, unknown, or out of range.
        """
        if len(self._options) != self.num_envs:
            raise ValueError(f"options has {len(self._options)} entries: expected {self.num_envs}, one a moth")
        starts = [as_options(options, ("start",)).get("start") for options in self._options]
        fixed = np.array([start is not None for start in starts])
        observations, infos = np.empty(0, np.float32), {}
        for mask in (~fixed, fixed):
            if mask.any():
                options = {"reset_mask": mask, "start": self._stacked(starts) if mask is fixed else None}
                observations, infos = self.env.reset(seed=self._seeds, options=options)
        self._reset_seeds()
        self._reset_options()
        self._returns[:], self._lengths[:], self._began = 0.0, 0, time.time()
        for row in range(self.num_envs):
            self._note_reset(row, infos)
        return observations

    def _stacked(self, starts: Sequence[Any]) -> NDArray[np.float64]:
        """Start states (N, 8), NaN for moths without one."""
        stacked = np.full((self.num_envs, 8), np.nan)
        for row, start in enumerate(starts):
            if start is not None and np.shape(start) != (8,):
                raise ValueError(f"options[{row}]['start'] has shape {np.shape(start)}: expected (8,)")
            if start is not None:
                stacked[row] = start
        return stacked

    def _note_reset(self, row: int, infos: Mapping[str, Any]) -> None:
        self.reset_infos[row] = {name: infos[name][row] for name in _AT_RESET}

    def step_async(self, actions: NDArray[np.floating]) -> None:
        """Store the actions (N, 3), or (N, 4) with wing torque, for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Fly one decision."""
        observations, rewards, terminated, truncated, infos = self.env.step(self._actions)
        done = terminated | truncated
        self._returns += rewards
        self._lengths += 1
        sb3_infos = _step_infos(infos, done)
        seconds = round(time.time() - self._began, 6)
        for row in np.flatnonzero(done):
            sb3_infos[row]["terminal_observation"] = infos["final_obs"][row]
            sb3_infos[row]["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
            episode = {"r": round(float(self._returns[row]), 6), "l": int(self._lengths[row]), "t": seconds}
            sb3_infos[row]["episode"] = episode
            self._returns[row], self._lengths[row] = 0.0, 0
            self._note_reset(int(row), infos)
        return observations, rewards.astype(np.float32), done, sb3_infos

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Render one picture a moth."""
        return self.env.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the vector environment, once for every moth asked for."""
        return [getattr(self.env, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: moths of a batch have no attributes of their own."""
        raise AttributeError(f"attr_name = {attr_name!r}: the moths of a batch have no attributes to set")

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Refuse: moths of a batch have no methods of their own."""
        raise AttributeError(f"method_name = {method_name!r}: the moths of a batch have no methods of their own")

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Return True for `Monitor`, whose episode records the infos hold, and False for any other wrapper."""
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]


def _step_infos(infos: Mapping[str, Any], done: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """One info a moth: its error and reward terms, of the last step where its episode is done."""
    final = infos.get("final_info", {})
    going, ended = infos.get("reward_terms", {}), final.get("reward_terms", {})
    names = [name for name in going or ended if not name.startswith("_")]
    terms = [np.where(done, ended.get(name, 0.0), going.get(name, 0.0)).tolist() for name in names]
    errors = np.where(done, final.get("error", 0.0), infos["error"]).tolist()
    return [
        {"error": error, "reward_terms": dict(zip(names, values, strict=True))}
        for error, values in zip(errors, zip(*terms, strict=True), strict=True)
    ]
