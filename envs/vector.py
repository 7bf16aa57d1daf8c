"""Vector environment: many moths, propagated in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from mothsim.checks import as_count
from mothsim.envs.arguments import as_numbers, as_options, as_seed
from mothsim.envs.config import EnvConfig, EnvInfo
from mothsim.envs.moths import Moths
from mothsim.envs.rendering import MODES, Picture, frame_rate
from mothsim.envs.rewards import total

Observations = NDArray[np.float32]
Flags = NDArray[np.bool_]
Step = tuple[Observations, NDArray[np.float64], Flags, Flags, dict[str, Any]]


class TrackVectorEnv(EnvInfo, VectorEnv[Observations, NDArray[np.floating], NDArray[Any]]):
    """`num_envs` moths, each as `mothsim.envs.TrackEnv` specifies it; moth i is seeded with `seed + i`.

    Made with `gymnasium.make_vec("mothsim:mothsim/Track-v0", num_envs=1024, **options)`. `info` has arrays with
    a leading axis of moths and, as in Gymnasium's `SyncVectorEnv`, for every key a mask `_key` of the moths that
    have it.

    Args:
        num_envs: moths.
        render_mode: `rgb_array`, a tuple of one picture a moth, or nothing.
        autoreset_mode: where a new episode begins after the end of one: `NEXT_STEP` (in the next step, which ignores
            the action), `SAME_STEP` (in the step itself; the last observation and info are `info["final_obs"]` and
            `info["final_info"]`) or `DISABLED` (in `reset` only).
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
        num_envs = as_count("num_envs", num_envs)
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode = {render_mode!r}: expected 'rgb_array' or None")
        if max_episode_steps is not None:
            max_episode_steps = as_count("max_episode_steps", max_episode_steps)
        if autoreset_mode not in [name for mode in AutoresetMode for name in (mode, mode.value)]:
            modes = ", ".join(repr(mode.value) for mode in AutoresetMode)
            raise ValueError(f"autoreset_mode = {autoreset_mode!r}: expected one of {modes}")
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
    def max_episode_steps(self) -> int:
        """Time limit in decisions."""
        return self._limit

    @property
    def np_random(self) -> tuple[np.random.Generator, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One random generator a moth."""
        return tuple(self._generator(row) for row in range(self.num_envs))

    def _generator(self, row: int) -> np.random.Generator:
        generator = self._generators[row]
        if generator is None:
            generator = self._generators[row] = seeding.np_random()[0]
        return generator

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Begin new episodes; observations and infos are of all moths, also of those whose episodes continue.

        Args:
            seed: of moth 0, moth i having `seed + i`, or one a moth; None goes on with the present generators.
            options: `start`, (8,) or (N, 8), instead of random starts; `reset_mask` (N,), which moths, by
                default all.

        Raises:
            ValueError: a bad seed, an unknown option, or an option out of range.
        """
        chosen = as_options(options, ("start", "reset_mask"))
        rows = self._all[self._mask(chosen.get("reset_mask"))]
        start = self._moths.checked_start(self._start_states(chosen.get("start"), rows), len(rows))
        seeds = self._seeds(seed)
        for row in rows.tolist():
            if seeds[row] is not None:
                self._generators[row] = seeding.np_random(seeds[row])[0]
        self._restart(rows, start)
        observations, batch = self._moths.observe(self._all)
        infos: dict[str, Any] = {}
        self._add_infos(infos, batch, self._all)
        return observations, infos

    def _seeds(self, seed: Any) -> list[int | None]:
        """Seeds of all moths."""
        if seed is None:
            return [None] * self.num_envs
        if not hasattr(seed, "__len__") or (isinstance(seed, np.ndarray) and seed.ndim == 0):
            first = as_count("seed", seed, 0)
            return [first + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"seed has {len(seed)} entries: expected {self.num_envs}, one a moth")
        return [as_seed(f"seed[{i}]", value) for i, value in enumerate(seed)]

    def _start_states(self, start: Any, rows: NDArray[np.int64]) -> Any:
        """Start states of `rows`, (n, 8), where `start` has one a moth; else as given."""
        if start is None or np.ndim(start := as_numbers("options['start']", start)) != 2:
            return start
        if len(start) != self.num_envs:
            raise ValueError(f"options['start'] has shape {np.shape(start)}: expected (8,) or ({self.num_envs}, 8)")
        return start[rows]

    def _mask(self, mask: Any) -> Flags:
        if mask is None:
            return np.ones(self.num_envs, dtype=np.bool_)
        try:
            flags = np.asarray(mask)
        except ValueError:  # lists of unequal lengths
            flags = np.empty(0, np.bool_)
        if flags.shape != (self.num_envs,) or flags.dtype != np.bool_ or not flags.any():
            raise ValueError(
                f"options['reset_mask'] = {mask}: expected ({self.num_envs},) booleans, one or more of them True"
            )
        return flags

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
        actions = as_numbers("actions", actions)
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
        self._add_infos(infos, batch, self._all)
        self._add_infos(infos, after, flown)
        return observations, rewards, terminated, truncated, infos

    def _renewed(
        self, last: Observations, finals: dict[str, Any], after: dict[str, Any]
    ) -> tuple[Observations, dict[str, Any]]:
        """Observations and infos of a `SAME_STEP` in which episodes ended: first ones of the new, last of the old."""
        done, going = self._all[self._ended], self._all[~self._ended]
        infos: dict[str, Any] = {"final_obs": np.full(self.num_envs, None, dtype=object), "final_info": {}}
        for row in done:
            infos["final_obs"][row] = last[row]
        self._add_infos(infos["final_info"], _rows(finals, done), done)
        infos["_final_obs"], infos["_final_info"] = self._ended.copy(), self._ended.copy()
        self._restart(done)
        observations, batch = self._moths.observe(self._all)
        self._add_infos(infos, batch, self._all)
        self._add_infos(infos, _rows(after, going), going)
        return observations, infos

    def _add_infos(self, infos: dict[str, Any], values: dict[str, Any], rows: NDArray[np.int64]) -> None:
        """Add values (n, ...) of n `rows` to the infos, as arrays of all moths, zero elsewhere, with their masks."""
        mask = np.zeros(self.num_envs, dtype=np.bool_)
        mask[rows] = True
        for name, value in values.items() if len(rows) else ():
            if isinstance(value, dict):
                infos[name] = {}
                self._add_infos(infos[name], value, rows)
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
        # Figures are not pickled, but drawn anew.
        return {**self.__dict__, "_pictures": []}


def _rows(values: dict[str, Any], rows: NDArray[np.int64]) -> dict[str, Any]:
    return {name: _rows(value, rows) if isinstance(value, dict) else value[rows] for name, value in values.items()}
