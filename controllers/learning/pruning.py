"""Which weights stay: masks by magnitude, and the count of connections that matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

LEVELS = (15, 25, 35, 45, 55, 65, 75, 85, 90, 91, 92, 93, 94, 95, 96, 97, 98)
"""Sparsities at which Zahn et al. 2022 prune and retrain, per cent."""


def layerwise(weights: Sequence[NDArray], masks: Sequence[Mask], percent: float) -> list[Mask]:
    """Zahn et al.'s masks: in every layer the weights above that layer's percentile of magnitude stay.

    Args:
        weights: one array a layer.
        masks: what is left now; what is gone stays gone.
        percent: of each layer's weights, to be gone.
    """
    kept = []
    for weight, mask in zip(weights, masks, strict=True):
        size = np.where(mask, np.abs(weight), 0.0)
        kept.append(mask & (size > np.percentile(size, percent)))
    return kept


def by_magnitude(weights: Sequence[NDArray], masks: Sequence[Mask], percent: float) -> list[Mask]:
    """The largest weights of all layers together stay; the output layer is left alone, so every output lives.

    Ties are broken by position, so that just as many stay as are asked for.

    Raises:
        ValueError: fewer weights would stay than the output layer has.
    """
    total = sum(weight.size for weight in weights)
    keep = round(total * (1 - percent / 100)) - int(np.count_nonzero(masks[-1]))
    if keep < len(weights) - 1:
        raise ValueError(f"percent = {percent!r}: leaves no connection to the layers before the output layer")
    sizes = [
        np.where(mask, np.abs(weight), -1.0).ravel() for weight, mask in zip(weights[:-1], masks[:-1], strict=True)
    ]
    everything = np.concatenate(sizes)
    stays = np.zeros(len(everything), dtype=bool)
    stays[np.argsort(-everything, kind="stable")[:keep]] = True
    stays &= everything >= 0
    parts = np.split(stays, np.cumsum([len(size) for size in sizes])[:-1])
    hidden = [part.reshape(weight.shape) for part, weight in zip(parts, weights[:-1], strict=True)]
    return [*hidden, masks[-1].copy()]


METHODS: dict[str, Callable[[Sequence[NDArray], Sequence[Mask], float], list[Mask]]] = {
    "layerwise": layerwise,
    "global": by_magnitude,
}
"""Pruning methods by name."""


def live_connections(masks: Sequence[Mask]) -> list[Mask]:
    """The connections that lie on a path from an input to an output."""
    reached: list[Mask] = [np.ones(masks[0].shape[0], dtype=bool)]
    for mask in masks:
        reached.append(np.any(mask & reached[-1][:, None], axis=0))
    needed: list[Mask] = [np.ones(masks[-1].shape[1], dtype=bool)]
    for mask in reversed(masks):
        needed.insert(0, np.any(mask & needed[0], axis=1))
    return [mask & reached[i][:, None] & needed[i + 1] for i, mask in enumerate(masks)]


def dead_outputs(masks: Sequence[Mask]) -> list[int]:
    """Outputs that no input reaches."""
    live = live_connections(masks)[-1].any(axis=0)
    return [int(i) for i in np.flatnonzero(~live)]
