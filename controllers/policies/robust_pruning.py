"""Robust policies of few connections: trained on disturbed flights from nothing, and pruned while training goes on.

The hidden layer is four nodes with tanh, each wired to one output by a fixed weight, which is the node's reach: how
much it may ask for. One asks for force along the body, one for abdominal torque, and two for force across: one, of
little reach, by errors of position and velocity, the other by the rest, such as attitude. Were these one node, errors
of position would drown attitude after a violent start. The first layer begins at zero. Connections go one by one, the
least salient first by the optimal brain surgeon with the second moments of single flights' gradients, at a falling
rate (Zhu and Gupta 2017, *To prune, or not to prune*).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.learning.optimal_brain_surgeon import remove_least_salient
from mothsim.controllers.learning.training_run import Callback, iterate, trained_info
from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.policies.disturbed_flights import DisturbedWindow, Flights
from mothsim.controllers.policies.disturbed_gradient import cost_until_lost
from mothsim.controllers.policies.disturbed_scenarios import Disturbed, Scenario
from mothsim.controllers.policies.flight_windows import Parameters
from mothsim.controllers.policies.moth_by_moth import moth_by_moth
from mothsim.controllers.policies.persistent_flights import first_flights, next_window
from mothsim.controllers.policies.policy_in_flight import PolicyInFlight
from mothsim.controllers.policies.policy_training import require_sound
from mothsim.controllers.policies.segment_costs import CostWeights
from mothsim.controllers.policies.single_disturbances import draw_singly_disturbed
from mothsim.policy_interface import ENTRIES
from mothsim.policy_memory import MEMORY_ENTRIES

_NAMES = [entry.name for entry in (*ENTRIES, *MEMORY_ENTRIES)]
_OUTPUTS, _REACHES = (0, 1, 2, 1), (0.9, 2.7, 0.6, 0.27)  # of the nodes: which output, and how much of it
_ATTITUDE, _POSITION = 1, 3  # the nodes that ask for force across
_WEIGHTS = len(_NAMES) * len(_OUTPUTS)
_PARAMETERS = _WEIGHTS + len(_OUTPUTS) + 3

_TRAINED, _RAMP = 0.25, 0.1  # shares of the steps: before the first removal, and until all disturbances are there
_SLOWEST = 0.125  # of the learning rate, to which it falls
_ANEW, _LONGEST = 0.6, 100  # chance that a flight begins anew, and decisions after which it does
_LONGEST_STEP, _LONGEST_MOMENT = 50.0, 5.0  # times the median length, to which the flights' longer gradients are cut
_MEMORY, _AVERAGED = 0.99, 0.98  # of the second moments, and of the average of the parameters
_DAMPING = 0.02  # of the second moments' diagonal


@dataclass(frozen=True)
class RobustPruningSettings:
    """All that a robust policy of few connections depends on.

    Attributes:
        keep: connections at which pruning ends.
        steps: of the optimiser, a quarter of them before the first removal.
        groups, moths, segments, violence, precision, weights, seed: see
            `mothsim.controllers.policies.robust_training.RobustSettings`; the precision does not fall.
        learning_rate: at first; it falls to an eighth.
        disturbed: by what at most, in one way at a time, see `Disturbed`.
    """

    keep: int = 36
    steps: int = 3500
    groups: int = 12
    moths: int = 16
    segments: int = 25
    learning_rate: float = 4e-3
    violence: float = 1.15
    precision: float = 0.05
    weights: dict[str, float] = field(
        default_factory=lambda: {"effort": 1e-4, "change": 1e-3, "calm": 1.0, "large": 3.0}
    )
    disturbed: dict[str, Any] = field(
        default_factory=lambda: {"delay": 0.0213, "noise": 0.055, "gusts": 330.0, "size": 1.27, "abdomen": 2.05}
    )
    seed: int = 0

    def __post_init__(self) -> None:
        require_sound(
            self, ("keep", "steps", "groups", "moths", "segments"), ("learning_rate", "violence", "precision")
        )
        Disturbed(**self.disturbed)


def unwired_policy() -> Network:
    """A policy with memory whose hidden nodes have their reaches, and nothing that they take."""
    nodes = len(_OUTPUTS)
    reaches = np.zeros((nodes, 3), np.float32)
    reaches[range(nodes), _OUTPUTS] = _REACHES
    weights = np.zeros((len(_NAMES), nodes), np.float32), reaches
    biases = np.zeros(nodes, np.float32), np.zeros(3, np.float32)
    return Network(weights, biases, Scaling.identity(len(_NAMES), 3), kind="policy")


class _State(NamedTuple):
    """Values, which of them live, the optimiser's moments, second moments (P, P), averaged values, and the flights."""

    values: NDArray[np.float32]
    live: NDArray[np.bool_]
    moments: Any
    curvature: NDArray[np.float64]
    average: NDArray[np.float32]
    flights: Flights


