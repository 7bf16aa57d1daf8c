"""Training an inverse model on through its own flight, on kinematic waypoints: no law flies beside it.

The engine flies moths by the network as it is, and gives each segment's Jacobian; JAX then differentiates the affine
flight `s' = s'_flown + A (s - s_flown) + B (u - u_flown)` with the network in it, which is exact at the flight itself.
So that the network stays an inverse model, its loss on random segments (Zahn et al. 2022) is added. What was pruned
stays pruned. A result depends on the settings and the network alone.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from mothsim.actuation import from_components
from mothsim.body import MothBody
from mothsim.controllers.guidance.kinematic import (
    KinematicGains,
    TargetMotion,
    add_error,
    waypoints,
)
from mothsim.controllers.learning.data import Dataset
from mothsim.controllers.learning.random_targets import draw_starts, draw_targets
from mothsim.controllers.learning.training import forward
from mothsim.controllers.networks.network import CONTROLS, Network
from mothsim.controllers.networks.network_inputs import network_inputs
from mothsim.controllers.policies.flight_gradient import bounded_costate
from mothsim.controllers.policies.flight_windows import forward as layers
from mothsim.solver.propagate import propagate
from mothsim.trim import segment_slopes

Array = NDArray[np.floating]

_LENGTHS = ((0.0, 10), (0.1, 25), (0.6, 40))  # segments of a flight, from that share of the steps on
_NARROWEST, _WIDEST = 0.03, 0.3  # cm: errors below count by their square, above by themselves; falls as training goes
_FAR = 30.0  # cm, an error beyond which no moth is hopeful
_GIVEN_UP = 100.0  # cm, beyond which a flight is left out of the gradient
_TILT_PRICE = 0.02  # cm, of half a turn off upright, halved
_LARGEST_COSTATE = 10.0  # of a flight's summed error, cm; a tumbling moth's would drown all others'
_GAIN_RATE = 10.0  # times a weight's rate of learning, as shares of a gain
_BATCH = 512  # segments a step


@dataclass(frozen=True)
class FlightSettings:
    """All that a training through the flight depends on, beside the network.

    Attributes:
        steps: of Adam.
        moths: a step.
        learning_rate: at its peak, after 50 steps; it falls along a cosine. At 1e-3 all diverges.
        segment_weight: times the loss on Zahn et al.'s segments is added to the mean error in cm.
        segments: of theirs, drawn once.
        seed: of flights and segments.

    Raises:
        ValueError: a number out of range.
    """

    steps: int = 500
    moths: int = 64
    learning_rate: float = 6e-5
    segment_weight: float = 100.0
    segments: int = 400_000
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"steps": 1, "moths": 1, "learning_rate": 0.0, "segment_weight": 0.0, "segments": _BATCH, "seed": 0}
        for field, value in zip(fields(self), astuple(self), strict=True):
            if not (np.isfinite(value) and value >= least[field.name]):
                raise ValueError(f"{field.name} = {value!r}: expected a finite number of {least[field.name]} or more")


class FlightState(NamedTuple):
    """Where a training stands: what it needs to go on in the same bits.

    Attributes:
        parameters: `(weights, biases, gains)`, gains as logarithms of their ratio to the first.
        optimiser: as optax made it.
        curve: (steps so far, 2), each flight's mean error, cm, and the loss on segments.
    """

    parameters: Any
    optimiser: Any
    curve: NDArray[np.float32]


class Flown(NamedTuple):
    """Flights of T segments by B moths, and the segments' Jacobians; x and y have columns of their own like the rest.

    Attributes:
        states: (T + 1, B, 8).
        components: (T, B, 3), as applied.
        a, b: (T, B, 8, 8) and (T, B, 8, 3).
        good: (B,), 1 of a flight to learn from, else 0.
    """

    states: Array
    components: Array
    a: Array
    b: Array
    good: Array


class FlightConstants(NamedTuple):
    """The gains at first, and the network's scaling."""

    gains: Any
    input_min: Any
    input_max: Any
    output_min: Any
    output_max: Any


