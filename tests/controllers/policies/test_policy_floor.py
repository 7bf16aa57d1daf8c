"""Which sets of connections can hold a hover: the linearised moth against flights, and every set of a few."""

import numpy as np
import pytest

from mothsim import MothBody, fly
from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.policies.policy_floor import candidates, linear_hover, slowest, spectral_radii
from mothsim.controllers.policy import Policy
from mothsim.policy_interface import ENTRIES
from mothsim.trim import find_trim

FIVE = ((0, 0), (1, 1), (2, 0), (3, 1), (4, 1))  # position and velocity errors to the force along them, tilt across


def test_the_linearised_hover_flies_as_the_moth_does() -> None:
    weight = np.zeros((len(ENTRIES), 3), dtype=np.float32)
    for entry, output in FIVE:
        weight[entry, output] = 0.1 + 0.1 * entry
    policy = Network((weight,), (np.zeros(3, np.float32),), Scaling.identity(len(ENTRIES), 3), kind="policy")
    hover, rest = linear_hover(), find_trim(MothBody()).state
    off = 1e-4 * np.random.default_rng(0).normal(size=(4, 8)) * [1, 1, 0.1, 0.1, 10, 10, 1, 1]
    flight = fly(Policy(policy), "hover", duration=0.04, starts=rest + off)
    closed = hover.by_state + hover.by_outputs @ weight[:9].T @ hover.entries
    moved, expected = flight.states[:, 1] - rest, off @ closed.T
    assert (np.abs(moved - expected) < 0.01 * np.abs(expected).max(axis=0)).all()
    gains = weight[tuple(np.array(FIVE).T)][None].astype(np.float64)
    assert spectral_radii(gains, FIVE, hover)[0] == pytest.approx(np.abs(np.linalg.eigvals(closed)).max())


def test_no_two_connections_hold_a_hover_and_five_do() -> None:
    hover = linear_hover()
    pairs = list(candidates(2, hover))
    assert len(pairs) == 9  # each position error to one of three outputs
    assert min(slowest(each, hover).radius for each in pairs) > 1.0
    assert slowest(FIVE, hover).radius < 0.98
