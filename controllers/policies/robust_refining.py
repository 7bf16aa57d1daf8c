"""Refining robust policies by damped Gauss-Newton steps, through delay, noise and what they remember.

As in `mothsim.controllers.policies.policy_refining`, but over the windows of long disturbed flights. What a policy
estimates of the response to its outputs is taken as it was flown. The gradient of a moth that tumbles may be millions
of times as long as the others': it is shortened, and what the moth counts for with it. So that a policy does not
unlearn how to come back from violent starts, some groups do nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.learning.levenberg_marquardt import parameters, with_parameters
from mothsim.controllers.learning.training_run import Callback, iterate, trained_info
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.damped_steps import averaged, take_step
from mothsim.controllers.policies.disturbed_flights import DisturbedWindow, Flights
from mothsim.controllers.policies.disturbed_gradient import affine_disturbed_flight, cost_by_segments
from mothsim.controllers.policies.disturbed_scenarios import LONGEST, Disturbed, Scenario
from mothsim.controllers.policies.flight_curvature import (
    live_parameters,
    mean_square,
    random_signs,
    squared_rows,
    sums_of_rows,
)
from mothsim.controllers.policies.flight_windows import Parameters
from mothsim.controllers.policies.moth_by_moth import moth_by_moth
from mothsim.controllers.policies.persistent_flights import (
    ANEW,
    draw_disturbed,
    first_flights,
    next_window,
)
from mothsim.controllers.policies.policy_in_flight import PolicyInFlight
from mothsim.controllers.policies.policy_training import require_sound
from mothsim.controllers.policies.segment_costs import CostWeights
from mothsim.controllers.policies.single_disturbances import Ways, draw_singly_disturbed

_SUMS = 8  # of a flight's rows
_LOUDEST = 3.0  # times the median change of a moth's cost, as which larger ones count
_LONGEST = 10.0  # times the median length of the moths' gradients, to which longer ones are shortened


@dataclass(frozen=True)
class RobustRefiningSettings:
    """All that the refining of a robust policy depends on.

    Attributes:
        steps: of Gauss-Newton.
        groups, moths: groups of so many moths each, on one body a group; many, so that a step sees many bodies.
        violent: of the groups, those that begin anew at every step, from violent starts, disturbed in one way or two.
        segments: of a window.
        violence: starts are up to so many times as far off as those of `recover`.
        bobbing: factor on the targets' sines along y.
        memory: share of the matrix that is kept from step to step.
        damping: of the first step, relative to the matrix's diagonal; it adapts.
        least_damping: to which it falls.
        weights: of the cost, see `CostWeights`; every segment counts by itself.
        disturbed: by what at most, see `Disturbed`; by more than is to be borne, as policies give way at the ends.
        ways: shares of the ways in which violent groups are disturbed, see
            `mothsim.controllers.policies.single_disturbances.Ways`; on a light abdomen moths come to spin.
        seed: of flights, disturbances and signs.
    """

    steps: int = 170
    groups: int = 32
    moths: int = 6
    violent: int = 8
    segments: int = 50
    violence: float = 1.2
    bobbing: float = 2.0
    memory: float = 0.8
    damping: float = 0.1
    least_damping: float = 1e-2
    weights: dict[str, float] = field(
        default_factory=lambda: {
            "precision": 2e-3, "calm": 3e-3, "large": 10.0, "rate": 1e-3, "posture": 2e-3, "effort": 1e-4,
            "change": 5e-4, "arrival": 0.0,
            "spin": 0.5,
        }
    )  # fmt: skip
    disturbed: dict[str, Any] = field(
        default_factory=lambda: {"gusts": 500.0, "size": 1.32, "abdomen": 2.2, "undisturbed": 0.3}
    )
    ways: dict[str, float] = field(
        default_factory=lambda: {"delay": 0.3, "size": 0.15, "abdomen": 0.5, "noise": 0.03, "gusts": 0.02}
    )
    seed: int = 0

    def __post_init__(self) -> None:
        require_sound(
            self, ("steps", "groups", "moths", "segments"), ("violence", "bobbing", "damping", "least_damping")
        )
        if not 0 <= self.memory < 1:
            raise ValueError(f"memory = {self.memory!r}: expected a share from 0 to below 1")
        if not 0 <= self.violent <= self.groups:
            raise ValueError(f"violent = {self.violent!r}: expected a number of groups, of {self.groups}")
        CostWeights(**self.weights)
        Disturbed(**self.disturbed)
        if not np.isclose(sum(Ways(**self.ways)), 1.0):
            raise ValueError(f"ways = {self.ways!r}: expected shares that add up to 1")


def refine_robust_policy(
    network: Network, settings: RobustRefiningSettings, checkpoint: Path | None = None, callback: Callback | None = None
) -> Network:
    """Refine a policy with memory on disturbed flights; connections that are pruned, that is zero, stay so.

    Args:
        network: where to begin: a policy that flies disturbed.
        settings: of the refining.
        checkpoint: file from which an interrupted refining goes on.
        callback: called after every step.

    Raises:
        ValueError: the network has no memory; the checkpoint is of other settings, or damaged.
    """
    if not network.has_memory:
        raise ValueError(f"network has {network.sizes[0]} inputs: expected a policy with memory")
    live, weights = live_parameters(network), CostWeights(**settings.weights)

    def fly(values: Any, flights: Flights, step: int) -> tuple[DisturbedWindow, Flights]:
        policy = PolicyInFlight(with_parameters(network, values).layers, MothBody())
        anew = np.where(np.arange(settings.groups) < settings.violent, 1.0, ANEW)
        return next_window(settings, policy, flights, step, until_lost=True, draw=_draw, anew=anew)

    def advance(state: Any, step: int) -> tuple[Any, float]:
        values, matrix, damping, mean, flights = state
        pairs = with_parameters(network, values).layers
        window, later = fly(values, flights, step)
        costs, slopes = (np.asarray(each) for each in _costs_and_slopes(pairs, window, weights, MothBody()))
        shares = shares_of(slopes)
        if not shares.any():  # nothing is learnt from such a window, and the flights go on
            return (values, matrix, damping, averaged(mean, values, step, settings.steps), later), float(costs.mean())
        signs = random_signs(np.random.default_rng([settings.seed, step, 1]), len(costs), _SUMS, settings.segments)
        fresh = np.asarray(gauss_newton_of(pairs, window, weights, signs, shares, MothBody()))[np.ix_(live, live)]
        matrix = settings.memory * matrix + (1 - settings.memory) * fresh if step else fresh

        def improves(tried: Any) -> bool:
            nonlocal later
            flown, after = fly(tried, flights, step)
            cost = np.asarray(_costs(with_parameters(network, tried).layers, flown, weights, MothBody()))
            better = costs_less(cost - costs, shares)
            later = after if better else later
            return better

        slope = np.mean(shares[:, None] * np.nan_to_num(slopes), axis=0)[live]
        values, damping = take_step(values, matrix, slope, damping, settings.least_damping, improves)
        return (values, matrix, damping, averaged(mean, values, step, settings.steps), later), float(costs.mean())

    values = parameters(network)
    flights = first_flights(settings, PolicyInFlight(network.layers, MothBody()), _draw)
    first = (values, np.zeros((len(live),) * 2, np.float32), settings.damping, values, flights)
    (*_, mean, _), costs = iterate(first, advance, settings, checkpoint, callback)
    return replace(with_parameters(network, mean), info=trained_info(network, settings, costs))


def _draw(settings: RobustRefiningSettings, group: int, begun: int) -> Scenario:
    if group >= settings.violent:
        return draw_disturbed(settings, group, begun)
    most, longest = Disturbed(**settings.disturbed), LONGEST + settings.segments
    return draw_singly_disturbed(
        settings.seed, group, begun, settings.moths, longest, settings.violence, 1.0, most, Ways(**settings.ways)
    )


def shares_of(slopes: NDArray[np.floating]) -> NDArray[np.floating]:
    """By what moths (B,) count, so that none's gradient (B, P) is much longer than most; 0 where it is not finite."""
    lengths = np.linalg.norm(slopes, axis=1)
    finite = np.isfinite(lengths)
    longest = _LONGEST * np.median(lengths[finite]) if finite.any() else 1.0
    return np.where(finite, longest / np.maximum(lengths, longest), 0.0)