class FlightTrainer:
    """Trains one network through its flight; `start`, then `step` after `step`, then `finish`."""

    def __init__(self, network: Network, gains: KinematicGains, data: Dataset, settings: FlightSettings) -> None:
        self.network, self.first, self.data, self.settings = network, gains, data, settings
        self.body = MothBody()
        self._constants = flight_constants(network, gains)
        self._masks = tuple(jnp.asarray(mask, jnp.float32) for mask in network.masks)
        rate = optax.warmup_cosine_decay_schedule(
            0.0, settings.learning_rate, min(50, settings.steps // 4), settings.steps, 1e-7
        )
        self._optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))

    def start(self) -> FlightState:
        """A training from the network as it came."""
        weights, biases = (tuple(map(jnp.asarray, part)) for part in (self.network.weights, self.network.biases))
        parameters = (weights, biases, jnp.zeros(len(fields(self.first))))
        return FlightState(parameters, self._optimiser.init(parameters), np.empty((0, 2), np.float32))

    def step(self, state: FlightState) -> FlightState:
        """Fly, and learn from it; a step whose slopes are not finite changes nothing."""
        number = len(state.curve)
        done = number / self.settings.steps
        rng = np.random.default_rng([self.settings.seed, number])
        length = [segments for begin, segments in _LENGTHS if begin <= done][-1]
        targets = draw_targets(rng, self.settings.moths, length)
        starts = draw_starts(rng, targets, violence=min(1.0, 0.3 + done))
        flown = self.fly(state.parameters, starts, targets)
        first = rng.integers(len(self.data.inputs) - _BATCH + 1)
        width = _WIDEST * (_NARROWEST / _WIDEST) ** done
        (_, curve), slopes = self.slopes(state.parameters, flown, targets, width, slice(first, first + _BATCH))
        curve = np.append(state.curve, np.asarray(curve, np.float32)[None], axis=0)
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes)):
            return state._replace(curve=curve)
        weights, *others = slopes
        seen = (tuple(slope * mask for slope, mask in zip(weights, self._masks, strict=True)), *others)
        moves, optimiser = self._optimiser.update(seen, state.optimiser, state.parameters)
        return FlightState(optax.apply_updates(state.parameters, moves), optimiser, curve)

    def slopes(self, parameters: Any, flown: Flown, targets: TargetMotion, width: float, rows: slice) -> Any:
        """`((loss, (error, loss on segments)), slopes)` of a flight, and of these rows of the segments."""
        inputs, outputs = self.data.inputs[rows], self.data.outputs[rows]
        weight = self.settings.segment_weight
        return _slopes(parameters, self._constants, flown, targets, width, weight, inputs, outputs)

    def fly(self, parameters: Any, starts: Array, targets: TargetMotion) -> Flown:
        """Fly from starts (B, 8) after targets (T + 1, B, 2), by the engine."""
        states, components, integral = [starts], [], np.zeros((len(starts), 2))
        good = np.ones(len(starts), dtype=bool)
        for step in range(targets.position.shape[0] - 1):
            target = TargetMotion(*(column[step] for column in targets))
            integral, control = _decide(parameters, self._constants, states[-1], integral, target)
            components.append(np.pad(np.asarray(control, np.float64), [(0, 0), (0, 1)]))
            after = starts.copy()  # of moths that were given up, which no engine need follow through their tumbling
            after[good] = propagate(states[-1][good], from_components(components[-1][good]), body=self.body).states
            off = np.hypot(*(after[:, :2] - targets.position[step + 1]).T)
            good &= np.isfinite(after).all(axis=1) & (off < _GIVEN_UP)
            after[~good] = starts[~good]
            states.append(after)
        flown, applied = np.array(states), np.array(components)
        flown[:, ~good], applied[:, ~good] = starts[0], 0.0
        a, b = segment_slopes(self.body, flown[:-1].reshape(-1, 8), applied.reshape(-1, 4))
        shape = applied.shape[:2]
        return Flown(
            flown.astype(np.float32),
            applied[..., :CONTROLS].astype(np.float32),
            np.where(good[:, None, None], a.reshape(*shape, 8, 8), 0).astype(np.float32),
            np.where(good[:, None, None], b.reshape(*shape, 8, 4)[..., :CONTROLS], 0).astype(np.float32),
            good.astype(np.float32),
        )

    def gains(self, state: FlightState) -> KinematicGains:
        """The gains as they are learnt by now."""
        return learnt_gains(self.first, state.parameters[2])

    def finish(self, state: FlightState, info: dict[str, Any]) -> Network:
        """The network as it is trained by now, with `info` beside what was known of it."""
        weights, biases, _ = jax.tree.map(np.asarray, state.parameters)
        return Network(weights, biases, self.network.scaling, {**self.network.info, **info})


