"""Adapters: a controller as a policy of an environment, and a policy as a controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import action_size
from mothsim.checks import as_count
from mothsim.flight import Array, Controller, Task, check_controller, decisions, moth_seeds
from mothsim.solver.propagate import SEGMENT
from mothsim.trajectories import Trajectory

if TYPE_CHECKING:
    from mothsim.body import MothBody
    from mothsim.interfaces import Interface, Version

Rows = NDArray[np.int64]

_TOLD_BY_SPACE = (
    "ClipAction", "RescaleAction", "DtypeObservation", "FlattenObservation", "RescaleObservation", "ReshapeObservation",
)  # fmt: skip
"""Wrappers of Gymnasium that change nothing where they keep the space."""


class Flown(Protocol):
    """Attributes that a controller needs of an environment; the environments of `mothsim.envs` have them."""

    @property
    def trajectory(self) -> Trajectory:
        """The target."""
        ...

    @property
    def body(self) -> MothBody:
        """The body that the controller assumes."""
        ...

    @property
    def duration(self) -> float:
        """Length of an episode, s."""
        ...

    @property
    def period(self) -> float:
        """Time from step to step, s."""
        ...

    @property
    def interface(self) -> Interface:
        """What its actions mean."""
        ...


@dataclass
class _Cohort:
    """Moths whose episodes began together, with their controller; `flying` (n,) marks those that still go on."""

    controller: Controller
    rows: Rows
    flying: NDArray[np.bool_]


class ControllerPolicy:
    """A controller as `policy(observation, info) -> action`, made by `as_policy`.

    A controller remembers, and decides for all its moths at one time. So moths that begin together, at time 0,
    share a copy of it, and those that begin anew later get another.
    """

    def __init__(self, controller: Controller, task: Task, interface: Interface, single: bool) -> None:
        self._controller, self._task, self._interface, self._single = controller, task, interface, single
        self._cohorts: list[_Cohort] = []

    def __call__(self, observation: Any, info: Mapping[str, Any]) -> Array:
        """The action (3,) or (4,), or (N, 3) or (N, 4) for many moths, float64.

        Args:
            observation: not looked at; a controller decides from the state.
            info: with `measured_state` (8,) or (N, 8) and `time`, () or (N,), of the same step. Where an episode is
                over there is nothing to decide: the action is zero.

        Raises:
            ValueError: an episode whose beginning this policy has not seen.
        """
        times = np.atleast_1d(np.asarray(info["time"], dtype=np.float64))
        states = np.atleast_2d(np.asarray(info["measured_state"], dtype=np.float64))
        self._begin(np.flatnonzero(times == 0.0))
        over = times > self._task.duration - self._controller.period / 2
        controls = np.full((len(times), 4), np.nan)
        for cohort in self._cohorts:
            rows = cohort.rows
            cohort.flying &= ~over[rows]
            if not cohort.flying.any():
                continue
            time = float(times[rows[cohort.flying][0]])
            controls[rows[cohort.flying]] = cohort.controller.control(states[rows], time)[cohort.flying]
        unseen = set(range(len(times))) - {int(row) for cohort in self._cohorts for row in cohort.rows}
        if unseen:
            raise ValueError(f"info['time'] = {times}: expected 0 first, at reset, for moths {sorted(unseen)}")
        steps = np.rint(times / self._controller.period).astype(np.int64)
        actions = np.zeros((len(times), action_size(self._task.body)))
        actions[~over] = self._interface.actions(controls[~over], steps[~over])[:, : actions.shape[1]]
        return actions[0] if self._single else actions

    def _begin(self, rows: Rows) -> None:
        """Take rows out of the cohorts that they flew in, and make them a new one."""
        if not len(rows):
            return
        for cohort in self._cohorts:
            cohort.flying &= ~np.isin(cohort.rows, rows)
        self._cohorts = [cohort for cohort in self._cohorts if cohort.flying.any()]
        controller = deepcopy(self._controller)
        seeds = tuple(self._task.seeds[row] for row in rows)
        controller.reset(Task(self._task.trajectory, self._task.body, self._task.duration, seeds))
        self._cohorts.append(_Cohort(controller, rows, np.ones(len(rows), dtype=np.bool_)))


def as_policy(controller: Controller, env: Any, *, seed: int = 0) -> ControllerPolicy:
    """A controller as a policy, `action = policy(observation, info)`, for the environments of `envs`.

    It flies as `mothsim.fly(controller, ..., seed=seed)` does from the same starts, to the bit. Call it once a
    step, from the reset on.

    Args:
        controller: used as a pattern, and copied.
        env: an environment of `mothsim.envs`, single or vector, wrapped or not. In version 1, whose actions limit
            forces smoothly, it flies so but for rounding, and as far as `action_range` reaches.
        seed: of the controller's random streams.

    Raises:
        ValueError: no controller, or one that decides at another period than the environment, an environment of another
            make, or with a wrapper that changes its actions.
    """
    check_controller(controller)
    flown: Flown = _unwrapped(env, "interface")
    _require_own(env, "action_space", "without a wrapper that changes it")
    if controller.period != flown.period:
        raise ValueError(f"controller.period = {controller.period}: expected the environment's, {flown.period} s")
    count: int | None = getattr(flown, "num_envs", None)
    seeds = moth_seeds(as_count("seed", seed, 0), count or 1)[1]
    task = Task(flown.trajectory, flown.body, flown.duration, seeds)
    return ControllerPolicy(controller, task, flown.interface, count is None)


def _unwrapped(env: Any, attribute: str) -> Any:
    """The environment within its wrappers, which has an attribute of those of `mothsim.envs`."""
    unwrapped = getattr(env, "unwrapped", None)
    if not hasattr(unwrapped, attribute):
        raise ValueError(f"env = {env!r}: expected an environment of mothsim.envs")
    return unwrapped


def _require_own(env: Any, name: str, expected: str) -> None:
    """Refuse wrappers that change observations or actions, with a space of their own or in the same.

    An unbounded space of actions clips, and so changes no action.
    """
    name = f"single_{name}" if hasattr(env, f"single_{name}") else name
    space, own = getattr(env, name), getattr(env.unwrapped, name)
    clips = "action" in name and space.shape == own.shape and np.isinf([space.low, space.high]).all()
    if space != own and not clips:
        raise ValueError(f"env.{name} = {space}: expected the environment's own, {own}, {expected}")
    for layer in _wrappers(env):
        if _changes(layer, name):
            raise ValueError(f"env is wrapped by {type(layer).__name__}: expected it {expected}")


def _wrappers(env: Any) -> Iterator[Any]:
    """The wrappers of Gymnasium or Stable-Baselines3 about an environment, the outermost first."""
    while env is not env.unwrapped:
        yield env
        env = env.env if hasattr(env, "env") else env.venv


def _changes(wrapper: Any, name: str) -> bool:
    """Whether a wrapper changes the observations or actions of a space that it may keep."""
    from gymnasium import ActionWrapper, ObservationWrapper
    from gymnasium.vector import VectorActionWrapper, VectorObservationWrapper

    actions = "action" in name
    kinds = (ActionWrapper, VectorActionWrapper) if actions else (ObservationWrapper, VectorObservationWrapper)
    normalises = not actions and getattr(wrapper, "norm_obs", False)  # VecNormalize of Stable-Baselines3
    return normalises or (isinstance(wrapper, kinds) and type(wrapper).__name__ not in _TOLD_BY_SPACE)


class PolicyController:
    """A policy as a controller, made by `from_policy`."""

    def __init__(
        self, decide: Callable[[NDArray[np.float32]], Any], period: float, version: Version, action_range: float
    ) -> None:
        self._decide, self.period = decide, period
        self._version: Version = version
        self._range = action_range

    def reset(self, task: Task) -> None:
        """Prepare to observe the flight."""
        self._body = task.body
        from mothsim.interfaces import make_interface  # with numba, which learning on a GPU does without

        count = decisions(task.duration, self.period)
        self._interface = make_interface(self._version, task.trajectory, task.body, self.period, count, self._range)

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8); no numbers, so the moth is lost, where the policy gives none."""
        steps = np.full(len(states), round(time / self.period))
        actions = np.asarray(self._decide(self._interface.observe(states, steps)), dtype=np.float64)
        width = action_size(self._body)
        if actions.shape != (len(states), width):
            raise ValueError(f"policy gave shape {actions.shape}: expected {(len(states), width)}")
        whole = np.zeros((len(states), 4))
        whole[:, :width] = np.clip(actions, -1.0, 1.0)
        return self._interface.controls(whole, steps)


