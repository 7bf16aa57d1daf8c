"""Pruning methods by name, and the effective connectivity of pruned networks.

Masks come from arrays of NumPy or JAX alike, also under `jax.jit` and `jax.vmap`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.networks.network import Network

Mask = NDArray[np.bool_]

LEVELS = (15, 25, 35, 45, 55, 65, 75, 85, 90, 91, 92, 93, 94, 95, 96, 97, 98)
"""Sparsities at which Zahn et al. 2022 prune and retrain, per cent."""
_GRADUAL_SHARE = 0.75  # share of a level's steps after which a gradual method has reached the level


@dataclass(frozen=True)
class PruningMethod:
    """Pruning by magnitude; ties are broken by position, so that the number of weights kept is exact.

    Attributes:
        global_ranking: the weights of all layers are compared with one another, and the output layer is left alone, so
            that no output loses its connections; otherwise every layer loses the same share of its own.
        regrow: pruned weights go on being updated outside the network, and may come back at the next level.
        gradual: sparsity rises step by step while the network trains, see `percent_at`.
        cutoff: a layer's cutoff is taken of the network's weights, of which pruned ones are 0, but the mask keeps all
            weights above it as the optimiser left them, so that pruned ones may come back, and then more are left.
        rounded: a layer keeps its share rounded to the nearest number, instead of those above its percentile.
        zeroed: nothing is masked in training; after each pass through the data the smallest weights are set to zero.
    """

    global_ranking: bool = False
    regrow: bool = False
    gradual: bool = False
    cutoff: bool = False
    rounded: bool = False
    zeroed: bool = False

    @property
    def keeps_pruned(self) -> bool:
        """Whether pruned weights keep values outside the network, and may come back."""
        return self.regrow or self.cutoff or self.zeroed

    def keep(self, sizes: Sequence[int], percent: float) -> list[int]:
        """Return how many weights are kept: of each layer, or (`global_ranking`) of all before the output layer.

        A layer keeps those above its percentile, or as `rounded` and `cutoff` say, but one at least.

        Args:
            sizes: weights of each layer when dense.
            percent: sparsity, per cent.

        Raises:
            ValueError: `global_ranking`, and not one would stay for each layer before the output layer.
        """
        if self.rounded:
            return [max(1, round(size * (100 - percent) / 100)) for size in sizes]
        if self.cutoff:
            return [max(1, size - 1 - math.floor(percent * size / 100)) for size in sizes]
        if not self.global_ranking:
            return [max(1, size - 1 - math.floor(percent * (size - 1) / 100)) for size in sizes]
        keep = round(sum(sizes) * (1 - percent / 100)) - sizes[-1]
        if keep < len(sizes) - 1:
            most = 100 * (1 - (sizes[-1] + len(sizes) - 1) / sum(sizes))
            raise ValueError(
                f"percent = {percent!r}: expected at most {math.floor(10 * most) / 10:g}, since pruning over all "
                f"layers keeps the {sizes[-1]} weights of the output layer"
            )
        return [keep]

    def masks(self, weights: Sequence[Any], masks: Sequence[Any], keep: Sequence[Any]) -> list[Any]:
        """Return the masks that keep so many weights, one a layer.

        Args:
            weights: one array a layer; with `keeps_pruned` pruned ones are ranked by their updated values.
            masks: present masks; without `keeps_pruned` pruned weights stay pruned.
            keep: numbers of weights, as from `keep`.
        """
        xp = weights[0].__array_namespace__()
        if self.cutoff:
            return [
                abs(weight) > xp.sort(xp.where(mask, abs(weight), 0.0).reshape(-1))[weight.size - 1 - count]
                for weight, mask, count in zip(weights, masks, keep, strict=True)
            ]
        sizes = [
            abs(weight) if self.keeps_pruned else xp.where(mask, abs(weight), -1.0)
            for weight, mask in zip(weights, masks, strict=True)
        ]
        if not self.global_ranking:
            return [_largest(size, count) & (size >= 0) for size, count in zip(sizes, keep, strict=True)]
        # The largest of every layer counts as larger than any, so that no layer is pruned to nothing.
        first = [xp.where(_largest(size, 1) & (size >= 0), xp.inf, size).reshape(-1) for size in sizes[:-1]]
        stays = _largest(xp.concat(first), keep[0])
        ends = np.cumsum([math.prod(size.shape) for size in sizes[:-1]]).tolist()
        parts = [
            stays[end - len(part) : end].reshape(size.shape)
            for end, part, size in zip(ends, first, sizes[:-1], strict=True)
        ]
        return [*(part & (size >= 0) for part, size in zip(parts, sizes[:-1], strict=True)), masks[-1]]

    def __call__(self, weights: Sequence[Any], masks: Sequence[Any], percent: float) -> list[Any]:
        """Return the masks at a sparsity in per cent."""
        return self.masks(weights, masks, self.keep([math.prod(weight.shape) for weight in weights], percent))

    def prune(self, network: Network, percent: float) -> Network:
        """Return the network at a sparsity in per cent, its other weights as they are."""
        masks = self(network.weights, network.masks, percent)
        weights = tuple(np.where(mask, weight, 0) for mask, weight in zip(masks, network.weights, strict=True))
        return replace(network, weights=weights)

    def percent_at(self, before: float, level: float, done: float) -> float:
        """Return the sparsity (per cent) when this share of a level's steps is done.

        A gradual method goes from the level before to this one by the cubic of Zhu and Gupta 2017 (their Eq. 1)
        over the first three quarters of the steps.
        """
        if not self.gradual or done >= _GRADUAL_SHARE:
            return level
        return level + (before - level) * (1 - done / _GRADUAL_SHARE) ** 3


def _largest(sizes: Any, count: Any) -> Any:
    """Mark the `count` largest elements of an array, of equal ones the first."""
    xp = sizes.__array_namespace__()
    rank = xp.argsort(xp.argsort(-sizes.reshape(-1), stable=True), stable=True)
    return (rank < count).reshape(sizes.shape)


METHODS: dict[str, PruningMethod] = {
    "layerwise": PruningMethod(),
    "regrow": PruningMethod(regrow=True),
    "global": PruningMethod(global_ranking=True),
    "gradual": PruningMethod(global_ranking=True, gradual=True),
    "cutoff": PruningMethod(cutoff=True),
    "toolkit": PruningMethod(rounded=True),
    "manual": PruningMethod(zeroed=True),
}
"""Pruning methods by name.

