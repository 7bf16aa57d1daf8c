"""The environment of many moths, batched: all fly in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from mothsim.envs.config import EnvConfig, EnvInfo
from mothsim.envs.moths import Moths
from mothsim.envs.rendering import MODES, Picture, frame_rate
from mothsim.envs.rewards import total

Observations = NDArray[np.float32]
Flags = NDArray[np.bool_]
Step = tuple[Observations, NDArray[np.float64], Flags, Flags, dict[str, Any]]


class TrackVectorEnv(EnvInfo, VectorEnv[Observations, NDArray[np.floating], NDArray[Any]]):
    """`num_envs` moths, each as in `mothsim.envs.TrackEnv`, which has the contract; moth i is seeded with `seed + i`.

    Made with `gymnasium.make_vec("mothsim/Track-v0", num_envs=1024, **options)` after `import mothsim`. `info` has
    arrays with a leading axis of moths and, as in Gymnasium's `SyncVectorEnv`, beside every key a mask `_key`
    of the moths that have it.

    Args:
        num_envs: moths.
        render_mode: `rgb_array`, a tuple of one picture a moth, or nothing.
        autoreset_mode: what follows an episode's end: `NEXT_STEP` (the next step ignores the action and gives
            the first observation of a new episode), `SAME_STEP` (the step itself does; the last observation and
            info are `info["final_obs"]` and `info["final_info"]`) or `DISABLED` (`reset` must).
        max_episode_steps: a time limit in decisions, if it is to be shorter than `duration`.
        options: see `mothsim.envs.EnvConfig`.

    Raises:
        ValueError: an option out of range, actions of the wrong shape or with NaN in them.
        gymnasium.error.ResetNeeded: a step before the first reset, or of ended episodes where nothing resets them.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": MODES[:1], "render_fps": 50}  # pyright: ignore

    def __init__(
        self,
        num_envs: int = 1,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        **options: Any,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs = {num_envs!r}: expected one or more")
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode = {render_mode!r}: expected 'rgb_array' or None")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"max_episode_steps = {max_episode_steps!r}: expected one or more")
        self.num_envs, self.render_mode = num_envs, render_mode
        self.config = EnvConfig(**options)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        rate = frame_rate(self.config.period)
        self.metadata = {**self.metadata, "render_fps": rate, "autoreset_mode": self.autoreset_mode}  # pyright: ignore
        self._limit = min(self.config.decisions, max_episode_steps or self.config.decisions)
        self._moths = Moths(num_envs, self.config)
        self.single_observation_space, self.single_action_space = self._moths.spaces()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._all = np.arange(num_envs)
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self._begun = np.zeros(num_envs, dtype=np.bool_)
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        self._pictures: list[Picture] = []

    @property
    def np_random(self) -> tuple[np.random.Generator, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Every moth's generator."""
        return tuple(self._generator(row) for row in range(self.num_envs))

    def _generator(self, row: int) -> np.random.Generator:
        generator = self._generators[row]
        if generator is None:
            generator = self._generators[row] = seeding.np_random()[0]
        return generator

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Begin new episodes, and tell of all moths, of those too that fly on.

        Args:
            seed: of moth 0, moth i having `seed + i`, or one a moth; None goes on with the present generators.
            options: `start`, (8,) or (N, 8), instead of random starts; `reset_mask` (N,), which moths, by
                default all.
        """
        options = options or {}
        rows = self._all[self._mask(options.get("reset_mask"))]
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
        if seeds is not None and len(seeds) != self.num_envs:
            raise ValueError(f"seed has {len(seeds)} entries: expected {self.num_envs}, one a moth")
        for row in rows.tolist():
            if seeds is not None and seeds[row] is not None:
                self._generators[row] = seeding.np_random(seeds[row])[0]
        start = options.get("start")
        if start is not None and np.ndim(start) == 2:
            if len(start) != self.num_envs:
                raise ValueError(f"options['start'] has shape {np.shape(start)}: expected (8,) or ({self.num_envs}, 8)")
            start = np.asarray(start)[rows]
        self._restart(rows, start)
        observations, batch = self._moths.observe(self._all)
        infos: dict[str, Any] = {}
        self._tell(infos, batch, self._all)
        return observations, infos

    def _mask(self, mask: Any) -> Flags:
        if mask is None:
            return np.ones(self.num_envs, dtype=np.bool_)
        mask = np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(
                f"options['reset_mask'] = {mask}: expected ({self.num_envs},) booleans, one or more of them True"
            )
        return mask

    def _restart(self, rows: NDArray[np.int64], start: ArrayLike | None = None) -> None:
        keys = np.array([self._generator(row).bit_generator.random_raw() for row in rows.tolist()], dtype=np.uint64)
        self._moths.reset(rows, keys, start)
        self._begun[rows], self._ended[rows] = True, False
        for row in rows if self._pictures else ():
            self._pictures[row].clear()

    def step(self, actions: ArrayLike) -> Step:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fly one decision."""
        if not self._begun.all():
            raise ResetNeeded("step: not every moth has begun an episode: call reset first")
        if self._ended.any() and self.autoreset_mode is AutoresetMode.DISABLED:
            ended = self._all[self._ended].tolist()
            raise ResetNeeded(f"step: the episodes of moths {ended} have ended: reset(options={{'reset_mask': ...}})")
        actions = np.asarray(actions)
        if actions.shape != self.action_space.shape:
            raise ValueError(f"actions has shape {actions.shape}: expected {self.action_space.shape}")
        flown, ended = self._all[~self._ended], self._all[self._ended]
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), dtype=np.bool_)
        after: dict[str, Any] = {}
        if len(flown):
            controls, terms, terminated[flown] = self._moths.step(flown, actions[flown])
            rewards[flown] = total(terms)
            truncated[flown] = self._moths.steps[flown] >= self._limit
            after = {"control": controls, "reward_terms": terms}
        self._restart(ended)
        self._ended = terminated | truncated
        observations, batch = self._moths.observe(self._all)
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._ended.any():
            observations, infos = self._renewed(observations, {**batch, **after}, after)
            return observations, rewards, terminated, truncated, infos
        self._tell(infos, batch, self._all)
        self._tell(infos, after, flown)
        return observations, rewards, terminated, truncated, infos

    def _renewed(
        self, last: Observations, finals: dict[str, Any], after: dict[str, Any]
    ) -> tuple[Observations, dict[str, Any]]:
        """What a step of `SAME_STEP` shows where episodes ended: their last of all, and the first of the next."""
        done, going = self._all[self._ended], self._all[~self._ended]
        infos: dict[str, Any] = {"final_obs": np.full(self.num_envs, None, dtype=object), "final_info": {}}
        for row in done:
            infos["final_obs"][row] = last[row]
        self._tell(infos["final_info"], _rows(finals, done), done)
        infos["_final_obs"], infos["_final_info"] = self._ended.copy(), self._ended.copy()
        self._restart(done)
        observations, batch = self._moths.observe(self._all)
        self._tell(infos, batch, self._all)
        self._tell(infos, _rows(after, going), going)
        return observations, infos

    def _tell(self, infos: dict[str, Any], values: dict[str, Any], rows: NDArray[np.int64]) -> None:
        """Add values (n, ...) of n `rows` to the infos, spread out over all moths, with their masks."""
        mask = np.zeros(self.num_envs, dtype=np.bool_)
        mask[rows] = True
        for name, value in values.items() if len(rows) else ():
            if isinstance(value, dict):
                infos[name] = {}
                self._tell(infos[name], value, rows)
            elif len(rows) == self.num_envs:
                infos[name] = value
            else:
                infos[name] = np.zeros((self.num_envs, *value.shape[1:]), dtype=value.dtype)
                infos[name][rows] = value
            infos[f"_{name}"] = mask.copy()

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Pictures (480, 480, 3), one a moth, in mode `rgb_array`."""
        if self.render_mode is None:
            return None
        if not self._pictures:
            self._pictures = [Picture(self._moths.observation_builder, self.config) for _ in self._all]
        for row, picture in enumerate(self._pictures):
            picture.draw(self._moths.states[row], int(self._moths.steps[row]), None)
        return tuple(picture.pixels() for picture in self._pictures)

    def __getstate__(self) -> dict[str, Any]:
        # Figures are redrawn, not carried along.
        return {**self.__dict__, "_pictures": []}


def _rows(values: dict[str, Any], rows: NDArray[np.int64]) -> dict[str, Any]:
    return {name: _rows(value, rows) if isinstance(value, dict) else value[rows] for name, value in values.items()}