def from_policy(
    policy: Any, env: Any = None, *, period: float = SEGMENT, version: Version = 0, action_range: float = 1.0
) -> PolicyController:
    """A policy as a controller, which `mothsim.fly` flies and tables compare: `from_policy(model, env)`.

    Args:
        policy: a function of observations (N, 22), or (N, 29) in version 1, to actions (N, 3), or (N, 4) with wing
            torque, of the environments of `envs`; or a model with Stable-Baselines3's `predict`, asked for its best
            action.
        env: the environment of `mothsim.envs` that the policy is for, single, vector or `SB3Moths`, wrapped or not: its
            period, version and range of actions hold, and the following are not looked at.
        period: s from decision to decision.
        version: of the environment for which the policy is.
        action_range: that environment's.

    Raises:
        ValueError: neither a function nor a model, an unknown version, a range of actions that is not above zero, or an
            environment of another make, or with a wrapper that changes what is observed or what actions mean.
    """
    if env is not None:
        config = _unwrapped(env, "config").config
        for name in ("action_space", "observation_space"):
            _require_own(env, name, "without a wrapper, which a controller has not")
        period, version, action_range = config.period, config.version, config.action_range
    if version not in (0, 1):
        raise ValueError(f"version = {version!r}: expected 0 or 1")
    if not 0.0 < action_range < np.inf:
        raise ValueError(f"action_range = {action_range!r}: expected a number above zero")
    if hasattr(policy, "predict"):

        def best(observations: NDArray[np.float32]) -> Any:
            return policy.predict(observations, deterministic=True)[0]

        return PolicyController(best, period, version, action_range)
    if not callable(policy):
        raise ValueError(f"policy = {policy!r}: expected a function of observations, or a model with `predict`")
    return PolicyController(policy, period, version, action_range)
