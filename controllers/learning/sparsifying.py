"""Pruning networks to a number of connections, by four measures of what a connection is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.levenberg_marquardt import RegressionTask, activations, normal_equations
from mothsim.controllers.learning.optimal_brain_surgeon import prune_by_curvature, without_weights
from mothsim.controllers.networks.network import Network

Array = NDArray[np.floating]

PRUNINGS = ("layerwise", "global", "spread", "surgeon")
"""Prunings by name. `layerwise` takes the smallest weights of each layer, the same share of all; `global` the smallest
of all layers together; `spread` ranks |weight| times the standard deviation of what it is multiplied with; `surgeon`
is the optimal brain surgeon, and adjusts the weights that stay."""

_HANDFUL = 0.08  # share of the weights, between two measurements
Layer = tuple[Array, Array]  # what its connections are worth, and its weights


def sparsify(
    network: Network,
    pruning: str,
    keep: int,
    spreads: Callable[[Network], Sequence[Array]],
    hessian: Callable[[Network], Array],
) -> Network:
    """The network with so many connections at most, and none that leads nowhere.

    Args:
        network: dense or pruned.
        pruning: one of `PRUNINGS`.
        keep: connections that may stay; the same share of every layer for `layerwise`.
        spreads: of a network, for `spread`: by layer the standard deviations (n,) of what it is given.
        hessian: of a network's cost, for `surgeon`: (P, P), by
            `mothsim.controllers.learning.levenberg_marquardt.parameters`.

    Raises:
        ValueError: an unknown pruning, or no connection to keep.
    """
    if pruning not in PRUNINGS:
        raise ValueError(f"pruning = {pruning!r}: expected one of {', '.join(PRUNINGS)}")
    if keep < 1:
        raise ValueError(f"keep = {keep!r}: expected 1 or more")
    if pruning == "surgeon":
        return prune_by_curvature(network, hessian(network), max(0, network.connections - keep))
    factors = spreads(network) if pruning == "spread" else [np.ones(len(weight)) for weight in network.weights]
    worth = [np.abs(weight) * factor[:, None] for weight, factor in zip(network.weights, factors, strict=True)]
    layers = list(zip(worth, network.weights, strict=True))
    groups = [[layer] for layer in layers] if pruning == "layerwise" else [layers]
    fewest, most = 1, sum(weight.size for weight in network.weights)
    while fewest < most:  # what leads nowhere goes too, so that more may be kept at first
        middle = (fewest + most + 1) // 2
        fits = _without_least(network, groups, middle).connections <= keep
        fewest, most = (middle, most) if fits else (fewest, middle - 1)
    return _without_least(network, groups, fewest)


def sparsify_inverse_model(network: Network, pruning: str, keep: int, task: RegressionTask) -> Network:
    """An inverse model by `sparsify`, where spreads and the Hessian (Gauss-Newton's) are those of its task.

    The surgeon measures anew after every handful of weights, since their removal changes what others are worth.
    """

    def spreads(network: Network) -> Sequence[Array]:
        return [layer.std(axis=0, dtype=np.float64) for layer in activations(network, task.inputs)[:-1]]

    def hessian(network: Network) -> Array:
        return normal_equations(network, task)[0]

    handful = int((1 - _HANDFUL) * network.connections)
    while pruning == "surgeon" and keep < handful:
        network = sparsify(network, pruning, handful, spreads, hessian)
        handful = int((1 - _HANDFUL) * network.connections)
    return sparsify(network, pruning, keep, spreads, hessian)


def _without_least(network: Network, groups: Sequence[Sequence[Layer]], keep: int) -> Network:
    """The network without the connections of least worth, so many of all kept, each group its share, one at least."""
    share, gone = keep / sum(weight.size for weight in network.weights), []
    for group in groups:
        live = np.concatenate([each[weight != 0] for each, weight in group])
        stay = max(1, round(share * sum(each.size for each, _ in group)))
        order = np.argsort(live, kind="stable")
        gone.append(np.isin(np.arange(len(live)), order[: max(0, len(live) - stay)]))
    return without_weights(network, np.concatenate(gone))
