"""Motifs of pruned networks: how often small wiring patterns occur, compared with random networks.

Zahn et al. 2022 name motifs as future work. A layered network has five small ones: a `chain` leads over two layers;
in a `convergence` two nodes lead to one, in a `divergence` one to two; in a `bi-fan` two nodes both lead to the same
two; in a `diamond` a node leads to another two layers on by two ways.

A count says little by itself, so it is compared with that of random networks, as a z-score (Milo et al. 2002): with
networks in which every node keeps its numbers of inputs and outputs (`degrees`), and with networks that have as many
connections a layer between the same nodes, and nothing else in common (`density`). Chains, convergences and
divergences are set by the degrees, so that only the latter can tell whether there are many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mothsim.controllers.learning.pruning import Mask, effective_masks
from mothsim.solver.compiled import kernel

MOTIFS = ("chain", "convergence", "divergence", "bi-fan", "diamond")
"""Names, in the order of the counts."""
_SWAPS = 5  # attempts a connection between one random network and the next
_BURN_IN = 4  # times as many before the first

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class MotifScore:
    """How a network's count of a motif compares with random networks.

    Attributes:
        motif: its name.
        null: of the random networks, `degrees` or `density`.
        count: of the network.
        mean, deviation: over the random networks.
        z: `(count - mean) / deviation`; NaN where all random networks have the same count.
    """

    motif: str
    null: str
    count: float
    mean: float
    deviation: float
    z: float


def count_motifs(masks: Sequence[Mask]) -> Counts:
    """Count the motifs (5,) of a network, in the order of `MOTIFS`.

    Args:
        masks: true where a connection is, one (n_in, n_out) array a layer.
    """
    layers = [sparse.csr_array(np.asarray(mask, dtype=np.float32)) for mask in masks]
    incoming = [layer.sum(axis=0) for layer in layers]
    outgoing = [layer.sum(axis=1) for layer in layers]
    return np.array([
        sum(float(into.astype(np.float64) @ out) for into, out in zip(incoming, outgoing[1:], strict=False)),
        sum(_pairs(degrees) for degrees in incoming),
        sum(_pairs(degrees) for degrees in outgoing),
        sum(_bi_fans(layer, into, out) for layer, into, out in zip(layers, incoming, outgoing, strict=True)),
        sum(_pairs(np.asarray((first @ second).data)) for first, second in pairwise(layers)),
    ])  # fmt: skip


def _pairs(numbers: NDArray) -> float:
    """Sum over numbers n of n (n - 1) / 2, the ways to choose two."""
    numbers = numbers.astype(np.float64)
    return float(numbers @ (numbers - 1)) / 2


def _bi_fans(layer: sparse.csr_array, incoming: NDArray, outgoing: NDArray) -> float:
    """Pairs of nodes by pairs of the nodes that both lead to; a node's pair with itself does not count."""
    if incoming @ incoming > outgoing @ outgoing:  # count from the side with fewer products
        layer, outgoing = layer.T.tocsr(), incoming
    return (_pairs(np.asarray((layer @ layer.T.tocsr()).data)) - _pairs(outgoing)) / 2


def compare_motifs(masks: Sequence[Mask], samples: int = 500, seed: int = 0) -> list[MotifScore]:
    """Compare a network's motifs with random networks, by both nulls.

    Args:
        masks: of the network; only connections on paths from inputs to outputs count.
        samples: random networks of each null.
        seed: of the random streams.

    Raises:
        ValueError: fewer than two samples.
    """
    if samples < 2:
        raise ValueError(f"samples = {samples!r}: expected two or more")
    live = effective_masks(masks)
    counts = count_motifs(live)
    scores = []
    nulls: tuple[tuple[str, Callable], ...] = (("degrees", _DegreeNull), ("density", _DensityNull))
    for null, (name, make) in enumerate(nulls):
        draw = make(live, np.random.default_rng([seed, null]))
        found = np.array([count_motifs(draw()) for _ in range(samples)])
        for motif, count, column in zip(MOTIFS, counts, found.T, strict=True):
            mean, deviation = float(column.mean()), float(column.std(ddof=1))
            z = (float(count) - mean) / deviation if deviation > 0 else np.nan
            scores.append(MotifScore(motif, name, float(count), mean, deviation, z))
    return scores


class _DensityNull:
    """Random networks with as many connections a layer between the same nodes."""

    def __init__(self, masks: Sequence[Mask], rng: np.random.Generator) -> None:
        self.rng = rng
        self.layers = [(mask.any(axis=1), mask.any(axis=0), np.count_nonzero(mask)) for mask in masks]

    def __call__(self) -> list[Mask]:
        return [self._layer(*layer) for layer in self.layers]

    def _layer(self, rows: Any, columns: Any, count: Any) -> Mask:
        mask = np.zeros((len(rows), len(columns)), dtype=bool)
        places = np.flatnonzero(np.outer(rows, columns))
        mask.flat[self.rng.choice(places, count, replace=False)] = True
        return mask


class _DegreeNull:
    """Random networks in which every node keeps its numbers of inputs and outputs, each by swaps from the one before.

    A swap takes connections a-b and c-d of a layer to a-d and c-b, unless one of these is there already; then the
    network stays, so that all networks are drawn alike often (Rao, Jana and Bandyopadhyay 1996).
    """

    def __init__(self, masks: Sequence[Mask], rng: np.random.Generator) -> None:
        self.rng = rng
        self.masks = [np.array(mask) for mask in masks]
        self.ends = [np.nonzero(mask) for mask in self.masks]
        self(_SWAPS * _BURN_IN)

    def __call__(self, swaps: int = _SWAPS) -> list[Mask]:
        for mask, (starts, ends) in zip(self.masks, self.ends, strict=True):
            if len(starts) > 1:
                _swap(mask, starts, ends, self.rng.integers(0, len(starts), (swaps * len(starts), 2)))
        return self.masks


@kernel
def _swap(mask, starts, ends, picks):
    """Try swaps of the connections that the rows of `picks` (S, 2) number, in place."""
    for i in range(len(picks)):
        one, two = picks[i]
        a, b, c, d = starts[one], ends[one], starts[two], ends[two]
        if a != c and b != d and not mask[a, d] and not mask[c, b]:
            mask[a, b] = mask[c, d] = False
            mask[a, d] = mask[c, b] = True
            ends[one], ends[two] = d, b
