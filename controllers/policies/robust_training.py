"""Training robust policies: windows of long disturbed flights, and the gradient through what a policy remembers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from mothsim.body import MothBody
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.disturbed_flights import (
    LONGEST,
    Course,
    Disturbed,
    DisturbedWindow,
    Flights,
    begin,
    begin_anew,
    draw_course,
    fly_on,
    upright,
)
from mothsim.controllers.policies.flight_gradient import (
    CostWeights,
    Parameters,
    arrival_cost,
    bounded_costate,
    forward,
    segment_cost,
)
from mothsim.controllers.policies.policy_descent import descend
from mothsim.controllers.policies.policy_run import Callback
from mothsim.controllers.policies.policy_targets import draw_starts
from mothsim.controllers.policies.policy_training import random_policy, require_sound
from mothsim.policy_interface import ENTRIES, to_control_components
from mothsim.policy_memory import MEMORY_ENTRIES, recall, remember
from mothsim.solver.propagate import SEGMENT

_COARSEST = 0.4  # cm, the precision at first
_CALM, _RAMP = 0.05, 0.3  # shares of the steps: without disturbances, and until they are all there
_ANEW = 1 / 12  # chance that a group's flight begins anew


@dataclass(frozen=True)
class RobustSettings:
    """All that a robust policy depends on.

    Attributes:
        hidden: nodes of the hidden layers.
        steps: of the optimiser.
        groups, moths: groups of so many moths each, on one body a group.
        segments: of a window.
        learning_rate: of Adam; from half of the steps on it falls to a thirtieth.
        violence: starts are up to so many times as far off as those of `recover`.
        precision: cm, see `CostWeights`; it falls from 0.4 cm over three quarters of the steps.
        weights: of the cost.
        disturbed: by what at most, see `Disturbed`.
        seed: of first weights, flights and disturbances.
    """

    hidden: tuple[int, ...] = (48, 48)
    steps: int = 6000
    groups: int = 12
    moths: int = 8
    segments: int = 25
    learning_rate: float = 2e-3
    violence: float = 1.2
    precision: float = 0.02
    weights: dict[str, float] = field(
        default_factory=lambda: {"effort": 1e-4, "change": 1e-3, "calm": 0.05, "large": 1.0}
    )
    disturbed: dict[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        require_sound(self, ("steps", "groups", "moths", "segments"))
        Disturbed(**self.disturbed)


def init_robust_policy(settings: RobustSettings) -> Network:
    """A policy with memory, of random weights, that hardly acts."""
    return random_policy(len(ENTRIES) + len(MEMORY_ENTRIES), settings.hidden, settings.seed)


def train_robust_policy(
    network: Network, settings: RobustSettings, checkpoint: Path | None = None, callback: Callback | None = None
) -> Network:
    """Train a policy with memory on disturbed flights by Adam; connections that are pruned, that is zero, stay so.

    Args:
        network: where to begin.
        settings: of the training.
        checkpoint: file from which an interrupted training goes on.
        callback: called after every step.

    Raises:
        ValueError: the network has no memory; the checkpoint is of other settings, or damaged.
    """
    if not network.has_memory:
        raise ValueError(f"network has {network.sizes[0]} inputs: expected a policy with memory")
    schedule = optax.join_schedules(
        [
            optax.constant_schedule(settings.learning_rate),
            optax.linear_schedule(settings.learning_rate, settings.learning_rate / 30, max(1, settings.steps // 2)),
        ],
        [settings.steps // 2],
    )
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))

    def gradient(parameters: Parameters, flights: Flights, step: int) -> tuple[Any, Flights]:
        return _gradient(parameters, flights, settings, step)

    flights = begin([_course(settings, group, 0) for group in range(settings.groups)], MothBody())
    return descend(network, optimiser, gradient, settings, flights, checkpoint=checkpoint, callback=callback)


def _course(settings: RobustSettings, group: int, begun: int) -> Course:
    strength = float(np.clip((begun / settings.steps - _CALM) / _RAMP, 0.0, 1.0))
    return draw_course(
        settings.seed, group, begun, settings.moths, settings.segments, settings.violence, strength,
        Disturbed(**settings.disturbed),
    )  # fmt: skip


def _gradient(parameters: Parameters, flights: Flights, settings: RobustSettings, step: int) -> tuple[Any, Flights]:
    """Cost and gradient of a step's window, and the flights at its end."""
    rng, body = np.random.default_rng([settings.seed, step]), MothBody()
    old = rng.uniform(size=settings.groups) < _ANEW
    old |= (step - flights.begun) * settings.segments >= LONGEST
    begun = np.where(old, step, flights.begun)
    courses = [_course(settings, group, int(each)) for group, each in enumerate(begun)]
    firsts = (step - begun) * settings.segments
    flights = _ready(flights._replace(begun=begun), courses, firsts, np.repeat(old, settings.moths), rng, body)
    window, flights = fly_on(parameters, flights, courses, firsts, settings.segments, rng, body)
    precision = _COARSEST * (settings.precision / _COARSEST) ** min(1.0, step / settings.steps / 0.75)
    weights = CostWeights(precision=np.float32(precision), **settings.weights)
    return disturbed_cost_and_gradient(parameters, window, weights, body), flights


