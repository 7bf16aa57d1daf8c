"""Pruning policies by the optimal brain surgeon, with the curvature of the cost of their flights.

The saliency of a connection is the rise of the flights' cost when it goes and the others adjust to it, see
`mothsim.controllers.learning.optimal_brain_surgeon`. Connections go in handfuls while the policy, refined through the
flight, goes on to meet what is asked of it, and one by one at the end; where the least salient one cannot go, the next
is tried, so a poor choice is taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.optimal_brain_surgeon import prune_by_curvature
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.policy_refining import RefiningSettings, curvature, fly_random, refine_policy

_HANDFUL = 0.15  # share of the connections tried at once
_WINDOWS = 10  # of flights, over which the curvature is averaged


def without_least_salient(network: Network, settings: RefiningSettings, count: int, skip: int = 0) -> Network:
    """The policy without its least salient connections, the others adjusted, and without what then leads nowhere.

    Args:
        network: a policy.
        settings: of its refining, whose flights and cost define saliency.
        count: connections to go.
        skip: rank by saliency of the first connection to go; 0 is the least salient.
    """

    def one(step: int) -> NDArray[np.float32]:
        return curvature(network, fly_random(network, settings, step), settings, step)

    matrix = np.mean([one(settings.steps + i) for i in range(_WINDOWS)], axis=0)
    return prune_by_curvature(network, matrix, count, skip=skip)


def prune_policy(
    network: Network,
    settings: RefiningSettings,
    meets: Callable[[Network], bool],
    *,
    tries: int = 6,
    callback: Callable[[Network], None] | None = None,
) -> Network:
    """Prune for as long as the policy meets what is asked of it.

    Args:
        network: trained, and meeting it.
        settings: of the refining after every removal; its seed moves on with the number of connections.
        meets: what is asked.
        tries: of the least salient connections that are tried one by one before the rest is held to be needed.
        callback: called with every policy that is taken.
    """
    handful, skip = _HANDFUL, 0
    while skip < min(tries, network.connections - 1):
        count = max(1, int(handful * network.connections))
        smaller = without_least_salient(network, settings, count, skip)
        smaller = refine_policy(smaller, replace(settings, seed=settings.seed + 1000 * smaller.connections + skip))
        if meets(smaller):
            network, skip = smaller, 0
            if callback:
                callback(network)
        elif count > 1:
            handful /= 2
        else:
            skip += 1
    return network
