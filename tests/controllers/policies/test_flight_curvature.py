"""The Gauss-Newton matrix through the flight, against differences of flights that are flown anew."""

from dataclasses import replace

import numpy as np

from mothsim import MothBody
from mothsim.controllers.learning.levenberg_marquardt import parameters, with_parameters
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.flight_curvature import (
    SQUARES,
    distance_curvature,
    gauss_newton_matrix,
    live_parameters,
    signed_sums,
    squared_rows,
)
from mothsim.controllers.policies.flight_windows import fly_window
from mothsim.controllers.policies.leading import lead
from mothsim.controllers.policies.policy_targets import draw_starts, draw_targets
from mothsim.controllers.policies.policy_training import PolicySettings, init_policy
from mothsim.controllers.policies.segment_costs import AffineFlight, CostWeights, segment_costs, swing_price

MOTHS, SEGMENTS = 6, 5
# Of the squares only those of the position, so that differences of the flown positions are all that is needed.
WEIGHTS = CostWeights(precision=0.1, rate=0.0, posture=0.0, effort=0.0, ease=0.0)
LEAPING = np.arange(MOTHS) >= 4


def sparse_policy() -> Network:
    network = init_policy(PolicySettings(hidden=(3,)))
    rng = np.random.default_rng(5)
    weights = tuple(np.where(rng.random(w.shape) < 0.2, 0.3 * w, 0).astype(np.float32) for w in network.weights)
    return replace(network, weights=weights)


def fly(network: Network):
    rng = np.random.default_rng(3)
    positions, velocities = draw_targets(rng, MOTHS, SEGMENTS)
    angles = np.linspace(1.0, 2.2, MOTHS)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], 0.2, angles)
    pairs = tuple(zip(network.weights, network.biases, strict=True))
    return fly_window(
        pairs, starts, positions, velocities, MothBody(), angles, led=lead(starts, positions, velocities),
        leaping=LEAPING,
    )  # fmt: skip


def one_by_one() -> np.ndarray:
    """Signs that let one square through at a time, which leave nothing to chance."""
    signs = np.eye(SEGMENTS * SQUARES, dtype=np.float32).reshape(-1, SEGMENTS, SQUARES)
    return np.broadcast_to(signs, (MOTHS, *signs.shape))


def test_the_matrix_is_that_of_flights_flown_anew() -> None:
    network = sparse_policy()
    values, window = parameters(network), fly(network)
    assert window.sound.all()
    slopes = []
    for i in range(len(values)):
        step = 5e-3 * np.eye(len(values))[i]
        after, before = (fly(with_parameters(network, values + sign * step)).states for sign in (1, -1))
        slopes.append((np.float64(after) - before)[1:, :, :2] / 1e-2)
    assert np.abs(window.goals - window.targets[1:]).max() > 0.01  # led beside the target, with some slack
    ends = window.states[1:]
    outputs = np.zeros((SEGMENTS, MOTHS, 3))
    flight = AffineFlight(ends, outputs, outputs, window.postures)
    share = 1 / (WEIGHTS.calm + segment_costs(flight, window.goals, WEIGHTS, window.slack))
    near = distance_curvature(flight, window.goals, WEIGHTS, window.slack)
    curved = np.where(LEAPING, 2 * WEIGHTS.leap, share * near)
    root = np.sqrt(np.asarray(curved))
    rows = np.array([slope * root[..., None] for slope in slopes]).reshape(len(values), -1)
    expected = rows @ rows.T
    pairs = tuple(zip(network.weights, network.biases, strict=True))
    sums = np.asarray(signed_sums(pairs, window, WEIGHTS, one_by_one(), MothBody()))
    jacobian = sums.reshape(-1, sums.shape[-1])[:, live_parameters(network)]
    found = jacobian.T @ jacobian
    np.testing.assert_allclose(found, expected, atol=0.01 * expected.max())
    assert np.linalg.eigvalsh(found).min() > -1e-6 * expected.max()
    several = [gauss_newton_matrix(network, window, WEIGHTS, np.random.default_rng(i)) for i in range(50)]
    drawn = np.mean(several, axis=0) * MOTHS * SEGMENTS
    assert np.linalg.norm(drawn - found) < 0.2 * np.linalg.norm(found)


def test_large_swings_curve_by_their_size() -> None:
    network = sparse_policy()
    window = fly(network)
    pairs = tuple(zip(network.weights, network.biases, strict=True))
    outputs = np.zeros((SEGMENTS, MOTHS, 3))
    flight = AffineFlight(window.states[1:], outputs, outputs, window.postures)
    rows, shares = [], []
    free = WEIGHTS._replace(posture=8.0)
    bounded = free._replace(huber=0.01)
    for weights in (free, bounded):
        sums = np.asarray(signed_sums(pairs, window, weights, one_by_one(), MothBody()))
        rows.append(sums.reshape(MOTHS, SEGMENTS, SQUARES, -1)[:, :, -2:])  # of tilt and bend
        shares.append(1 / (weights.calm + np.asarray(segment_costs(flight, window.goals, weights, window.slack)).T))
    slope = 1 / np.sqrt(1 + 2 * np.asarray(swing_price(flight, bounded)).T / 0.01)
    assert slope.min() < 0.5
    factor = np.sqrt(slope * shares[1] / shares[0])[..., None, None]
    np.testing.assert_allclose(rows[1], factor * rows[0], rtol=1e-3, atol=1e-4 * np.abs(rows[0]).max())
    assert not rows[0][LEAPING].any()  # a leap may tilt


def test_spins_curve_as_the_price_of_their_rate_grows() -> None:
    weights = WEIGHTS._replace(spin=0.5)
    rates = np.array([0.0, 11.0, 13.0, -25.0, 35.0, -100.0])
    states = np.zeros((1, MOTHS, 8))
    states[..., 6] = states[..., 7] = rates
    still, goals = np.zeros((1, MOTHS, 3)), np.zeros((1, MOTHS, 2))

    def flight(states: np.ndarray) -> AffineFlight:
        return AffineFlight(states, still, still, np.zeros((MOTHS, 2)))

    def cost(states: np.ndarray) -> np.ndarray:
        return np.asarray(segment_costs(flight(states), goals, weights))

    rows = np.asarray(squared_rows(flight(states), goals, weights))[0, :, 8]
    ahead, behind = (cost(states + sign * 1e-2 * np.eye(8)[6]) for sign in (1, -1))
    slope = (ahead - behind)[0] / 2e-2
    share = 1 / (weights.calm + cost(states)[0])
    excess = np.sign(rates) * np.maximum(0.0, np.abs(rates) - 12.0)
    squares = np.divide(rows, rates, out=np.zeros(MOTHS), where=rates != 0) ** 2  # of the row by the rate
    np.testing.assert_allclose(squares * excess, slope * share, rtol=2e-2, atol=1e-3)
    assert not rows[:2].any()
    assert rows[2:].all()
