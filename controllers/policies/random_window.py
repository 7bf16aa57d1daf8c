"""The random flights that a step of a policy's training learns from, flown by either engine."""

from __future__ import annotations

from copy import deepcopy

import jax.numpy as jnp
import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.policies.flight_windows import Led, Parameters, Window, fly_window
from mothsim.controllers.policies.leading import JUMPING, SOON, lead
from mothsim.controllers.policies.policy_targets import draw_angles, draw_leaps, draw_starts, draw_targets

_LEAP_VIOLENCE = 0.3  # of starts before a leap
_LOADS = -0.6, 0.5  # as on bodies of 0.6 times to twice the weight


def random_window(
    parameters: Parameters, rng: np.random.Generator, moths: int, segments: int, violence: float, tilt: float,
    engine: str, bobbing: float = 1.0, led: float = 0.0, leaping: float = 0.0, loaded: float = 0.0,
    soon: tuple[float, float] = SOON,
) -> Window:  # fmt: skip
    """Fly a policy after random targets; the flights are the same by either engine.

    Args:
        parameters: of the policy.
        rng: of targets, body angles and starts.
        moths: flown side by side.
        segments: that they fly.
        violence: starts are up to so many times as far off as those of `recover`.
        tilt: largest body angle off upright, rad.
        engine: see `mothsim.controllers.policies.flight_windows.fly_window`.
        bobbing: factor on the targets' sines along y.
        led: if not zero, the goals are where moths are led, see `mothsim.controllers.policies.leading`, which takes so
            long about a target's jump, s.
        leaping: share of the moths, the last ones, that start calmly after targets that only jump, and are not led.
        loaded: share of the moths, the first ones, that bear a load, see
            `mothsim.controllers.policies.flight_windows.fly_window`.
        soon: how soon they are led to lively targets, see `mothsim.controllers.policies.leading.lead`.
    """
    leaps = round(leaping * moths)
    xp = jnp if engine == "jax" else np
    again, options = deepcopy(rng), {"bobbing": bobbing} | ({"jumping": JUMPING} if led else {})
    positions, velocities = draw_targets(rng, moths - leaps, segments, xp, **options)
    angles = draw_angles(rng, moths, tilt)
    first = np.asarray(positions[:, 0]), np.asarray(velocities[:, 0])
    starts = draw_starts(rng, *first, violence, angles[: moths - leaps])
    goals, slack, unhurried = positions, np.zeros(positions.shape[:2]), np.zeros(len(positions))
    if led:
        eased, _ = draw_targets(again, moths - leaps, segments, **options, jump_time=led)
        goals, slack, unhurried = lead(starts, eased, np.asarray(velocities), soon)
    if leaps:
        targets = draw_leaps(rng, leaps, segments)
        calm = draw_starts(rng, targets[:, 0], np.zeros((leaps, 2)), _LEAP_VIOLENCE, angles[moths - leaps :])
        starts = np.concatenate([starts, calm])
        positions, goals = (xp.concatenate([each, targets]) for each in (positions, goals))
        velocities, slack, unhurried = (
            xp.pad(each, ((0, leaps), *[(0, 0)] * (each.ndim - 1))) for each in (velocities, slack, unhurried)
        )
    last, loads = np.arange(moths) >= moths - leaps, np.zeros(moths)
    bearers = round(loaded * moths)
    loads[:bearers] = rng.uniform(*_LOADS, bearers)
    led_to = Led(goals, slack, unhurried * (loads == 0))
    return fly_window(parameters, starts, positions, velocities, MothBody(), angles, engine, led_to, last, loads)