def costs_less(more: NDArray[np.floating], shares: NDArray[np.floating]) -> bool:
    """Whether a step's flights cost less than before it, of which moths (B,) cost so much more, and count by shares.

    Whether a moth that can hardly fly is lost a little sooner or later is chance, and costs more than all others gain:
    of the whole sum such moths would decide, step after step, that no step is an improvement.
    """
    most = _LOUDEST * np.median(np.abs(more))
    return bool(np.mean(shares * np.clip(more, -most, most)) < 0)


_costs = partial(jax.jit, static_argnames=("body",))(cost_by_segments)


@partial(jax.jit, static_argnames=("body",))
def _costs_and_slopes(pairs: Parameters, window: DisturbedWindow, weights: CostWeights, body: MothBody) -> Any:
    """Costs (B,) of the flights of a window, and their gradients (B, P) by all parameters."""
    flat, unravel = ravel_pytree(pairs)

    def cost(flat: Any, moth: DisturbedWindow) -> Any:
        return cost_by_segments(unravel(flat), moth, weights, body)[0]

    return moth_by_moth(jax.value_and_grad(cost), flat, window)


@partial(jax.jit, static_argnames=("body",))
def gauss_newton_of(
    pairs: Parameters, window: DisturbedWindow, weights: CostWeights, signs: Any, shares: Any, body: MothBody
) -> Any:
    """Gauss-Newton matrix (P, P) of the mean cost of moths until they are lost, whose rows count by shares (B,)."""

    def squared(pairs: Parameters, moth: DisturbedWindow) -> Any:
        flight = affine_disturbed_flight(pairs, moth, body, lambda state: state)
        return squared_rows(flight, moth.targets[1:], weights) * moth.sound[..., None]

    shares = shares[:, None, None]
    sums = jnp.where(shares > 0, shares * sums_of_rows(squared, pairs, window, signs), 0.0)
    return mean_square(sums, signs.shape[2])
