"""The environments of version 1 in JAX, in gymnax's form: pure functions to vmap, jit and differentiate.

Observation, actions and reward are the definitions of the other environments; the flight is that of
`mothsim.solver.jax_engine`. Only the undisturbed, under-actuated moth flies here.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from mothsim import policy_interface
from mothsim.angles import with_possible_bends
from mothsim.checks import as_count
from mothsim.envs.config import EnvConfig
from mothsim.envs.rewards import reward_terms
from mothsim.flight import steady_start
from mothsim.perturbations import Perturbation
from mothsim.policy_interface import PolicyTarget
from mothsim.solver.jax_engine import propagate

_DISTURBANCES = ("sensor_noise", "force_noise", "gusts", "body_spread")


class TrackState(NamedTuple):
    """Moths in their episodes: `moth` (..., 8), see `mothsim.propagate`, and `time` (...), decisions flown."""

    moth: jax.Array
    time: jax.Array


class TrackParams(NamedTuple):
    """What an episode depends on beside its random numbers.

    Attributes:
        target: at every decision, the end of the last included.
        start: (8,), trim at the target's first position.
        spread: (8,), half widths of random starts about it.
        lost_distance: beyond which a moth is lost, cm.
        action_range: see `mothsim.envs.EnvConfig`.
        max_steps_in_episode: time limit in decisions; where the target ends, episodes end too.
    """

    target: PolicyTarget
    start: Any
    spread: Any
    lost_distance: Any
    action_range: Any
    max_steps_in_episode: Any


class TrackJax:
    """A version 1 environment of one moth, or of many.

    States with a leading axis of N moths and actions (N, 3) fly a batch; `jax.vmap(env.step, in_axes=(0, 0, 0, None))`
    does so too, at two thirds of the speed. Single precision, or double where JAX has it enabled when the environment
    is made.

    Args:
        name: `Track-v1`, `Hover-v1` or `Recover-v1`.
        values: what `step` returns: six values, the end in two parts as in gymnax 1, or five with `done`, as in
            gymnax before it and in rejax.
        solver_steps: see `mothsim.solver.jax_engine.propagate`.
        options: see `mothsim.envs.EnvConfig`.

    Raises:
        ValueError: an unknown name or number of values, an option out of range, or one of another version or of a
            disturbed or fully actuated moth.
    """

    def __init__(self, name: str = "Track-v1", *, values: int = 6, solver_steps: int = 2, **options: Any) -> None:
        known = [one.removeprefix("mothsim/") for one in gym.registry if one.startswith("mothsim/")]
        if name not in known or not name.endswith("v1"):
            raise ValueError(f"name = {name!r}: expected one of {', '.join(one for one in known if '-v1' in one)}")
        if values not in (5, 6):
            raise ValueError(f"values = {values!r}: expected 5 or 6")
        self._values, self._steps = values, as_count("solver_steps", solver_steps)
        self.config = config = EnvConfig(**{**gym.spec(f"mothsim/{name}").kwargs, **options})
        if config.version != 1:
            raise ValueError(f"version = {config.version!r}: expected 1, which alone is in JAX")
        for option in _DISTURBANCES:
            if getattr(config, option) != 0:
                raise ValueError(f"{option} = {getattr(config, option)!r}: expected 0, this moth is undisturbed")
        if config.perturbed != Perturbation():
            raise ValueError(f"perturbation = {config.perturbation!r}: expected 'nominal', this moth is undisturbed")
        if config.actuation != "under":
            raise ValueError(f"actuation = {config.actuation!r}: expected 'under'")
        trajectory = config.target()
        target = policy_interface.preview(trajectory, config.body, config.period, config.decisions + 1)
        start = steady_start(trajectory, config.body)
        spread = config.start_spread * np.array(trajectory.start_spread)
        numbers = (target, start, spread, trajectory.lost_distance, config.action_range)
        arrays = jax.tree.map(lambda array: jnp.asarray(array, float), numbers)
        self._params = TrackParams(*arrays, max_steps_in_episode=config.decisions)

    @property
    def default_params(self) -> TrackParams:
        """Parameters of the options."""
        return self._params

    def action_space(self, params: TrackParams | None = None) -> spaces.Box:
        """Box of actions (3,), as in the other environments."""
        return spaces.Box(-1.0, 1.0, (self.config.action_size,), dtype=np.float32)

    def observation_space(self, params: TrackParams | None = None) -> spaces.Box:
        """Box of observations (29,), as in the other environments."""
        bounds = np.array([entry.bound for entry in policy_interface.ENTRIES], dtype=np.float32)
        return spaces.Box(-bounds, bounds, dtype=np.float32)

    @partial(jax.jit, static_argnames=("self", "moths"))
    def reset(
        self, key: jax.Array, params: TrackParams | None = None, moths: int | None = None
    ) -> tuple[jax.Array, TrackState]:
        """Begin an episode of one moth, or of `moths`: observation (29,) or (N, 29), and state.

        Raises:
            ValueError: `moths` is no whole number of one or more.
        """
        params = self.default_params if params is None else params
        shape = () if moths is None else (as_count("moths", moths),)
        draws = jax.random.uniform(key, (*shape, 8), params.start.dtype, -1.0, 1.0)
        start = with_possible_bends(params.start + params.spread * draws, jnp)
        state = TrackState(start, jnp.zeros(shape, jnp.int32))
        return self.observe(state, params), state

    @partial(jax.jit, static_argnames="self")
    def step(
        self, key: jax.Array, state: TrackState, action: jax.Array, params: TrackParams | None = None
    ) -> tuple[Any, ...]:
        """Fly one decision; where an episode ends, state and observation are the first of the next.

        Args:
            key: of the next episodes' starts.
            state: of one moth, or of N.
            action: (3,) or (N, 3), cut to +-1.
            params: by default the environment's.

        Returns:
            Observation (29,), state, reward, terminated, truncated and info; or, of five values, observation, state,
            reward, done and info; each with an axis of N first for N moths. The info holds `error` (cm),
            `reward_terms`, `terminated`, `truncated` and `final_observation`, that of the decision's own end.

        Raises:
            ValueError: actions of another shape.
        """
        params = self.default_params if params is None else params
        seen, flown, reward, terminated, info = self.step_env(state, action, params)
        ends = params.target.positions.shape[0] - 1  # beyond which JAX would show the last target for ever
        truncated = flown.time >= jnp.minimum(params.max_steps_in_episode, ends)
        done = terminated | truncated
        first = self.reset(key, params, *jnp.shape(done))
        observation, after = jax.tree.map(partial(_choose, done), first, (seen, flown))
        info = {**info, "terminated": terminated, "truncated": truncated, "final_observation": seen}
        end = (terminated, truncated) if self._values == 6 else (done,)
        return observation, after, reward, *end, info

    def step_env(
        self, state: TrackState, action: jax.Array, params: TrackParams
    ) -> tuple[jax.Array, TrackState, jax.Array, jax.Array, dict[str, Any]]:
        """Fly one decision and begin no new episode: observation, state, reward, lost and info.

        A moth that is lost to no finite state stays where it was.

        Raises:
            ValueError: actions of another shape than (3,) for each moth.
        """
        expected = (*jnp.shape(state.time), 3)
        if jnp.shape(action) != expected:
            raise ValueError(f"action: shape {jnp.shape(action)}, expected {expected}, three values for each moth")
        action, time = jnp.clip(action, -1.0, 1.0), state.time + 1
        controls = self._controls(action, params.target.trims[state.time], params)
        moth = propagate(state.moth, controls, self.config.body, self.config.period, steps=self._steps)
        finite = jnp.isfinite(moth).all(-1)
        moth = _choose(finite, moth, state.moth)
        error = _length(moth[..., :2] - params.target.positions[time])
        lost = ~(finite & (error <= params.lost_distance))
        tilt, effort = moth[..., 2] - params.target.postures[time, 0], (action**2).sum(-1)
        terms: Any = reward_terms(error, tilt, moth[..., 6], effort, lost, jnp)  # pyright: ignore[reportArgumentType]
        after = TrackState(moth, time)
        reward = jnp.asarray(sum(terms.values()))
        return self.observe(after, params), after, reward, lost, {"error": error, "reward_terms": terms}

    def _controls(self, action: jax.Array, trim: jax.Array, params: TrackParams) -> jax.Array:
        """Controls (..., 4) of actions (..., 3)."""
        outputs, trims = (params.action_range * action).reshape(-1, 3), trim.reshape(-1, 3)
        components = policy_interface.to_control_components(outputs, trims, self.config.body, jnp)
        along, across, torque = components.T
        controls = [jnp.hypot(along, across), jnp.arctan2(across, along), torque, jnp.zeros_like(torque)]
        return jnp.stack(controls, -1).reshape(*action.shape[:-1], 4)

    def observe(self, state: TrackState, params: TrackParams) -> jax.Array:
        """Observations (..., 29), see `mothsim.policy_interface.ENTRIES`."""
        seen = policy_interface.observe(state.moth.reshape(-1, 8), params.target.at(state.time.reshape(-1)), jnp)
        return seen.reshape(*state.time.shape, -1)


def _choose(where: jax.Array, one: jax.Array, other: jax.Array) -> jax.Array:
    """One where it holds, row by row, and the other elsewhere."""
    return jnp.where(where.reshape(*where.shape, *(1,) * (one.ndim - where.ndim)), one, other)


def _length(vectors: jax.Array) -> jax.Array:
    """Lengths of vectors (..., 2), whose gradient at zero is zero."""
    squares = (vectors**2).sum(-1)
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
