"""Refining policies that already fly, by damped Gauss-Newton steps on all parameters at once.

A policy has some thousand parameters, few enough for a matrix of their curvature through the flight, see
`mothsim.controllers.policies.flight_curvature`. A hundred steps on it, each with flights of its own and a matrix
averaged over the steps before, fly closer than thousands by the gradient alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.learning.levenberg_marquardt import parameters, with_parameters
from mothsim.controllers.learning.training_run import Callback, iterate, trained_info
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.damped_steps import averaged, take_step
from mothsim.controllers.policies.flight_curvature import gauss_newton_matrix, live_parameters
from mothsim.controllers.policies.flight_gradient import cost_and_gradient, flight_cost
from mothsim.controllers.policies.flight_windows import Parameters, Window
from mothsim.controllers.policies.policy_training import require_sound
from mothsim.controllers.policies.random_window import random_window
from mothsim.controllers.policies.segment_costs import CostWeights


@dataclass(frozen=True)
class RefiningSettings:
    """All that the refining of a policy depends on.

    Attributes:
        steps: of Gauss-Newton.
        moths: flown side by side a step, for `segments` segments each.
        violence: starts are up to so many times as far off as those of `recover`.
        tilt: largest body angle off upright, rad.
        bobbing: factor on the targets' sines along y.
        led: time, s, in which moths are led through a target's jump, and also, more slowly, from their start to their
            target, see `mothsim.controllers.policies.leading`; 0 asks of them to be at the target at once.
        soon: how soon moths are led to lively targets, see `mothsim.controllers.policies.leading.lead`; the sooner, the
            closer they follow those and the more force they take about still ones.
        leaping: share of the moths whose target stands still and jumps once, and which are to come after it by the
            least square distance and force, see `mothsim.controllers.policies.segment_costs.leap_costs`.
        loaded: share of the moths that bear a load which the policy does not know of, so that it holds its place on
            bodies of another weight too.
        memory: share of the matrix that is kept from step to step.
        damping: of the first step, relative to the matrix's diagonal; it adapts.
        least_damping: to which it falls; more of it, and a policy depends less on which flights it was refined by.
        weights: of the cost, see `CostWeights`; without that of `change` a moth may come to swing from decision to
            decision, and be near its target at each but not in between. Without that of `rate`, or in windows of no
            more than 40 segments, its body comes to swing about a target that it holds.
        seed: of targets, starts and signs.
        engine: that flies, see `mothsim.controllers.policies.flight_windows.ENGINES`.
    """

    steps: int = 320
    moths: int = 43
    segments: int = 100
    violence: float = 2.0
    tilt: float = 0.0
    bobbing: float = 2.0
    led: float = 0.155
    soon: tuple[float, float] = (90.0, 90.0)
    leaping: float = 0.25
    loaded: float = 1 / 60
    memory: float = 0.6
    damping: float = 0.1
    least_damping: float = 3e-3
    weights: dict[str, float] = field(
        default_factory=lambda: {
            "precision": 1e-3, "calm": 3e-3, "large": 10.0, "rate": 3e-3, "posture": 0.02, "huber": 3e-3,
            "effort": 1.5e-3, "change": 6e-3, "torque": 0.012, "patience": 1.5, "arrival": 0.0, "leap": 4.0,
            "ease": 0.3,
        }
    )  # fmt: skip
    seed: int = 0
    engine: str = "numba"

    def __post_init__(self) -> None:
        require_sound(self, ("steps", "moths", "segments"), ("violence", "bobbing", "damping", "least_damping"))
        if not 0 <= self.led < math.inf:
            raise ValueError(f"led = {self.led!r}: expected a time from 0 s on")
        if len(self.soon) != 2 or not all(0 < each < math.inf for each in self.soon):
            raise ValueError(f"soon = {self.soon!r}: expected a rate and a braking above 0")
        for name in ("leaping", "loaded", "memory"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)!r}: expected a share from 0 to below 1")
        CostWeights(**self.weights)


def refine_policy(
    network: Network, settings: RefiningSettings, checkpoint: Path | None = None, callback: Callback | None = None
) -> Network:
    """Refine a policy that flies; connections that are pruned, that is zero, stay so.

    Args:
        network: where to begin.
        settings: of the refining.
        checkpoint: file from which an interrupted refining goes on.
        callback: called after every step.

    Raises:
        ValueError: the checkpoint is of other settings, or damaged.
    """
    live, weights = live_parameters(network), CostWeights(**settings.weights)

    def advance(state: Any, step: int) -> tuple[Any, float]:
        values, matrix, damping, mean = state
        policy = with_parameters(network, values)
        window = fly_random(policy, settings, step)
        cost, gradient = cost_and_gradient(policy.layers, window, weights, MothBody(), True)
        slope = np.asarray(ravel_pytree(gradient)[0])[live]
        fresh = curvature(policy, window, settings, step)
        if not (np.isfinite(slope).all() and np.isfinite(fresh).all()):
            return state, float(cost)
        matrix = settings.memory * matrix + (1 - settings.memory) * fresh if step else fresh
        values, damping = take_step(
            values, matrix, slope, damping, settings.least_damping,
            lambda tried: _improves(with_parameters(network, tried), window, cost, settings, step),
        )  # fmt: skip
        return (values, matrix, damping, averaged(mean, values, step, settings.steps)), float(cost)

    count = len(live)
    values = parameters(network)
    first = (values, np.zeros((count, count), dtype=np.float32), settings.damping, values)
    (*_, mean), costs = iterate(first, advance, settings, checkpoint, callback)
    return replace(with_parameters(network, mean), info=trained_info(network, settings, costs))


def fly_random(network: Network, settings: RefiningSettings, step: int) -> Window:
    """Fly a policy after the random targets of a step."""
    rng = np.random.default_rng([settings.seed, step])
    return random_window(
        network.layers, rng, settings.moths, settings.segments, settings.violence, settings.tilt, settings.engine,
        settings.bobbing, settings.led, settings.leaping, settings.loaded, settings.soon,
    )  # fmt: skip


def curvature(network: Network, window: Window, settings: RefiningSettings, step: int) -> NDArray[np.float32]:
    """Gauss-Newton matrix (P, P) of the cost of a step's flights by the `parameters` of the policy that flew them."""
    rng, weights = np.random.default_rng([settings.seed, step, 1]), CostWeights(**settings.weights)
    return gauss_newton_matrix(network, window, weights, rng)


def _improves(network: Network, window: Window, cost: Any, settings: RefiningSettings, step: int) -> bool:
    """Whether a policy flies a step's flights at less than the cost of a window of them, and loses no more moths."""
    flown = fly_random(network, settings, step)
    kept = flown.sound.sum() >= window.sound.sum()
    return bool(kept and _cost(network.layers, flown, CostWeights(**settings.weights)) < cost)


@jax.jit
def _cost(pairs: Parameters, window: Window, weights: CostWeights) -> Any:
    return flight_cost(pairs, window, weights, MothBody(), True)
