"""Refining of robust policies: its matrix against differences of flights flown anew, its gain, and resuming."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mothsim import MothBody
from mothsim.controllers.learning import training_run
from mothsim.controllers.learning.levenberg_marquardt import parameters, with_parameters
from mothsim.controllers.learning.training_run import StepProgress, run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network, load_network
from mothsim.controllers.policies.disturbed_flights import DisturbedWindow, begin, fly_on
from mothsim.controllers.policies.disturbed_scenarios import Disturbed, draw_scenario
from mothsim.controllers.policies.flight_curvature import SQUARES, distance_curvature, live_parameters
from mothsim.controllers.policies.policy_in_flight import PolicyInFlight
from mothsim.controllers.policies.robust_refining import (
    RobustRefiningSettings,
    costs_less,
    gauss_newton_of,
    refine_robust_policy,
    shares_of,
)
from mothsim.controllers.policies.segment_costs import AffineFlight, CostWeights, segment_costs
from mothsim.response_estimate import RESPONSES

FEW = Path(__file__).parents[3] / "docs" / "studies" / "few-robust" / "robust-36-seed-0.safetensors"
SEGMENTS, MOTHS = 5, 8
# Of the squares only those of the position, so that differences of the flown positions are all that is needed.
WEIGHTS = CostWeights(precision=0.1, rate=0.0, posture=0.0, effort=0.0)
SHORT = RobustRefiningSettings(
    steps=8, groups=3, moths=4, violent=1, segments=10,
    disturbed={**RobustRefiningSettings().disturbed, "whole_delays": (1,)},
)  # fmt: skip


def few() -> Network:
    """A policy of 36 weights; the response, which is taken as it was flown, counts for nothing."""
    network = load_network(FEW)
    network.weights[0][-RESPONSES:] = 0
    return replace(network, info={})


def fly(network: Network) -> DisturbedWindow:
    """A window of calm starts, in wind and noise, shown late, on two bodies; the same draws for all parameters."""
    most = Disturbed(delay=0.03, noise=0.01, gusts=50.0)
    scenarios = [draw_scenario(3, group, 0, 4, SEGMENTS, 0.1, 1.0, 1.0, most) for group in range(2)]
    policy = PolicyInFlight(tuple(zip(network.weights, network.biases, strict=True)), MothBody())
    rng = np.random.default_rng(7)
    return fly_on(policy, begin(scenarios, policy), scenarios, np.zeros(2, np.int64), SEGMENTS, rng, until_lost=True)[0]


def test_the_matrix_is_that_of_flights_flown_anew() -> None:
    network = few()
    values, window = parameters(network), fly(network)
    assert window.sound.all()
    shares = np.where(np.arange(MOTHS) == 2, 0.0, np.linspace(1, 0.2, MOTHS))
    slopes = []
    for i in range(len(values)):
        step = 1e-3 * np.eye(len(values))[i]
        after, before = (fly(with_parameters(network, values + sign * step)).states for sign in (1, -1))
        slopes.append((np.float64(after) - before)[1:, :, :2] / 2e-3)
    still = np.zeros((SEGMENTS, MOTHS, 3))
    flight = AffineFlight(window.states[1:], still, still, np.zeros((MOTHS, 2)))
    goals = window.targets[1:]
    share = shares**2 / (WEIGHTS.calm + segment_costs(flight, goals, WEIGHTS))
    root = np.sqrt(np.asarray(share * distance_curvature(flight, goals, WEIGHTS)))
    rows = np.array([slope * root[..., None] for slope in slopes]).reshape(len(values), -1)
    # Signs that let one square through at a time leave nothing to chance.
    squares = SEGMENTS * SQUARES
    signs = np.broadcast_to(np.eye(squares, dtype=np.float32).reshape(squares, SEGMENTS, SQUARES),
                            (MOTHS, squares, SEGMENTS, SQUARES))  # fmt: skip
    pairs = tuple(zip(network.weights, network.biases, strict=True))
    found = np.asarray(gauss_newton_of(pairs, window, WEIGHTS, signs, shares, MothBody()))
    live = live_parameters(network)
    expected = rows @ rows.T / (MOTHS * squares * SEGMENTS)
    np.testing.assert_allclose(found[np.ix_(live, live)], expected, rtol=0.02, atol=0.01 * np.abs(expected).max())


def test_gradients_of_moths_that_tumble_are_shortened() -> None:
    slopes = np.ones((6, 3))
    slopes[1], slopes[2, 0], slopes[3, 1] = 1000.0, np.nan, np.inf
    np.testing.assert_allclose(shares_of(slopes), [1.0, 0.01, 0.0, 0.0, 1.0, 1.0])
    assert not shares_of(np.full((2, 3), np.nan)).any()


def test_one_that_is_lost_does_not_outvote_the_others() -> None:
    more, shares = np.array([-0.1, -0.2, -0.1, 0.05, 40.0]), np.ones(5)
    assert costs_less(more, shares)
    assert not costs_less(-more, shares)
    assert not costs_less(more, np.array([0, 0, 0, 0, 1.0]))
    assert not costs_less(np.array([-1.0, -1.0, np.nan]), np.ones(3))


class Killed(Exception):
    """Raised where a refining is killed."""


def cost_of_others(network: Network) -> float:
    """Mean cost of flights that the policy was not refined by."""
    costs: list[float] = []
    other = replace(SHORT, steps=1, seed=9)
    refine_robust_policy(network, other, callback=lambda progress: costs.append(progress.cost))
    return costs[0]


@pytest.mark.slow
def test_a_killed_refining_goes_on_in_the_same_bits_and_gains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_run, "_SAVE_EVERY", -1.0)

    def kill(progress: StepProgress) -> None:
        if progress.step == 3:
            raise Killed

    with pytest.raises(Killed):
        run(refine_robust_policy, few(), SHORT, tmp_path / "killed.safetensors", kill)
    for name in ("killed", "whole"):
        run(refine_robust_policy, few(), SHORT, tmp_path / f"{name}.safetensors")
    assert (tmp_path / "killed.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    pruned = load_network(tmp_path / "whole.safetensors")
    assert all((weight[before == 0] == 0).all() for weight, before in zip(pruned.weights, few().weights, strict=True))
    assert cost_of_others(pruned) < 0.95 * cost_of_others(few())


@pytest.mark.parametrize(
    "option", [{"steps": 0}, {"memory": 1.0}, {"least_damping": 0.0}, {"violent": 33}, {"ways": {"delay": 0.5}}]
)
def test_settings_out_of_range_are_named(option: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        RobustRefiningSettings(**option)


def test_a_policy_without_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a policy with memory"):
        refine_robust_policy(find_network("alone"), SHORT)
