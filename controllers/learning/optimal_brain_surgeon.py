"""Pruning small networks by what their weights are worth: the optimal brain surgeon.

Magnitude is a poor judge of a weight among a few hundred. The surgeon (Hassibi and Stork 1993, NIPS) reads from the
inverse of the cost's Hessian how much the cost rises when a weight goes and the others make up for it, takes the one
with the least rise, and makes the others do so. Weights go in handfuls while that is harmless, and one by one at the
end, with `gauss_newton.levenberg_marquardt` in between, for as long as the network still does what it is for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.levenberg_marquardt import (
    RegressionTask,
    levenberg_marquardt,
    normal_equations,
    parameters,
    with_parameters,
)
from mothsim.controllers.learning.pruning import effective_masks
from mothsim.controllers.networks.network import Network

_ROUNDS = 10  # of fitting after each removal
_HANDFUL, _HARMLESS = 0.08, 1.2  # share of the weights tried at once; by how much the cost may rise for more than one
_DAMPING = 1e-6  # of the Hessian's diagonal, so that weights without effect do not make it singular


def prune(network: Network, task: RegressionTask, count: int, *, skip: int = 0) -> Network:
    """Remove the least worthy weights, and what then lies on no path; the others make up for them.

    Args:
        network: trained on the lesson.
        task: that says what a weight is worth.
        count: weights to go, at most.
        skip: the first goes to the weight of this rank instead of the least worthy, 0.
    """
    matrix, _ = normal_equations(network, task)
    diagonal = np.diag(matrix)
    inverse = np.linalg.inv(matrix + _DAMPING * np.diag(np.maximum(diagonal, 1e-7 * diagonal.max())))
    values, weights = parameters(network), network.connections
    gone = np.zeros(len(values), dtype=bool)
    for turn in range(min(count, weights)):
        worth = np.where(gone, np.inf, values**2 / np.maximum(np.diag(inverse), 1e-300))[:weights]
        chosen = int(np.argsort(worth)[skip if turn == 0 else 0])
        row = inverse[chosen] / inverse[chosen, chosen]
        values = values - values[chosen] * row
        inverse = inverse - np.outer(inverse[:, chosen], row)
        gone[chosen], values[chosen] = True, 0.0
    return _without(with_parameters(network, values), gone[:weights])


def prune_smallest(network: Network, task: RegressionTask, count: int, *, skip: int = 0) -> Network:
    """Remove the smallest weights instead, and what then lies on no path; see `prune`."""
    size = np.abs(parameters(network)[: network.connections])
    gone = np.zeros(len(size), dtype=bool)
    gone[np.argsort(size, kind="stable")[skip : skip + count]] = True
    return _without(network, gone)


REMOVALS: dict[str, Callable[..., Network]] = {"surgeon": prune, "magnitude": prune_smallest}
"""Ways to remove weights, by name."""


def prune_to_minimum(
    network: Network,
    task: RegressionTask,
    meets: Callable[[Network], bool],
    *,
    removal: str = "surgeon",
    tries: int = 12,
    callback: Callable[[Network], None] | None = None,
) -> Network:
    """Prune for as long as the network meets what is asked of it; what it then has, it needs.

    Args:
        network: trained, and meeting it; one that `callback` was called with is gone on from in the same bits.
        task: to learn from.
        meets: what is asked.
        removal: how weights are removed, one of `REMOVALS`.
        tries: of the least worthy weights that are tried one by one before the rest are held to be needed.
        callback: called with every network that is taken.
    """
    cost, handful, skip = task.cost(network), network.info.get("handful", _HANDFUL), 0
    while skip < min(tries, network.connections):
        count = max(1, int(handful * network.connections))
        smaller = levenberg_marquardt(REMOVALS[removal](network, task, count, skip=skip), task, _ROUNDS)
        found = task.cost(smaller)
        if (count == 1 or found <= _HARMLESS * cost) and meets(smaller):
            handful = min(1.5 * handful, _HANDFUL)
            network, cost, skip = replace(smaller, info={**smaller.info, "handful": handful}), found, 0
            if callback:
                callback(network)
        elif count > 1:
            handful /= 2
        else:
            skip += 1
    return network


def _without(network: Network, gone: NDArray[np.bool_]) -> Network:
    """The network without some of the weights that are left (in the order of `parameters`), and dead ends."""
    masks = []
    for weight in network.weights:
        mask = weight != 0
        mine, gone = np.split(gone, [np.count_nonzero(mask)])
        mask[mask] = ~mine
        masks.append(mask)
    live = effective_masks(masks)
    return replace(
        network, weights=tuple(np.where(m, w, np.float32(0)) for m, w in zip(live, network.weights, strict=True))
    )