def prune_robust_policy(
    network: Network, settings: RobustPruningSettings, checkpoint: Path | None = None,
    callback: Callback | None = None, taken: Callable[[Network], None] | None = None,
) -> Network:  # fmt: skip
    """Train a policy with memory on disturbed flights, and prune it meanwhile.

    Args:
        network: where to begin: an `unwired_policy`.
        settings: of the training and pruning.
        checkpoint: file from which an interrupted training goes on.
        callback: called after every step.
        taken: called with the policy as it is before every removal, its parameters averaged over the last steps.

    Returns:
        The policy at the end.

    Raises:
        ValueError: the network has other nodes; the checkpoint is of other settings, or damaged.
    """
    if network.sizes != unwired_policy().sizes:
        raise ValueError(f"network has layers of {network.sizes} nodes: expected those of an unwired policy")
    decay = optax.exponential_decay(settings.learning_rate, settings.steps, _SLOWEST)
    reaches = network.weights[1]
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(decay))
    update = jax.jit(optimiser.update)

    def advance(state: _State, step: int) -> tuple[_State, float]:
        while _connections(state.live) > _goal(settings, step):
            if taken:
                taken(_network(state.average, reaches))
            state = _without_least(state, step)
        slopes, cost, flights = _gradients(state, reaches, settings, step)
        change, moments = update(_cut(slopes, _LONGEST_STEP).mean(axis=0).astype(np.float32), state.moments)
        values = state.values + state.live * np.asarray(change)
        slopes = _cut(slopes, _LONGEST_MOMENT)
        curvature = _MEMORY * state.curvature + (1 - _MEMORY) * slopes.T @ slopes / len(slopes)
        average = (state.average + np.float32(1 - _AVERAGED) * (values - state.average)).astype(np.float32)
        return _State(values, state.live, moments, curvature, average, flights), cost

    values = np.concatenate([network.weights[0].ravel(), *network.biases])
    flights = first_flights(settings, PolicyInFlight(_parameters(values, reaches), MothBody()), _draw)
    first = _State(values, _wirable(), optimiser.init(values), np.zeros((_PARAMETERS, _PARAMETERS)), values, flights)
    last, costs = iterate(first, advance, settings, checkpoint, callback)
    network = _network(last.average, reaches)
    return Network(network.weights, network.biases, network.scaling, trained_info(network, settings, costs), "policy")


def _goal(settings: RobustPruningSettings, step: int) -> float:
    """Connections that there may be at a step."""
    done = max(0.0, step / settings.steps - _TRAINED) / (1 - _TRAINED)
    full = _connections(_wirable())
    return full + (settings.keep - full) * (1 - (1 - done) ** 3)


def _wirable() -> NDArray[np.bool_]:
    """Which of the parameters (P,) a policy may have: of the two nodes for force across, each takes what is its own."""
    motions = ("target", "joint velocity", "integral")
    position = np.array([name.startswith(motions) and name.endswith("across") for name in _NAMES])
    wirable = np.ones((len(_NAMES), len(_OUTPUTS)), bool)
    wirable[:, _ATTITUDE], wirable[:, _POSITION] = ~position, position
    return np.concatenate([wirable.ravel(), np.ones(_PARAMETERS - _WEIGHTS, bool)])


