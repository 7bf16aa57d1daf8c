"""Training robust policies: windows of long disturbed flights, and the gradient through what a policy remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optax

from mothsim.body import MothBody
from mothsim.controllers.learning.training_run import Callback
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.disturbed_flights import Flights
from mothsim.controllers.policies.disturbed_gradient import disturbed_cost_and_gradient
from mothsim.controllers.policies.disturbed_scenarios import Disturbed
from mothsim.controllers.policies.flight_windows import Parameters
from mothsim.controllers.policies.persistent_flights import first_flights, next_window
from mothsim.controllers.policies.policy_descent import descend
from mothsim.controllers.policies.policy_in_flight import PolicyInFlight
from mothsim.controllers.policies.policy_training import POSITIVE, random_policy, require_sound
from mothsim.controllers.policies.segment_costs import CostWeights
from mothsim.policy_interface import ENTRIES
from mothsim.policy_memory import MEMORY_ENTRIES

OPTIMISERS = {"adam": optax.adam, "muon": optax.contrib.muon}
"""Adam, and Muon, which makes every layer's step orthogonal (Jordan et al. 2024); pruned layers want Adam."""

_COARSEST = 0.4  # cm, the precision at first


@dataclass(frozen=True)
class RobustSettings:
    """All that a robust policy depends on.

    Attributes:
        hidden: nodes of the hidden layers.
        steps: of the optimiser.
        groups, moths: groups of so many moths each, on one body a group.
        segments: of a window.
        optimiser: one of `OPTIMISERS`.
        learning_rate: of the optimiser; from half of the steps on it falls to `last_rate` times this.
        violence: starts are up to so many times as far off as those of `recover`.
        bobbing: factor on the targets' sines along y, whose fastest a policy learns late or never where they are faint.
        precision: cm, see `CostWeights`; it falls from 0.4 cm over three quarters of the steps.
        weights: of the cost.
        disturbed: by what at most, see `Disturbed`.
        seed: of first weights, flights and disturbances.
    """

    hidden: tuple[int, ...] = (48, 48)
    steps: int = 4000
    groups: int = 12
    moths: int = 16
    segments: int = 25
    optimiser: str = "muon"
    learning_rate: float = 4e-3
    last_rate: float = 0.01
    violence: float = 1.2
    bobbing: float = 2.0
    precision: float = 0.003
    weights: dict[str, float] = field(
        default_factory=lambda: {"effort": 1e-4, "change": 5e-4, "calm": 0.01, "large": 1.0}
    )
    disturbed: dict[str, Any] = field(default_factory=lambda: {"gusts": 500.0, "undisturbed": 0.3})
    seed: int = 0

    def __post_init__(self) -> None:
        require_sound(self, ("steps", "groups", "moths", "segments"), (*POSITIVE, "last_rate", "bobbing"))
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"optimiser = {self.optimiser!r}: expected one of {', '.join(OPTIMISERS)}")
        Disturbed(**self.disturbed)


def init_robust_policy(settings: RobustSettings) -> Network:
    """A policy with memory, of random weights, that hardly acts."""
    return random_policy(len(ENTRIES) + len(MEMORY_ENTRIES), settings.hidden, settings.seed)


def train_robust_policy(
    network: Network, settings: RobustSettings, checkpoint: Path | None = None, callback: Callback | None = None
) -> Network:
    """Train a policy with memory on disturbed flights; connections that are pruned, that is zero, stay so.

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
    rate, half = settings.learning_rate, settings.steps // 2
    falling = optax.linear_schedule(rate, settings.last_rate * rate, max(1, half))
    schedule = optax.join_schedules([optax.constant_schedule(rate), falling], [half])
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), OPTIMISERS[settings.optimiser](schedule))

    def gradient(parameters: Parameters, flights: Flights, step: int) -> tuple[Any, Flights]:
        return _gradient(parameters, flights, settings, step)

    first: Parameters = network.layers
    flights = first_flights(settings, PolicyInFlight(first, MothBody()))
    return descend(network, optimiser, gradient, settings, flights, checkpoint=checkpoint, callback=callback)


def _gradient(parameters: Parameters, flights: Flights, settings: RobustSettings, step: int) -> tuple[Any, Flights]:
    """Cost and gradient of a step's window, and the flights at its end."""
    body = MothBody()
    window, flights = next_window(settings, PolicyInFlight(parameters, body), flights, step)
    precision = _COARSEST * (settings.precision / _COARSEST) ** min(1.0, step / settings.steps / 0.75)
    weights = CostWeights(precision=np.float32(precision), **settings.weights)
    return disturbed_cost_and_gradient(parameters, window, weights, body), flights
