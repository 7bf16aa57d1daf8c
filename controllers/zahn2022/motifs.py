"""Motifs of pruned networks: how often small wiring patterns occur, compared with random networks.

Zahn et al. 2022 name motifs as future work. A layered network has five small ones: a `chain` leads over two layers;
in a `convergence` two nodes lead to one, in a `divergence` one to two; in a `bi-fan` two nodes both lead to the same
two; in a `diamond` a node leads to another two layers on by two ways.

A count says little by itself, so it is compared with that of random networks, as a z-score (Milo et al. 2002): with
networks in which every node keeps its numbers of inputs and outputs (`degrees`), and with networks that have as many
connections a layer between the same nodes, and nothing else in common (`density`). Chains, convergences and
divergences are set by the degrees, so that only the latter can tell whether there are many.

Counts come from products of the layers' matrices: of dense ones, which up to a sparsity of 98 % are faster at these
sizes than those of sparse formats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.pruning import Mask, effective_masks
from mothsim.solver.compiled import kernel

MOTIFS = ("chain", "convergence", "divergence", "bi-fan", "diamond")
"""Names, in the order of the counts."""
_PASSES = 5  # trades of every node between one random network and the next
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
    layers = [np.asarray(mask, dtype=np.float32) for mask in masks]  # whole numbers up to 2^24 are exact
    incoming = [layer.sum(axis=0, dtype=np.float64) for layer in layers]
    outgoing = [layer.sum(axis=1, dtype=np.float64) for layer in layers]
    return np.array([
        sum(float(into @ out) for into, out in zip(incoming, outgoing[1:], strict=False)),
        sum(_pairs(degrees) for degrees in incoming),
        sum(_pairs(degrees) for degrees in outgoing),
        sum(_bi_fans(layer, into, out) for layer, into, out in zip(layers, incoming, outgoing, strict=True)),
        sum(_pairs(first @ second) for first, second in pairwise(layers)),
    ])  # fmt: skip


def _pairs(numbers: NDArray) -> float:
    """Sum over numbers n of n (n - 1) / 2, the ways to choose two."""
    numbers = numbers.astype(np.float64).ravel()
    return float(numbers @ numbers - numbers.sum()) / 2


def _bi_fans(layer: NDArray, incoming: NDArray, outgoing: NDArray) -> float:
    """Pairs of nodes by pairs of the nodes that both lead to; a node's pair with itself does not count."""
    if len(incoming) < len(outgoing):  # count from the side with fewer nodes
        layer, outgoing = layer.T, incoming
    return (_pairs(layer @ layer.T) - _pairs(outgoing)) / 2


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
    live = [mask[np.ix_(mask.any(axis=1), mask.any(axis=0))] for mask in effective_masks(masks)]
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
        self.layers = [(mask.shape, mask.size, int(np.count_nonzero(mask))) for mask in masks]

    def __call__(self) -> list[Mask]:
        return [self._layer(*layer) for layer in self.layers]

    def _layer(self, shape: tuple[int, ...], places: int, count: int) -> Mask:
        mostly = 2 * count > places  # then draw what is not connected, which is less
        mask = np.full(places, mostly)
        mask[self.rng.choice(places, places - count if mostly else count, replace=False, shuffle=False)] = not mostly
        return mask.reshape(shape)


class _DegreeNull:
    """Random networks in which every node keeps its numbers of inputs and outputs, each by trades from the one before.

    In a pass all nodes of a layer meet in random pairs. Two nodes keep the outputs that they have in common and share
    out at random those that only one of them has, each as many as before. All networks of these degrees are drawn
    alike often, in far fewer passes than by swaps of two connections (the global curveball: Strona et al. 2014;
    Carstens, Hamann, Meyer, Penschuck, Tran and Wagner 2018).
    """

    def __init__(self, masks: Sequence[Mask], rng: np.random.Generator) -> None:
        self.rng = rng
        self.masks = [np.array(mask) for mask in masks]
        self.draws = [min(np.count_nonzero(mask), np.count_nonzero(~mask)) for mask in masks]  # at most, a pass
        self(_PASSES * _BURN_IN)

    def __call__(self, passes: int = _PASSES) -> list[Mask]:
        for mask, draws in zip(self.masks, self.draws, strict=True):
            for _ in range(passes):
                _trade(mask, self.rng.permutation(len(mask)), self.rng.random(draws))
        return self.masks


@kernel
def _trade(mask, order, random):
    """Let the rows of a mask trade in place, two by two in an order, by as many random numbers as that takes."""
    drawn = 0
    for pair in range(len(order) // 2):
        one, two = mask[order[2 * pair]], mask[order[2 * pair + 1]]
        shared_out, wanted = 0, 0  # columns that only one of the two has; those among them that the first is to have
        for j in range(len(one)):
            shared_out += one[j] ^ two[j]
            wanted += one[j] & ~two[j]
        for j in range(len(one)):
            if one[j] ^ two[j]:
                takes = random[drawn] * shared_out < wanted
                one[j], two[j] = takes, not takes
                wanted -= takes
                shared_out -= 1
                drawn += 1
