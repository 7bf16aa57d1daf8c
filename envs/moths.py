"""N moths in the air, each in its own episode: what the single and the vector environment have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from mothsim.actuation import from_components, limited, to_components
from mothsim.angles import require_unwound, with_possible_bends
from mothsim.body import MothBody
from mothsim.disturbances import (
    Delay,
    Keys,
    Stream,
    after_drink,
    drawn_body,
    has_drunk,
    next_wind,
    normal,
    uniform,
)
from mothsim.envs.arguments import as_numbers
from mothsim.envs.config import EnvConfig
from mothsim.envs.rewards import reward_terms
from mothsim.flight import steady_start
from mothsim.observation import ObservationBuilder
from mothsim.step import advance, distance, is_lost

Array = NDArray[np.floating]
Rows = NDArray[np.int64]


class Moths:
    """The physical state of N moths and its laws; knows nothing of Gymnasium's episodes but where they start.

    Attributes:
        states: (N, 8).
        interface: observation and actions.
        steps: (N,) decisions flown in the present episode.
    """

    def __init__(self, count: int, config: EnvConfig) -> None:
        self.config = config
        trajectory, body = config.target(), config.body
        self.observation_builder = ObservationBuilder(trajectory, config.period, config.decisions)
        self.interface = config.interface()
        self._start = steady_start(trajectory, body)
        self._spread = config.start_spread * config.perturbed.start_scale * np.array(trajectory.start_spread)
        self._limit = trajectory.lost_distance
        self.states = np.zeros((count, 8))
        self.steps = np.zeros(count, dtype=np.int64)
        self._keys = np.zeros(count, dtype=np.uint64)
        self._wind = np.zeros((count, 2))
        self._delay = Delay(config.perturbed.delay, config.period)
        self._noise = config.measurement_noise
        self._measured = np.zeros((self._delay.kept + 1, count, 8))
        self._bodies: list[MothBody] = [config.flying_body] * count
        self._full: list[MothBody] = [after_drink(config.flying_body, config.perturbed.drink)] * count

    def spaces(self) -> tuple[spaces.Box, spaces.Box]:
        """The observation and action space of one moth."""
        bounds = self.interface.bounds
        actions = spaces.Box(-1.0, 1.0, (self.config.action_size,), dtype=np.float32)
        return spaces.Box(-bounds, bounds, dtype=np.float32), actions

    def reset(self, rows: Rows, keys: Keys, start: ArrayLike | None = None) -> None:
        """Begin new episodes of `rows`.

        Args:
            rows: (n,) moths.
            keys: (n,) of the episodes' random numbers.
            start: (n, 8) or (8,), checked by `checked_start`; by default random.
        """
        config, zero = self.config, np.zeros(len(rows), dtype=np.int64)
        if start is None:
            draws = 2 * uniform(keys, zero, Stream.START, 8) - 1
            self.states[rows] = with_possible_bends(self._start + self._spread * draws)
        else:
            self.states[rows] = start
        self.steps[rows] = 0
        self._keys[rows] = keys
        self._measured[:, rows] = self._measure(rows)
        if config.wind_std > 0:
            self._wind[rows] = config.wind_std * normal(keys, zero, Stream.GUST, 2)
        if config.body_spread > 0:
            draws = uniform(keys, zero, Stream.BODY, 5)
            for row, draw in zip(rows, draws, strict=True):
                self._bodies[row] = drawn_body(config.flying_body, draw, config.body_spread)
                self._full[row] = after_drink(self._bodies[row], config.perturbed.drink)

    def checked_start(self, start: Any, count: int) -> Array | None:
        """Start states (8,) or (count, 8) as float64, or None for random ones.

        Raises:
            ValueError: another shape, a bend a turn off, not finite, or lost before the first decision.
        """
        if start is None:
            return None
        states = as_numbers("options['start']", start)
        if states.shape not in ((8,), (count, 8)):
            raise ValueError(f"options['start'] has shape {states.shape}: expected (8,) or {(count, 8)}")
        require_unwound("options['start']", np.atleast_2d(states))
        far = is_lost(np.atleast_2d(states), self.observation_builder.positions[0], self._limit)
        if far.any():
            raise ValueError(
                f"options['start'] = {states}: expected finite states within {self._limit:g} cm of the target"
            )
        return states

    def step(self, rows: Rows, actions: Array) -> tuple[Array, dict[str, Array], NDArray[np.bool_]]:
        """Fly `rows` for a decision: controls (n, 4) as applied, terms (n,) of the reward, and who is lost, (n,).

        Actions (n, 3) or (n, 4) beyond +-1 are cut; a moth that is lost to no finite state stays where it was.
        """
        config = self.config
        actions = self._whole(actions)
        efforts = (actions**2).sum(axis=1)
        controls = self._disturbed(rows, self.interface.controls(actions, self.steps[rows]))
        before, steps = self.states[rows], self.steps[rows] + 1
        gusty = config.wind_std > 0
        after, lost = advance(
            before,
            controls,
            self.observation_builder.positions[steps],
            self._limit,
            body=self._flying(rows),
            duration=config.period,
            wind=self._wind[rows] if gusty else None,
        )
        after = np.where(np.isfinite(after).all(axis=1, keepdims=True), after, before)
        self.states[rows], self.steps[rows] = after, steps
        self._measured[:-1, rows] = self._measured[1:, rows]
        self._measured[-1, rows] = self._measure(rows)
        if gusty:
            draws = normal(self._keys[rows], steps, Stream.GUST, 2)
            gust = config.perturbed.gust_time, config.perturbed.gust_frequency
            self._wind[rows] = next_wind(self._wind[rows], draws, config.wind_std, config.period, *gust)
        errors = distance(after, self.observation_builder.positions[steps])
        tilts = after[:, 2] - self.observation_builder.angles[steps]
        return controls, reward_terms(errors, tilts, after[:, 6], efforts, lost), lost

    def _whole(self, actions: Array) -> Array:
        """Actions (n, 4), checked, cut to +-1, with no wing torque where there is none to choose."""
        if np.isnan(actions).any():
            raise ValueError(f"action = {actions[np.isnan(actions).any(axis=1)][0]}: expected numbers, not NaN")
        whole = np.zeros((len(actions), 4))
        np.clip(actions, -1.0, 1.0, out=whole[:, : self.config.action_size])
        return whole

    def _flying(self, rows: Rows) -> MothBody | list[MothBody]:
        """The body of all `rows`, or of each."""
        config, drink = self.config, self.config.perturbed.drink
        if not (config.body_spread or drink):
            return config.flying_body
        full = has_drunk(self.steps[rows], config.period) & (drink > 0)
        return [(self._full if drunk else self._bodies)[row] for row, drunk in zip(rows.tolist(), full, strict=True)]

    def _measure(self, rows: Rows) -> Array:
        """Measured states (n, 8) now, which controllers may see later."""
        if not self._noise.any():
            return self.states[rows]
        return self.states[rows] + self._noise * normal(self._keys[rows], self.steps[rows], Stream.SENSOR, 8)

    def _disturbed(self, rows: Rows, controls: Array) -> Array:
        body, noise = self.config.body, self.config.force_noise
        if noise == 0:
            return controls
        components = to_components(controls)
        draws = normal(self._keys[rows], self.steps[rows], Stream.FORCE, 2)
        components[:, :2] += noise * body.weight * draws
        return limited(from_components(components), body)

    def observe(self, rows: Rows) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Observations of `rows`, (n, 22) or (n, 29), and what `info` holds of them at any time, axis n first."""
        states, steps = self.states[rows], self.steps[rows]
        measured_state = self._delay.shown([measured[rows] for measured in self._measured])
        targets = self.observation_builder.positions[steps]
        info = {
            "state": states,
            "measured_state": measured_state,
            "target": targets,
            "error": distance(states, targets),
            "time": steps * self.config.period,
        }
        return self.interface.observe(measured_state, steps), info
