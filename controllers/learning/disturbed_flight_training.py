"""Training an inverse model on through long disturbed flights of its own, on kinematic waypoints.

As in `mothsim.controllers.learning.flight_training` the network's loss on random segments (Zahn et al. 2022) is added,
and what was pruned stays pruned; but the flights go on from step to step, and noise, delay, gusts and the body are
drawn for each as for policies (`mothsim.controllers.policies.disturbed_scenarios`).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.guidance.kinematic import TargetMotion, target_motion
from mothsim.controllers.guidance.kinematic_stability import select_kinematic_gains
from mothsim.controllers.inverse_model import GAINS, WAYPOINT
from mothsim.controllers.learning.data import Dataset, make_dataset
from mothsim.controllers.learning.flight_run import tested_loss
from mothsim.controllers.learning.flight_training import (
    FlightConstants,
    decide,
    flight_constants,
    learnt_gains,
    segment_error,
)
from mothsim.controllers.learning.training import forward
from mothsim.controllers.learning.training_run import Callback, as_json, curve_of, iterate
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.disturbed_flights import DisturbedWindow, Flights, Shown
from mothsim.controllers.policies.disturbed_scenarios import Disturbed
from mothsim.controllers.policies.flight_gradient import bounded_costate
from mothsim.controllers.policies.persistent_flights import first_flights, next_window
from mothsim.controllers.policies.policy_training import require_sound
from mothsim.trim import find_trim

Array = NDArray[np.floating]

_NARROWEST, _WIDEST = 0.03, 0.3  # cm: errors below count by their square, above by themselves; falls as training goes
_CALM, _LARGE = 0.05, 1.0  # cm, errors of a flight above which more counts by its logarithm, and by so much of itself
_BATCH = 512  # segments a step
_GENTLE = 0.5  # of the share that the nominal body allows, so that others are not lost before anything is learnt
_UPRIGHT = find_trim(MothBody()).state[2:4]
_SEGMENTS = 100_000  # of Zahn et al.'s, drawn once


@dataclass(frozen=True)
class DisturbedFlightSettings:
    """All that a training depends on, beside the network.

    Attributes:
        steps: of Adam.
        groups, moths: groups of so many moths each, on one body a group.
        segments: of a window.
        learning_rate: at its peak, after 50 steps; it falls along a cosine.
        violence: starts are up to so many times as far off as those of `recover`.
        bobbing: factor on the targets' sines along y.
        segment_weight: times the loss on Zahn et al.'s segments is added to the mean error in cm.
        disturbed: by what at most, see `Disturbed`.
        seed: of flights, disturbances and segments.
    """

    steps: int = 800
    groups: int = 4
    moths: int = 8
    segments: int = 25
    learning_rate: float = 6e-4
    violence: float = 0.4
    bobbing: float = 1.0
    segment_weight: float = 100.0
    disturbed: dict[str, Any] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        require_sound(
            self, ("steps", "groups", "moths", "segments"), ("learning_rate", "violence", "bobbing", "segment_weight")
        )
        Disturbed(**self.disturbed)


class InverseModelInFlight:
    """An inverse model as it is trained by now; see `mothsim.controllers.policies.disturbed_flights.InTraining`.

    It remembers the integral (B, 2) of its kinematic waypoints.
    """

    def __init__(self, parameters: Any, constants: FlightConstants) -> None:
        self._parameters = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), parameters)
        self._constants = constants

    def first_memory(self, states: Array, positions: Array, velocities: Array) -> Array:
        """No integral."""
        return np.zeros((len(states), 2))

    def decide(self, sensed: Array, memory: Array, shown: Shown) -> tuple[Array, Array, Array]:
        """Components (B, 3), no record (B, 0), and the integral after."""
        target = _motion(shown.position, shown.velocity, shown.following)
        integral, components = decide(self._parameters, self._constants, sensed, memory, target, np)
        return components, np.empty((len(sensed), 0)), integral

    def for_gradient(self, memory: Array) -> Array:
        """The integral."""
        return memory


def train_disturbed(
    network: Network,
    settings: DisturbedFlightSettings,
    checkpoint: Path | None = None,
    callback: Callback | None = None,
) -> Network:
    """Train an inverse model on through disturbed flights by Adam; zero weights stay zero.

    Args:
        network: an inverse model, dense or pruned.
        settings: of the training.
        checkpoint: file from which an interrupted training goes on.
        callback: called after every step.

    Raises:
        ValueError: the network is of a fully actuated moth; the checkpoint is of other settings, or damaged.
    """
    if network.fully_actuated:
        raise ValueError("network gives a wing torque: expected an inverse model of three controls")
    allowed = select_kinematic_gains(network)
    first = replace(allowed, position=_GENTLE * allowed.position)
    constants, masks = flight_constants(network, first), [np.float32(mask) for mask in network.masks]
    data = make_dataset(_SEGMENTS, settings.seed, scaling=network.scaling)
    rates = optax.warmup_cosine_decay_schedule(
        0.0, settings.learning_rate, min(50, settings.steps // 4), settings.steps, settings.learning_rate / 30
    )
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rates))
    update = jax.jit(optimiser.update)

    def advance(state: Any, step: int) -> tuple[Any, float]:
        parameters, moments, flights = state
        (cost, slopes), flights = _gradient(parameters, constants, flights, data, settings, step)
        weights, *others = slopes
        slopes = (tuple(slope * mask for slope, mask in zip(weights, masks, strict=True)), *others)
        if np.isfinite(float(optax.global_norm(slopes))):
            change, moments = update(slopes, moments, parameters)
            parameters = optax.apply_updates(parameters, change)
        return (parameters, moments, flights), float(cost)

    start = (network.weights, network.biases, np.zeros(len(fields(first)), np.float32))
    flights = first_flights(settings, InverseModelInFlight(start, constants))
    state = (start, optimiser.init(start), flights)
    ((weights, biases, ratios), *_), costs = iterate(state, advance, settings, checkpoint, callback)
    weights = tuple(np.asarray(weight, np.float32) * mask for weight, mask in zip(weights, masks, strict=True))
    biases = tuple(np.asarray(bias, np.float32) for bias in biases)
    info = {
        **network.info, "training": as_json(settings), "flight_curve": curve_of(costs), WAYPOINT: "kinematic",
        GAINS: list(astuple(learnt_gains(first, ratios))),
    }  # fmt: skip
    trained = Network(weights, biases, network.scaling, info)
    return replace(trained, info={**info, "test_loss": tested_loss(trained)})


def _gradient(
    parameters: Any, constants: FlightConstants, flights: Flights, data: Dataset, settings: DisturbedFlightSettings,
    step: int,
) -> tuple[Any, Flights]:  # fmt: skip
    """Cost and gradient of a step's window and of a batch of segments, and the flights at the window's end."""
    window, flights = next_window(settings, InverseModelInFlight(parameters, constants), flights, step, until_lost=True)
    row = int(np.random.default_rng([settings.seed, step, 1]).integers(len(data.inputs) - _BATCH + 1))
    rows = slice(row, row + _BATCH)
    width = np.float32(_WIDEST * (_NARROWEST / _WIDEST) ** (step / settings.steps))
    weight = np.float32(settings.segment_weight)
    return cost_and_gradient(
        parameters, constants, window, width, weight, data.inputs[rows], data.outputs[rows]
    ), flights


def _motion(position: Any, velocity: Any, following: Any) -> TargetMotion:
    """The motion of a target, of which moths hold themselves upright."""
    posture = np.broadcast_to(_UPRIGHT, position.shape)
    return target_motion(position, velocity, following, posture)


def flight_cost(
    parameters: Any, constants: FlightConstants, window: DisturbedWindow, width: Any, segment_weight: Any, inputs: Any,
    outputs: Any,
) -> Any:  # fmt: skip
    """Mean error of a window's flights, bounded, and so many times the loss on segments."""
    targets = _motion(window.targets[:-1], window.velocities[: len(window.components)], window.targets[1:])
    flown = (window.states[:-1], window.states[1:], window.components, window.by_state, window.by_components)

    def segment(carry: Any, now: Any) -> Any:
        state, past, integral = carry
        state = bounded_costate(state)
        start, end, components, by_state, by_components, target, following, noise = now
        sensed = window.shares[:, :1] * state + jnp.einsum("bk,kbi->bi", window.shares[:, 1:], past) + noise
        integral, asked = decide(parameters, constants, sensed, integral, target)
        after = end + jnp.einsum("bij,bj->bi", by_state, state - start)
        after = after + jnp.einsum("bij,bj->bi", by_components, asked - components)
        cost = segment_error(after, following, width)
        return (after, jnp.concatenate([state[None], past[:-1]]), integral), cost

    carry = (window.states[0], window.past, window.memory)
    _, errors = jax.lax.scan(segment, carry, (*flown, targets, window.targets[1:], window.noise))
    mean = (errors * window.sound).mean(axis=0)
    flights = _CALM * jnp.log1p(mean / _CALM) + _LARGE * mean
    on_segments = jnp.mean((forward(parameters[:2], inputs) - outputs) ** 2)
    return flights.mean() + segment_weight * on_segments


cost_and_gradient = jax.jit(jax.value_and_grad(flight_cost))
