"""Training policies by the gradient through the flight: windows of random flights, Adam, a falling learning rate.

Every step draws its moths, targets and starts from the seed and its own number, so a run that is killed goes on from
its last checkpoint in the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import optax

from mothsim.body import MothBody
from mothsim.controllers.learning.training_run import Callback
from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.policies.flight_gradient import cost_and_gradient
from mothsim.controllers.policies.flight_windows import ENGINES, Parameters
from mothsim.controllers.policies.policy_descent import descend
from mothsim.controllers.policies.random_window import random_window
from mothsim.controllers.policies.segment_costs import CostWeights
from mothsim.policy_interface import ENTRIES, GRAVITY_ENTRIES, OUTPUT_ENTRIES

_OUTPUTS = len(OUTPUT_ENTRIES)
POSITIVE = ("learning_rate", "violence", "precision")
_FIRST_SHARE = 0.1  # of the steps, flown in short windows from calmer starts


@dataclass(frozen=True)
class PolicySettings:
    """All that a trained policy depends on.

    Attributes:
        hidden: nodes of the hidden layers; none is a linear policy.
        steps: of the optimiser.
        moths: flown side by side a step.
        segments: of a window; half of it in the first tenth of the steps.
        learning_rate: of Adam, falling along a cosine to a hundredth of it.
        violence: starts are up to so many times as far off as those of `recover`.
        tilt: largest body angle off upright, rad.
        precision: cm, see `CostWeights`; it falls from ten times this over the first six tenths of the steps.
        weights: of the cost.
        seed: of first weights, targets and starts.
        engine: that flies, see `mothsim.controllers.policies.flight_windows.ENGINES`.
    """

    hidden: tuple[int, ...] = (32, 32)
    steps: int = 1500
    moths: int = 128
    segments: int = 40
    learning_rate: float = 5e-3
    violence: float = 2.0
    tilt: float = 0.0
    precision: float = 0.01
    weights: dict[str, float] = field(default_factory=lambda: {"effort": 1e-3})
    seed: int = 0
    engine: str = "numba"

    def __post_init__(self) -> None:
        require_sound(self, ("steps", "moths", "segments"))


def require_sound(settings: Any, counts: tuple[str, ...], positive: tuple[str, ...] = POSITIVE) -> None:
    """Check the settings of a training.

    Args:
        settings: with a `seed`; those of a training from random weights with `hidden`.
        counts: names of those that are numbers of one or more.
        positive: names of those that are finite and above zero.

    Raises:
        ValueError: one is out of range; names it.
    """
    for name in counts:
        if getattr(settings, name) < 1:
            raise ValueError(f"{name} = {getattr(settings, name)!r}: expected 1 or more")
    for name in positive:
        if not 0 < getattr(settings, name) < math.inf:
            raise ValueError(f"{name} = {getattr(settings, name)!r}: expected a finite number above zero")
    if not 0 <= getattr(settings, "tilt", 0.0) <= math.pi:
        raise ValueError(f"tilt = {settings.tilt!r}: expected rad, from 0 to pi")
    if getattr(settings, "engine", "numba") not in ENGINES:
        raise ValueError(f"engine = {settings.engine!r}: expected one of {', '.join(ENGINES)}")
    if settings.seed < 0:
        raise ValueError(f"seed = {settings.seed!r}: expected 0 or more")
    if any(nodes < 1 for nodes in getattr(settings, "hidden", ())):
        raise ValueError(f"hidden = {settings.hidden!r}: expected layers of at least one node")


def init_policy(settings: PolicySettings) -> Network:
    """Return a policy with random weights and small outputs; where `tilt` is not 0, it observes where up is."""
    inputs = len(ENTRIES) + (len(GRAVITY_ENTRIES) if settings.tilt else 0)
    return random_policy(inputs, settings.hidden, settings.seed)


def random_policy(inputs: int, hidden: tuple[int, ...], seed: int) -> Network:
    """A policy with random weights, whose outputs are a tenth as large as its hidden layers would give."""
    rng = np.random.default_rng(seed)
    sizes, gains = (inputs, *hidden, _OUTPUTS), [*(1.0 for _ in hidden), 0.1]
    weights = tuple(
        (gain / np.sqrt(before) * rng.normal(size=(before, after))).astype(np.float32)
        for gain, (before, after) in zip(gains, pairwise(sizes), strict=True)
    )
    biases = tuple(np.zeros(after, dtype=np.float32) for after in sizes[1:])
    return Network(weights, biases, Scaling.identity(inputs, _OUTPUTS), kind="policy")


def train_policy(
    network: Network, settings: PolicySettings, checkpoint: Path | None = None, callback: Callback | None = None
) -> Network:
    """Train a policy by Adam; connections that are pruned, that is zero, stay so.

    Args:
        network: where to begin.
        settings: of the training.
        checkpoint: file from which an interrupted training goes on.
        callback: called after every step.

    Raises:
        ValueError: the checkpoint is of other settings, or damaged.
    """
    rate = optax.cosine_decay_schedule(settings.learning_rate, settings.steps, 0.01)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate, b2=0.99))

    def gradient(parameters: Parameters, flights: Any, step: int) -> tuple[Any, Any]:
        return _gradient(parameters, settings, step), flights

    return descend(network, optimiser, gradient, settings, checkpoint=checkpoint, callback=callback)


def _gradient(parameters: Parameters, settings: PolicySettings, step: int) -> Any:
    """Cost and gradient of a step's window."""
    rng = np.random.default_rng([settings.seed, step])
    done = step / settings.steps
    first = done < _FIRST_SHARE
    segments = max(1, settings.segments // 2) if first else settings.segments
    violence = settings.violence * (0.2 if first else min(1.0, 0.5 + done))
    window = random_window(parameters, rng, settings.moths, segments, violence, settings.tilt, settings.engine)
    precision = settings.precision * 10.0 ** max(0.0, 1 - done / 0.6)
    weights = CostWeights(precision=np.float32(precision), **settings.weights)
    return cost_and_gradient(parameters, window, weights, MothBody())
