"""The random flights that a step of a policy's training learns from, flown by either engine."""

from __future__ import annotations

from copy import deepcopy

import jax.numpy as jnp
import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.policies.flight_gradient import Parameters, Window, fly_window
from mothsim.controllers.policies.leading import JUMPING, lead
from mothsim.controllers.policies.policy_targets import draw_angles, draw_starts, draw_targets


def random_window(
    parameters: Parameters, rng: np.random.Generator, moths: int, segments: int, violence: float, tilt: float,
    engine: str, bobbing: float = 1.0, led: float = 0.0,
) -> Window:  # fmt: skip
    """Fly a policy after random targets; the flights are the same by either engine.

    Args:
        parameters: of the policy.
        rng: of targets, body angles and starts.
        moths: flown side by side.
        segments: that they fly.
        violence: starts are up to so many times as far off as those of `recover`.
        tilt: largest body angle off upright, rad.
        engine: see `mothsim.controllers.policies.flight_gradient.fly_window`.
        bobbing: factor on the targets' sines along y.
        led: if not zero, the goals are where moths are led, see `mothsim.controllers.policies.leading`, which takes so
            long about a target's jump, s.
    """
    again, options = deepcopy(rng), {"bobbing": bobbing} | ({"jumping": JUMPING} if led else {})
    positions, velocities = draw_targets(rng, moths, segments, jnp if engine == "jax" else np, **options)
    angles = draw_angles(rng, moths, tilt)
    starts = draw_starts(rng, np.asarray(positions[:, 0]), np.asarray(velocities[:, 0]), violence, angles)
    goals = None
    if led:
        eased, _ = draw_targets(again, moths, segments, **options, jump_time=led)
        goals = lead(starts, eased, np.asarray(velocities))
    return fly_window(parameters, starts, positions, velocities, MothBody(), angles, engine, goals)