`layerwise` prunes each layer by its own percentile; `regrow` too, but pruned weights are updated outside the network
and may come back; `global` ranks the weights of all layers together; `gradual` does so step by step in training.
The other three are those of Zahn et al. 2022: `cutoff` of their program in JAX, `toolkit` with the counts of
TensorFlow's Model Optimization Toolkit, and `manual` their Algorithm 1, where a network is measured with all that came
back since the smallest weights were last set to zero.
"""


@dataclass(frozen=True)
class EffectiveConnectivity:
    """Numbers of weights, paths and nodes of a pruned network.

    Attributes:
        weights: that are not pruned.
        live: weights on a path from an input to an output.
        paths: number of paths from an input to an output.
        constant_units: hidden nodes that no input reaches.
        dead_end_units: hidden nodes that reach no output.
        dead_outputs: outputs that no input reaches.
        lost_inputs: inputs that reach no output.
    """

    weights: int
    live: int
    paths: int
    constant_units: int
    dead_end_units: int
    dead_outputs: tuple[int, ...]
    lost_inputs: tuple[int, ...]


def effective_connectivity(masks: Sequence[Mask]) -> EffectiveConnectivity:
    """Count the weights and nodes that lie on paths from inputs to outputs, and those that do not."""
    reached, needed = _reached(masks), _needed(masks)
    paths = np.ones(masks[0].shape[0])
    for mask in masks:
        paths = paths @ mask
    return EffectiveConnectivity(
        sum(int(np.count_nonzero(mask)) for mask in masks),
        sum(int(np.count_nonzero(mask)) for mask in effective_masks(masks)),
        int(paths.sum()),
        sum(int(np.count_nonzero(~nodes)) for nodes in reached[1:-1]),
        sum(int(np.count_nonzero(~nodes)) for nodes in needed[1:-1]),
        tuple(np.flatnonzero(~reached[-1]).tolist()),
        tuple(np.flatnonzero(~needed[0]).tolist()),
    )


def effective_masks(masks: Sequence[Mask]) -> list[Mask]:
    """Return the masks of the connections on a path from an input to an output, one a layer."""
    reached, needed = _reached(masks), _needed(masks)
    return [mask & reached[i][:, None] & needed[i + 1] for i, mask in enumerate(masks)]


def _reached(masks: Sequence[Mask]) -> list[Mask]:
    """Mark the nodes that are reached from an input, by layer, inputs first."""
    reached: list[Mask] = [np.ones(masks[0].shape[0], dtype=bool)]
    for mask in masks:
        reached.append(np.any(mask & reached[-1][:, None], axis=0))
    return reached


def _needed(masks: Sequence[Mask]) -> list[Mask]:
    """Mark the nodes that reach an output, by layer, inputs first."""
    needed: list[Mask] = [np.ones(masks[-1].shape[1], dtype=bool)]
    for mask in reversed(masks):
        needed.insert(0, np.any(mask & needed[0], axis=1))
    return needed
