"""The gradient through the flight, against differences of the cost of flights that are flown anew."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mothsim import MothBody
from mothsim.controllers.policies.flight_gradient import bounded_costate, cost_and_gradient, flight_cost
from mothsim.controllers.policies.flight_windows import fly_window
from mothsim.controllers.policies.policy_targets import draw_starts, draw_targets
from mothsim.controllers.policies.segment_costs import CostWeights
from mothsim.policy_interface import ENTRIES

BODY = MothBody()
WEIGHTS = CostWeights(precision=0.1, arrival=0.02)


def policy(seed: int = 0) -> tuple:
    """A linear policy that flies for a while: springs and dampers in the body's frame, and noise on all entries."""
    rng = np.random.default_rng(seed)
    weight = 0.01 * rng.normal(size=(len(ENTRIES), 3))
    weight[0, 0], weight[2, 0] = 0.8, -0.36
    weight[1, 1], weight[3, 1], weight[4, 1], weight[7, 1] = 0.12, -0.2, -0.28, -0.06
    return ((weight.astype(np.float32), np.zeros(3, np.float32)),)


def window(parameters: tuple, segments: int = 6):
    rng = np.random.default_rng(3)
    positions, velocities = draw_targets(rng, 16, segments)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], 0.3)
    last, loads = np.arange(16) >= 12, np.linspace(-0.3, 0.3, 16)
    return fly_window(parameters, starts, positions, velocities, BODY, leaping=last, loads=loads)


def test_the_gradient_is_that_of_flights_flown_anew() -> None:
    parameters = policy()
    flown = window(parameters)
    assert flown.sound.all()
    cost, gradient = cost_and_gradient(parameters, flown, WEIGHTS, BODY)
    assert cost == pytest.approx(float(flight_cost(parameters, flown, WEIGHTS, BODY)), rel=1e-5)
    rng = np.random.default_rng(1)
    for _ in range(3):
        direction = rng.normal(size=parameters[0][0].shape).astype(np.float32)
        step = 2e-3
        ends = []
        for sign in (1, -1):
            moved = ((parameters[0][0] + sign * step * direction, parameters[0][1]),)
            ends.append(float(flight_cost(moved, window(moved), WEIGHTS, BODY)))
        slope = float((np.asarray(gradient[0][0]) * direction).sum())
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=0.03, abs=2e-3)


def test_a_costate_that_is_not_finite_is_bounded_like_any_other() -> None:
    costate = np.ones((3, 8), np.float32)
    costate[0, 2], costate[1, 3] = np.nan, np.inf
    _, back = jax.vjp(bounded_costate, jnp.zeros((3, 8)))
    (kept,) = back(costate)
    assert np.isfinite(kept).all()
    assert kept[0, 2] == 0
    assert kept[0, 0] > 0
    assert (np.abs(kept) <= np.abs(np.nan_to_num(costate))).all()


def test_a_lost_moth_counts_for_nothing() -> None:
    rng = np.random.default_rng(3)
    positions, velocities = draw_targets(rng, 4, 5)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], 0.3)
    starts[2, 0] += 60.0  # farther off than what teaches
    flown = fly_window(policy(), starts, positions, velocities, BODY)
    np.testing.assert_array_equal(flown.sound, [1, 1, 0, 1])
    cost, gradient = cost_and_gradient(policy(), flown, WEIGHTS, BODY)
    assert np.isfinite(cost)
    assert np.isfinite(np.asarray(gradient[0][0])).all()
    rest = [0, 1, 3]
    alone = fly_window(policy(), starts[rest], positions[rest], velocities[rest], BODY)
    ours, _ = cost_and_gradient(policy(), alone, WEIGHTS, BODY)
    assert cost * 4 == pytest.approx(float(ours) * 3, rel=1e-4)
