"""Pruning policies: the connections that carry least go, the rest is retrained through the flight.

A connection carries its weight times the root mean square of what it multiplies in flight, as a share of what the
connections of its layer carry. Connections go in handfuls while the policy goes on to meet what is asked of it, and
one by one at the end; where the least one cannot go, the next is tried, so a poor choice is taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.learning.flight_gradient import fly_window, upright
from mothsim.controllers.learning.optimal_brain_surgeon import without_weights
from mothsim.controllers.learning.policy_targets import draw_starts, draw_targets
from mothsim.controllers.learning.policy_training import PolicySettings, train_policy
from mothsim.controllers.networks.network import Network
from mothsim.policy_interface import observe

_HANDFUL = 0.15  # share of the connections tried at once
_MOTHS, _SEGMENTS = 128, 40  # flown to see what connections carry


def carried(network: Network, settings: PolicySettings) -> list[NDArray[np.floating]]:
    """What every connection carries in random flights, layer by layer, (n_in, n_out) each."""
    rng = np.random.default_rng([settings.seed, settings.steps])
    positions, velocities = draw_targets(rng, _MOTHS, _SEGMENTS)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], settings.violence)
    parameters = tuple(zip(network.weights, network.biases, strict=True))
    window = fly_window(parameters, starts, positions, velocities, MothBody())
    flown = zip(window.states, window.targets, window.velocities, window.ahead, strict=False)
    seen = (observe(state, upright(*target, body=MothBody())) for state, *target in flown)
    layer = np.concatenate(list(seen))
    shares = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        size = np.abs(weight) * np.sqrt((layer**2).mean(axis=0))[:, None]
        shares.append(size / np.sqrt((size[weight != 0] ** 2).mean()))
        layer = np.tanh(layer @ weight + bias)
    return shares


def without_least(network: Network, settings: PolicySettings, count: int, skip: int = 0) -> Network:
    """The policy without the connections that carry least, and without what then leads nowhere.

    Args:
        network: a policy.
        settings: of its training.
        count: connections to go.
        skip: so many that carry even less stay.
    """
    size = np.concatenate([each[weight != 0] for each, weight in zip(carried(network, settings), network.weights,
                                                                     strict=True)])  # fmt: skip
    gone = np.zeros(len(size), dtype=np.bool_)
    gone[np.argsort(size, kind="stable")[skip : skip + count]] = True
    return without_weights(network, gone)


def prune_policy(
    network: Network,
    settings: PolicySettings,
    meets: Callable[[Network], bool],
    *,
    tries: int = 6,
    callback: Callable[[Network], None] | None = None,
) -> Network:
    """Prune for as long as the policy meets what is asked of it.

    Args:
        network: trained, and meeting it.
        settings: of the retraining after every removal; its seed moves on with the number of connections.
        meets: what is asked.
        tries: of the connections that carry least that are tried one by one before the rest is held to be needed.
        callback: called with every policy that is taken.
    """
    handful, skip = _HANDFUL, 0
    while skip < min(tries, network.connections - 1):
        count = max(1, int(handful * network.connections))
        smaller = without_least(network, settings, count, skip)
        smaller = train_policy(smaller, replace(settings, seed=settings.seed + 1000 * smaller.connections + skip))
        if meets(smaller):
            network, skip = smaller, 0
            if callback:
                callback(network)
        elif count > 1:
            handful /= 2
        else:
            skip += 1
    return network
