"""Pruning of small networks by the optimal brain surgeon.

The optimal brain surgeon (Hassibi and Stork 1993, NIPS) computes from the inverse Hessian of the cost the saliency of
each weight, the rise of the cost when the weight is removed and the others are adjusted to compensate, removes the
weight of least saliency and adjusts the others. In networks of a few hundred weights this prunes further than
magnitude does. Several weights are removed at a time while the cost hardly rises, single ones at the end, with
`levenberg_marquardt` in between, for as long as the network meets its requirement.
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

_ROUNDS = 10  # of Levenberg-Marquardt after each removal
_HANDFUL, _HARMLESS = 0.08, 1.2  # share of the weights removed at once; largest rise of the cost when several are
_DAMPING = 1e-6  # relative to the Hessian's diagonal, so that it is not singular


def prune(network: Network, task: RegressionTask, count: int, *, skip: int = 0) -> Network:
    """Remove the weights of least saliency, adjust the others, and remove what then lies on no path.

    Args:
        network: trained on the task.
        task: whose cost defines the saliencies.
        count: number of weights to remove, at most.
        skip: rank by saliency of the first weight that is removed; 0 is the least.
    """
    matrix, _ = normal_equations(network, task)
    return prune_by_curvature(network, matrix, count, skip=skip)


def prune_by_curvature(network: Network, matrix: NDArray[np.floating], count: int, *, skip: int = 0) -> Network:
    """Remove weights as `prune` does, where the Hessian (P, P) of the cost by the `parameters` is known."""
    values, weights = parameters(network), network.connections
    values, gone = remove_least_salient(values, matrix, weights, count, skip=skip)
    return without_weights(with_parameters(network, values), gone[:weights])


def remove_least_salient(
    values: NDArray[np.floating], matrix: NDArray[np.floating], weights: int, count: int, *, skip: int = 0
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Set weights of least saliency to zero, one after the other, and adjust the other values.

    Args:
        values: (P,), of which the first so many are `weights`; the others, such as biases, stay.
        matrix: (P, P), the Hessian of the cost.
        weights: number of them.
        count: of weights to remove.
        skip: rank by saliency of the first weight that is removed; 0 is the least.

    Returns:
        The values, and which of them are gone, (P,) each.
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    diagonal = np.diag(matrix)
    inverse = np.linalg.inv(matrix + _DAMPING * np.diag(np.maximum(diagonal, 1e-7 * diagonal.max())))
    gone = np.zeros(len(values), dtype=bool)
    for turn in range(min(count, weights)):
        worth = np.where(gone, np.inf, values**2 / np.maximum(np.diag(inverse), 1e-300))[:weights]
        chosen = int(np.argsort(worth)[skip if turn == 0 else 0])
        row = inverse[chosen] / inverse[chosen, chosen]
        values = values - values[chosen] * row
        inverse = inverse - np.outer(inverse[:, chosen], row)
        gone[chosen], values[chosen] = True, 0.0
    return values, gone


def prune_smallest(network: Network, task: RegressionTask, count: int, *, skip: int = 0) -> Network:
    """Remove the weights of least magnitude, and what then lies on no path; arguments as for `prune`."""
    size = np.abs(parameters(network)[: network.connections])
    gone = np.zeros(len(size), dtype=bool)
    gone[np.argsort(size, kind="stable")[skip : skip + count]] = True
    return without_weights(network, gone)


REMOVALS: dict[str, Callable[..., Network]] = {"surgeon": prune, "magnitude": prune_smallest}
"""Methods of removing weights, by name."""


def prune_to_minimum(
    network: Network,
    task: RegressionTask,
    meets: Callable[[Network], bool],
    *,
    removal: str = "surgeon",
    tries: int = 12,
    callback: Callable[[Network], None] | None = None,
) -> Network:
    """Prune for as long as the network meets a requirement, until none of its least salient weights can be removed.

    Args:
        network: trained, and meeting the requirement; pruning resumes to the same bits from any network that
            `callback` was called with.
        task: the least-squares problem for training.
        meets: the requirement.
        removal: method of removing weights, one of `REMOVALS`.
        tries: number of least salient weights that are tried one by one before pruning ends.
        callback: called with every smaller network that meets the requirement.
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


def without_weights(network: Network, gone: NDArray[np.bool_]) -> Network:
    """Return the network without the marked weights (in the order of `parameters`), and without dead ends."""
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
