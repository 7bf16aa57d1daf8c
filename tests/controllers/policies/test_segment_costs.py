"""What segments cost, against costs worked out by hand."""

import numpy as np
import pytest

from mothsim import MothBody
from mothsim.controllers.policies.flight_curvature import squared_rows
from mothsim.controllers.policies.segment_costs import AffineFlight, CostWeights, leap_costs, segment_costs

BODY = MothBody()


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


def test_a_leap_costs_square_distance_and_force() -> None:
    states, outputs = np.zeros((1, 1, 8)), np.array([[[0.2, -0.5, 9.0]]])
    states[..., :2] = 0.3, 0.4
    flight = AffineFlight(states, outputs, outputs, np.zeros((1, 2)))
    weights = CostWeights(precision=0.1, leap=3.0, ease=0.7)
    force = np.array([7500 * 0.2, 3000 * 0.5]) / BODY.weight
    expected = 3 * (0.25 + 0.7 * (force**2).sum())
    assert leap_costs(flight, np.zeros((1, 1, 2)), weights, BODY)[0, 0] == pytest.approx(expected, rel=1e-3)
