"""The gradient through the flight, against differences of the cost of flights that are flown anew."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mothsim import MothBody
from mothsim.controllers.policies.flight_curvature import squared_rows
from mothsim.controllers.policies.flight_gradient import (
    AffineFlight,
    CostWeights,
    bounded_costate,
    cost_and_gradient,
    flight_cost,
    fly_window,
    leap_costs,
    segment_costs,
)
from mothsim.controllers.policies.policy_targets import draw_starts, draw_targets
from mothsim.policy_interface import ENTRIES, PREVIEW
from mothsim.trim import find_trim

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


def test_large_swings_are_priced_by_their_size() -> None:
    states, outputs = np.zeros((1, 2, 8)), np.zeros((1, 2, 3))
    bends = states[0, :, 3] = np.array([0.1, 0.5])
    flight = AffineFlight(states, outputs, outputs, np.zeros((2, 2)))
    weights = CostWeights(precision=0.1, posture=8.0)
    goals = np.zeros((1, 2, 2))
    squares = bends**2 / (1 + (bends / 2) ** 2)  # a bend counts for at most 2 rad
    np.testing.assert_allclose(segment_costs(flight, goals, weights)[0], 4 * squares, rtol=1e-5)
    sizes = 0.01 * (np.sqrt(1 + 2 * 4 * squares / 0.01) - 1)
    np.testing.assert_allclose(segment_costs(flight, goals, weights._replace(huber=0.01))[0], sizes, rtol=1e-5)


def test_who_is_unhurried_pays_for_force() -> None:
    states, outputs = np.zeros((1, 3, 8)), np.zeros((1, 3, 3))
    outputs[..., :2], outputs[..., 2] = (0.3, 0.4), 1.0
    flight, goals = AffineFlight(states, outputs, outputs, np.zeros((3, 2))), np.zeros((1, 3, 2))
    weights, unhurried = CostWeights(precision=0.1, patience=4.0), np.array([0.0, 0.5, 1.0])
    costs = np.asarray(segment_costs(flight, goals, weights, unhurried=unhurried))
    np.testing.assert_allclose(costs - costs[:, :1], [[0.0, 0.5, 1.0]], atol=1e-6)
    rows = np.asarray(squared_rows(flight, goals, weights, unhurried=unhurried))[0, :, 2:5]
    share = 1 / (weights.calm + costs[0])
    price = weights.effort + weights.patience * unhurried
    np.testing.assert_allclose((rows[:, :2] ** 2).sum(axis=1), 2 * share * price * 0.25, rtol=1e-5)
    np.testing.assert_allclose(rows[:, 2] ** 2, 2 * share * weights.effort, rtol=1e-5)


def test_a_load_is_flown_without_being_counted_on() -> None:
    """At the target and without outputs, a moth with a load falls, and one with a negative load rises."""
    weight, bias = np.zeros((len(ENTRIES), 3), np.float32), np.zeros(3, np.float32)
    starts, still = np.tile(find_trim(BODY).state, (3, 1)), np.zeros((3, 2 + PREVIEW[-1], 2))
    starts[:, :2] = 0
    flown = fly_window(((weight, bias),), starts, still, still, BODY, loads=np.array([0.5, 0.0, -0.5]))
    fallen = 0.5 * 0.5 * 981 * 0.02**2
    np.testing.assert_allclose(flown.states[-1, :, 1], [-fallen, 0, fallen], atol=0.02 * fallen)


def test_a_leap_costs_square_distance_and_force() -> None:
    states, outputs = np.zeros((1, 1, 8)), np.array([[[0.2, -0.5, 9.0]]])
    states[..., :2] = 0.3, 0.4
    flight = AffineFlight(states, outputs, outputs, np.zeros((1, 2)))
    weights = CostWeights(precision=0.1, leap=3.0, ease=0.7)
    force = np.array([7500 * 0.2, 3000 * 0.5]) / BODY.weight
    expected = 3 * (0.25 + 0.7 * (force**2).sum())
    assert leap_costs(flight, np.zeros((1, 1, 2)), weights, BODY)[0, 0] == pytest.approx(expected, rel=1e-3)


def test_targets_are_smooth_and_their_velocities_their_slopes() -> None:
    positions, velocities = draw_targets(np.random.default_rng(0), 200, 40)
    assert positions.shape == velocities.shape == (200, 41 + PREVIEW[-1], 2)
    slopes = np.gradient(positions, 0.02, axis=1)[:, 1:-1]
    off = np.abs(slopes - velocities[:, 1:-1])[..., 0].max(axis=1)
    jumps = off > 8.0
    assert 0.02 < jumps.mean() < 0.2
    assert off[~jumps].max() < 4.0