def _ready(
    flights: Flights, courses: list[Course], firsts: Any, anew: Any, rng: np.random.Generator, body: MothBody
) -> Flights:
    """The flights, with those begun anew at their starts, and those that are lost back at their targets."""
    goals, speeds = (np.concatenate([getattr(c, name)[:, first] for c, first in zip(courses, firsts, strict=True)])
                     for name in ("positions", "velocities"))  # fmt: skip
    starts, wind = (np.concatenate([getattr(course, name) for course in courses]) for name in ("starts", "wind"))
    flights = begin_anew(flights, anew, starts, goals, speeds, wind, body)
    off = np.hypot(*(flights.states[:, :2] - goals).T)
    lost = ~((off < 25.0) & (np.abs(flights.states[:, 6:]).max(axis=1) < 100.0))
    return begin_anew(flights, lost, draw_starts(rng, goals, speeds, 0.5), goals, speeds, flights.wind, body)


def disturbed_cost(parameters: Parameters, window: DisturbedWindow, weights: CostWeights, body: MothBody) -> Any:
    """Cost of a window's flights, as a function of the parameters about the flights that were flown.

    As `mothsim.controllers.policies.flight_gradient.flight_cost`, through delay, noise and memory.
    """
    flown = (window.states[:-1], window.states[1:], window.components, window.by_state, window.by_components)
    shown = (window.targets[:-1], window.velocities[:-1], window.ahead, window.targets[1:], window.noise)

    def segment(carry: Any, inputs: Any) -> Any:
        state, past, memory, before = carry
        start, end, components, by_state, by_components, position, velocity, ahead, goal, noise = inputs
        state = bounded_costate(state)
        target = upright(position, velocity, ahead, body)
        sensed = window.shares[:, :1] * state + jnp.einsum("bk,kbi->bi", window.shares[:, 1:], past) + noise
        seen, memory = recall(sensed, target, memory, SEGMENT, jnp)
        outputs = forward(parameters, seen)
        asked = to_control_components(outputs, target.trims, body, jnp)
        memory = remember(memory, asked, target.trims, jnp)
        after = end + jnp.einsum("bij,bj->bi", by_state, state - start)
        after = after + jnp.einsum("bij,bj->bi", by_components, asked - components)
        cost = segment_cost(after, goal, outputs, outputs - before, weights, target.postures)
        return (after, jnp.concatenate([state[None], past[:-1]]), memory, outputs), cost

    count = window.sound.shape[0]
    carry = (window.states[0], window.past, window.memory, window.memory.outputs[:, 0])
    (last, *_), costs = jax.lax.scan(segment, carry, (*flown, *shown))
    arrival = weights.arrival * arrival_cost(last, window.velocities[-1], np.full(count, math.pi / 2))
    cost = costs.mean(axis=0) + arrival
    flights = jnp.log1p(cost / weights.calm) + weights.large * cost
    return (flights * window.sound).sum() / count


disturbed_cost_and_gradient = partial(jax.jit, static_argnames=("body",))(jax.value_and_grad(disturbed_cost))