def _connections(live: NDArray[np.bool_]) -> int:
    """Connections of what is left: of the first layer, and of the nodes that it still reaches."""
    first = live[:_WEIGHTS].reshape(-1, len(_OUTPUTS))
    return int(first.sum() + first.any(axis=0).sum())


def _parameters(values: Any, reaches: Any) -> Parameters:
    """Of a policy with these values (P,), the first layer's weights and biases and the outputs' biases."""
    nodes = len(reaches)
    biases = values[_WEIGHTS:]
    return (values[:_WEIGHTS].reshape(-1, nodes), biases[:nodes]), (reaches, biases[nodes:])


def _network(values: NDArray[np.float32], reaches: NDArray[np.float32]) -> Network:
    """The policy with these values, without nodes that take nothing; what these gave is in the biases."""
    (weights, biases), (_, offsets) = _parameters(values, reaches)
    live = weights.any(axis=0)
    offsets = offsets + np.tanh(biases[~live]) @ reaches[~live]
    scaling = Scaling.identity(len(_NAMES), 3)
    return Network((weights[:, live], reaches[live]), (biases[live], offsets), scaling, kind="policy")


def _without_least(state: _State, step: int) -> _State:
    """The state without the least salient connection, the other values adjusted."""
    live = np.flatnonzero(state.live)
    matrix = state.curvature[np.ix_(live, live)] / (1 - _MEMORY**step)
    matrix += _DAMPING * np.diag(np.diag(matrix))
    weights = int(state.live[:_WEIGHTS].sum())
    adjusted, gone = remove_least_salient(state.values[live].astype(np.float64), matrix, weights, 1)
    values, left = state.values.copy(), state.live.copy()
    values[live], left[live] = adjusted, ~gone
    return state._replace(values=values, live=left, average=state.average * left)


def _gradients(
    state: _State, reaches: NDArray[np.float32], settings: RobustPruningSettings, step: int
) -> tuple[NDArray[np.float64], float, Flights]:
    """Gradients (B, P) of the flights of a step's window, their mean cost, and the flights after it."""
    policy = PolicyInFlight(_parameters(state.values, reaches), MothBody())
    window, flights = next_window(
        settings, policy, state.flights, step, until_lost=True, draw=_draw, anew=_ANEW, longest=_LONGEST
    )
    weights = CostWeights(precision=np.float32(settings.precision), **settings.weights)
    costs, slopes = _moth_costs(state.values, reaches, window, weights, MothBody())
    slopes = np.asarray(slopes, np.float64) * state.live
    slopes = slopes[np.isfinite(slopes).all(axis=1)]
    if not len(slopes):
        return np.zeros((1, _PARAMETERS)), float(np.mean(costs)), flights
    return slopes, float(np.mean(costs)), flights


def _cut(slopes: NDArray[np.float64], most: float) -> NDArray[np.float64]:
    """Gradients (B, P), those cut that are over so many times as long as the median."""
    lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
    return slopes * np.minimum(1.0, most * np.median(lengths) / np.maximum(lengths, 1e-12))


@partial(jax.jit, static_argnames=("body",))
def _moth_costs(values: Any, reaches: Any, window: DisturbedWindow, weights: CostWeights, body: MothBody) -> Any:
    """Costs (B,) of the flights of a window, and their gradients (B, P)."""

    def cost(values: Any, moth: DisturbedWindow) -> Any:
        return cost_until_lost(_parameters(values, reaches), moth, weights, body)

    return moth_by_moth(jax.value_and_grad(cost), values, window)


def _draw(settings: RobustPruningSettings, group: int, begun: int) -> Scenario:
    return draw_singly_disturbed(
        settings.seed, group, begun, settings.moths, _LONGEST + settings.segments, settings.violence,
        min(1.0, begun / (_RAMP * settings.steps)), Disturbed(**settings.disturbed),
    )  # fmt: skip