def flight_constants(network: Network, gains: KinematicGains) -> FlightConstants:
    """What the flight of a network depends on beside its parameters."""
    scaling = network.scaling
    edges = astuple(gains), scaling.input_min, scaling.input_max, scaling.output_min, scaling.output_max
    return FlightConstants(*(np.asarray(edge, np.float32) for edge in edges))


def learnt_gains(first: KinematicGains, ratios: Any) -> KinematicGains:
    """The gains, from those at first and the parameters that have been learnt of them."""
    factors = np.exp(_GAIN_RATE * np.asarray(ratios, np.float64))
    return KinematicGains(*(float(f"{gain:.6g}") for gain in factors * np.array(astuple(first))))


def decide(
    parameters: Any, constants: FlightConstants, states: Any, integral: Any, target: TargetMotion, xp: Any = jnp
) -> tuple[Any, Any]:
    """The integral (B, 2) after, and the force and torque (B, 3), within Zahn et al.'s moth's limits.

    Args:
        parameters: `(weights, biases, gains)`, see `FlightState`.
        constants: see `flight_constants`.
        states: (B, 8).
        integral: (B, 2), see `mothsim.controllers.guidance.kinematic.add_error`.
        target: a row a moth.
        xp: `jax.numpy`, or NumPy where no gradient is wanted.
    """
    weights, biases, ratios = parameters
    first, low, high, out_low, out_high = constants
    names = [field.name for field in fields(KinematicGains)]
    values = first * xp.exp(_GAIN_RATE * ratios)
    gains = SimpleNamespace(**dict(zip(names, values, strict=True)))
    integral = add_error(integral, states, target, gains.integral)
    inputs = network_inputs(states, waypoints(states, integral, target, gains))
    scaled = layers(tuple(zip(weights, biases, strict=True)), (inputs - low) / (high - low) - 0.5, xp)
    control = ((scaled + 0.5) * (out_high - out_low) + out_low)[:, :CONTROLS]
    body = MothBody()
    force = xp.sqrt((control[:, :2] ** 2).sum(-1, keepdims=True) + 1e-6)
    torque = xp.clip(control[:, 2:], -body.abdomen_torque_limit, body.abdomen_torque_limit)
    return integral, xp.concat([control[:, :2] * xp.minimum(1.0, body.force_limit / force), torque], axis=1)


def segment_error(after: Any, following: Any, width: Any) -> Any:
    """Errors (B,) of states (B, 8) at a segment's end from where the target then is (B, 2), bounded, cm."""
    off = jnp.sqrt(((after[:, :2] - following) ** 2).sum(-1) + width**2) - width
    tilt = 1 - jnp.cos(after[:, 2] - jnp.pi / 2)
    return off / (1 + off / _FAR) + _TILT_PRICE * tilt


_decide = jax.jit(decide)


def _loss(
    parameters: Any, constants: FlightConstants, flown: Flown, targets: TargetMotion, width: Any, segment_weight: Any,
    inputs: Any, outputs: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """The mean error of the flight, bounded, and so many times the loss on segments."""
    segments, moths = flown.components.shape[:2]
    largest = _LARGEST_COSTATE / (segments * moths)

    def segment(carry, now):
        states, integral = carry
        states = bounded_costate(states, largest)
        target, following, flown_states, ends, components, a, b = now
        integral, control = decide(parameters, constants, states, integral, target)
        moved = jnp.einsum("nij,nj->ni", a, states - flown_states)
        after = ends + moved + jnp.einsum("nij,nj->ni", b, control - components)
        return (after, integral), jnp.mean(segment_error(after, following, width) * flown.good)

    begun = jax.tree.map(lambda column: column[:-1], targets)
    carry = (flown.states[0], jnp.zeros((flown.states.shape[1], 2)))
    rows = (begun, targets.position[1:], flown.states[:-1], flown.states[1:], flown.components, flown.a, flown.b)
    _, errors = jax.lax.scan(segment, carry, rows)
    on_segments = jnp.mean((forward(parameters[:2], inputs) - outputs) ** 2)
    return errors.mean() + segment_weight * on_segments, jnp.stack([errors.mean(), on_segments])


_slopes = jax.jit(jax.value_and_grad(_loss, has_aux=True))
