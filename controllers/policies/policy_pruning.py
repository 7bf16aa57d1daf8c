"""Pruning policies by the optimal brain surgeon, with the curvature of the cost of their flights.

The saliency of a connection is the rise of the flights' cost when it is removed and the others are adjusted, see
`mothsim.controllers.learning.optimal_brain_surgeon`. Several connections are removed at a time while
the policy, refined through the flight, meets its requirement, and single ones at the end; where the least salient one
cannot be removed, the next is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.optimal_brain_surgeon import prune_by_curvature
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.policy_refining import RefiningSettings, curvature, fly_random, refine_policy

Removal = Callable[[Network, int, int], Network]
"""Removes so many connections of a policy, from that rank by saliency on, and trains what is left."""

_HANDFUL = 0.15  # share of the connections tried at once
_WINDOWS = 10  # of flights, over which the curvature is averaged


def without_least_salient(network: Network, settings: RefiningSettings, count: int, skip: int = 0) -> Network:
    """Remove the least salient connections, adjust the others, and remove what then lies on no path.

    Args:
        network: a policy.
        settings: of its refining, whose flights and cost define saliency.
        count: number of connections to remove.
        skip: rank by saliency of the first connection that is removed; 0 is the least salient.
    """

    def one(step: int) -> NDArray[np.float32]:
        return curvature(network, fly_random(network, settings, step), settings, step)

    matrix = np.mean([one(settings.steps + i) for i in range(_WINDOWS)], axis=0)
    return prune_by_curvature(network, matrix, count, skip=skip)


def remove_and_refine(settings: RefiningSettings, network: Network, count: int, skip: int) -> Network:
    """Remove connections of a policy as `without_least_salient` does, and refine what is left."""
    smaller = without_least_salient(network, settings, count, skip)
    return refine_policy(smaller, replace(settings, seed=_seed(settings.seed, smaller, skip)))


def _seed(seed: int, network: Network, skip: int) -> int:
    return seed + 1000 * network.connections + skip


def prune_policy(
    network: Network,
    remove: Removal,
    meets: Callable[[Network], bool],
    *,
    tries: int = 6,
    callback: Callable[[Network], None] | None = None,
) -> Network:
    """Prune for as long as the policy meets a requirement.

    Args:
        network: trained, and meeting it.
        remove: removes connections and trains the others, such as `remove_and_refine` of some settings.
        meets: the requirement.
        tries: number of least salient connections that are tried one by one before pruning ends.
        callback: called with every smaller policy that meets the requirement.
    """
    handful, skip = _HANDFUL, 0
    while skip < min(tries, network.connections - 1):
        count = max(1, int(handful * network.connections))
        smaller = remove(network, count, skip)
        if meets(smaller):
            network, skip = smaller, 0
            if callback:
                callback(network)
        elif count > 1:
            handful /= 2
        else:
            skip += 1
    return network
