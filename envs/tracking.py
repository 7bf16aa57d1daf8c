"""The environment of one moth."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import ArrayLike, NDArray

from mothsim import policy_interface
from mothsim.envs.arguments import as_numbers, as_options, as_seed
from mothsim.envs.config import EnvConfig, EnvInfo
from mothsim.envs.moths import Moths
from mothsim.envs.rendering import MODES, Picture, frame_rate
from mothsim.envs.rewards import total

Observation = NDArray[np.float32]

_ROW = np.zeros(1, dtype=np.int64)


class TrackEnv(EnvInfo, gym.Env[Observation, NDArray[np.floating]]):
    """A hawkmoth after a moving target: `mothsim/Track-v0`, and `mothsim/Hover-v0` with a target at rest.

    A step is one decision: the action is held for `period` s (20 ms, half a wing stroke) and the moth flies by
    the equations and the engine of `mothsim.fly`. Made with `gymnasium.make("mothsim/Track-v0", **options)`
    after `import mothsim`; the options are the attributes of `mothsim.envs.EnvConfig`.

    **Observation**: `Box(float32, (22,))`, each number divided by its scale and cut to its bound.

    | index | quantity | unit | scale | bound |
    |---|---|---|---|---|
    | 0 | x - target x | cm | 5 | 5 |
    | 1 | y - target y | cm | 5 | 5 |
    | 2 | sin theta | 1 | 1 | 1 |
    | 3 | cos theta | 1 | 1 | 1 |
    | 4 | sin(theta - target theta) | 1 | 1 | 1 |
    | 5 | cos(theta - target theta) | 1 | 1 | 1 |
    | 6 | sin(phi - theta - pi) | 1 | 1 | 1 |
    | 7 | cos(phi - theta - pi) | 1 | 1 | 1 |
    | 8 | xdot - target xdot | cm/s | 100 | 20 |
    | 9 | ydot - target ydot | cm/s | 100 | 20 |
    | 10 | thetadot | rad/s | 20 | 20 |
    | 11 | phidot - thetadot | rad/s | 20 | 20 |
    | 12, 13 | target x, y, 1 decision ahead, - target x, y | cm | 5 | 5 |
    | 14, 15 | the same, 2 decisions ahead | cm | 5 | 5 |
    | 16, 17 | 3 decisions | cm | 5 | 5 |
    | 18, 19 | 4 decisions | cm | 5 | 5 |
    | 20, 21 | 5 decisions | cm | 5 | 5 |

    (x, y) is the pin joint, theta the angle of the head-thorax, phi of the abdomen; a straight body has
    phi = theta + pi. Inside, and in `info`, all is float64.

    **Action**: `Box(-1, 1, float32, (3,))`, or (4,) with `actuation="full"`. What lies beyond +-1 is cut to it;
    float64 is taken as it is, so that a controller loses no digit.

    | index | quantity | unit | at 0 | at +-1 (the default body) |
    |---|---|---|---|---|
    | 0 | force along the head-thorax, F_x | dyn | the weight, 2586 | +-44300 |
    | 1 | force across it, F_y | dyn | 0 | +-44300 |
    | 2 | abdominal torque, tau | dyn cm | 0 | +-1e5 |
    | 3 | wing torque, tau_w | dyn cm | 0 | +-1e5 |

    So the zero action is trim, head up. Between lies a hyperbolic sine, fine in the middle (400 dyn for an
    action of a third; see `mothsim.actuation.from_actions`), and the force is cut to 44300 dyn in any direction.

    **Reward**: the sum of `info["reward_terms"]`, see `mothsim.envs.rewards.reward_terms`: 2 a decision on the target,
    less away from it, above zero as long as the moth is aloft.

    **End**: terminated when the moth is lost (20 cm from its target, 150 cm in `recover`, or no finite state),
    truncated after `duration` s.

    **Start**: about trim at the target's first position, random within `start_spread`, or
    `reset(options={"start": state})` with a state (8,): from the same start, a controller that is flown here
    by `mothsim.controllers.as_policy` has the flight of `mothsim.fly(..., starts=state)`, to the bit.

    **`info`**: `state` (8,) and `measured_state` (8,), what the observation shows of it (they differ by sensor noise),
    `target` (2,) and `error`, cm, `time` in the episode, s; after a step also `control` (4,) as applied, dyn,
    rad, dyn cm, and `reward_terms`.

    **Versions**: 0 observes 22 numbers in the world's frame, and its actions reach the body's limits on the scale of a
    hyperbolic sine. 1 observes 29 numbers in the body's frame, and its actions have an even scale about trim: a law
    that is stable near its target stays stable far from it. Recover is new in version 1.

    Args:
        render_mode: `rgb_array`, `human` (a matplotlib window, drawn every step), or nothing.
        options: see `mothsim.envs.EnvConfig`.

    Raises:
        ValueError: an option out of range, an action of the wrong shape or with NaN in it.
        gymnasium.error.ResetNeeded: a step before the first reset or after an episode's end.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": MODES, "render_fps": 50}  # pyright: ignore

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        if render_mode is not None and render_mode not in MODES:
            raise ValueError(f"render_mode = {render_mode!r}: expected one of {', '.join(MODES)}, or None")
        self.config = EnvConfig(**options)
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": frame_rate(self.config.period)}  # pyright: ignore
        self._moths = Moths(1, self.config)
        self.observation_space, self.action_space = self._moths.spaces()  # pyright: ignore[reportAttributeAccessIssue]
        self._flying = False
        self._picture: Picture | None = None
        self._control: NDArray[np.float64] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: of this episode and those that follow; None goes on with the present generator.
            options: `start`, a state (8,), instead of a random start.

        Raises:
            ValueError: a bad seed, an unknown option, or a start that is not finite or too far from the target.
        """
        start = self._moths.checked_start(as_options(options, ("start",)).get("start"), 1)
        super().reset(seed=as_seed("seed", seed))
        key = self.np_random.bit_generator.random_raw(1)
        self._moths.reset(_ROW, key, start)
        self._flying, self._control = True, None
        if self._picture is not None:
            self._picture.clear()
        observation, info = self._observe()
        self._draw_window()
        return observation, info

    def step(self, action: ArrayLike) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Fly one decision."""
        if not self._flying:
            raise ResetNeeded("step: the episode has ended, or not begun: call reset first")
        given = as_numbers("action", action)
        if given.shape != self.action_space.shape:
            raise ValueError(f"action has shape {given.shape}: expected {self.action_space.shape}")
        controls, terms, lost = self._moths.step(_ROW, given[None])
        observation, info = self._observe()
        self._control = controls[0]
        info["control"] = controls[0].copy()
        info["reward_terms"] = {name: float(term[0]) for name, term in terms.items()}
        terminated = bool(lost[0])
        truncated = bool(self._moths.steps[0] >= self.config.decisions)
        self._flying = not (terminated or truncated)
        self._draw_window()
        return observation, float(total(terms)[0]), terminated, truncated, info

    def _observe(self) -> tuple[Observation, dict[str, Any]]:
        observations, batch = self._moths.observe(_ROW)
        info: dict[str, Any] = {name: values[0] for name, values in batch.items()}
        return observations[0], info

    def render(self) -> NDArray[np.uint8] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A picture (480, 480, 3) in mode `rgb_array`."""
        return self._drawn().pixels() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._picture is not None:
            self._picture.close()
            self._picture = None

    def __getstate__(self) -> dict[str, Any]:
        # A figure is redrawn, not carried along.
        return {**self.__dict__, "_picture": None}

    def _draw_window(self) -> None:
        if self.render_mode == "human":
            self._drawn().pause()

    def _drawn(self) -> Picture:
        if self._picture is None:
            self._picture = Picture(self._moths.observation_builder, self.config, window=self.render_mode == "human")
        self._picture.draw(self._moths.states[0], int(self._moths.steps[0]), self._control)
        return self._picture


class TrackEnvV1(TrackEnv):
    """A hawkmoth after a moving target, as learners find it easiest: `mothsim/Track-v1`, `Hover-v1` and `Recover-v1`.

    The flight, reward, end, start and `info` are those of version 0 (`TrackEnv`); the observation and the action are
    those of the policies that are trained by the gradient (`mothsim.policy_interface`), so a policy's network, a
    learner of another library and this environment take one another's places.

    **Observation**: `Box(float32, (29,))`, in the frame of the body. Each number is divided by its scale and
    approaches its bound smoothly.

    OBSERVATION_TABLE

    The target is previewed by its mean velocity between the decisions 1, 2, 3, 4, 6, 8, 12, 16, 24 and 32 ahead, less
    its velocity now.

    **Action**: `Box(-1, 1, float32, (3,))`, or (4,) with `actuation="full"`: an even scale about trim, whose reach is
    the option `action_range` (1 in `Track-v1`, 0.4 in `Hover-v1`, 3 in `Recover-v1`).

    ACTION_TABLE

    What an action asks for beyond the body's limits is approached smoothly: 44300 dyn in any direction, 1e5 dyn cm.
    With `actuation="full"` the fourth action is the wing torque, on the abdominal torque's scale.

    **Reward**: the sum of `info["reward_terms"]`, see `mothsim.envs.rewards.reward_terms`, at most 2 a decision. LQR
    gets 1.89 a decision in `Track-v1`, 1.96 in `Hover-v1` and 1.81 in `Recover-v1` on average.
    """

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(render_mode, **{"version": 1, **options})


def _tables() -> tuple[str, str]:
    """Tables of what is observed and of the actions, from the policies' definitions."""

    def rows(header: str, lines: list[str]) -> str:
        return "\n    ".join([header, "|---" * (header.count("|") - 1) + "|", *lines])

    observed = [
        f"| {i} | {entry.name} | {entry.unit} | {entry.scale:.3g} | {entry.bound:.3g} |"
        for i, entry in enumerate(policy_interface.ENTRIES)
    ]
    acted = [
        f"| {i} | {entry.name} | {entry.unit} | {entry.scale:g} x `action_range` |"
        for i, entry in enumerate(policy_interface.OUTPUT_ENTRIES)
    ]
    return (
        rows("| index | quantity | unit | scale | bound |", observed),
        rows("| index | quantity | unit | at +-1 |", acted),
    )


for _name, _table in zip(("OBSERVATION_TABLE", "ACTION_TABLE"), _tables(), strict=True):
    TrackEnvV1.__doc__ = (TrackEnvV1.__doc__ or "").replace(_name, _table)
