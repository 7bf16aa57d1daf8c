"""Time of a network from its compressed weights beside the same network stored dense, level by level of pruning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mothsim.controllers.learning.pruning import LEVELS, METHODS
from mothsim.controllers.networks.dense_inference import dense_forms
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.timing import best_time


def decisions(
    network: Network,
    retrained: Sequence[Network] = (),
    levels: Sequence[float] = LEVELS,
    *,
    batch: int = 256,
    repeats: int = 50,
) -> list[dict[str, Any]]:
    """A row a level of pruning by magnitude, the dense network's first: us a decision, for one moth and in a batch.

    Columns: `level`, `retrained`, `weights`, `multiply_adds`, `bytes`, `one_us`, `batch_us` (a decision),
    `dense_one_us` and `dense_batch_us` (the better of numpy and jitted JAX), and the gains, dense by compressed.

    Args:
        network: dense; it is pruned without retraining. What that leaves without a path to an output costs nothing,
            and of very few weights that is much: so these rows flatter from 95 % on.
        retrained: networks pruned with retraining, which uses nearly every weight left; a row each.
        levels: per cent.
        batch: moths in the batch.
        repeats: best of so many, of the dense forms and the compressed one in turn.
    """
    scaling = network.scaling
    middle = (scaling.input_min + scaling.input_max) / 2
    one, many = np.tile(middle, (1, 1)), np.tile(middle, (batch, 1))
    forms = dense_forms(network)
    rows = []
    timed = [(level, False, _pruned(network, level) if level else network) for level in (0.0, *levels)]
    timed += [(100 * one.sparsity, True, one) for one in retrained]
    for level, again, pruned in timed:
        compiled = CompiledNetwork(pruned)
        row: dict[str, Any] = {"level": level, "retrained": again, "weights": pruned.connections}
        row |= {"multiply_adds": compiled.multiply_adds, "bytes": compiled.bytes}
        for name, inputs, calls in (("one", one, 20), ("batch", many, 1)):
            single = inputs.astype(np.float32)
            dense = min(_microseconds(lambda f=form, x=single: f(x), calls, repeats) for form in forms.values())
            quick = _microseconds(lambda f=compiled, x=inputs: f(x), calls, repeats)
            row |= {f"{name}_us": quick / len(inputs), f"dense_{name}_us": dense / len(inputs)}
            row[f"{name}_gain"] = dense / quick
        rows.append(row)
    return rows


def _pruned(network: Network, level: float) -> Network:
    masks = METHODS["global"](network.weights, network.masks, level)
    weights = tuple(np.where(mask, weight, 0) for mask, weight in zip(masks, network.weights, strict=True))
    return Network(weights, network.biases, network.scaling)


def _microseconds(work: Callable[[], Any], calls: int, repeats: int) -> float:
    def repeated() -> None:
        for _ in range(calls):
            work()

    return 1e6 * best_time(repeated, repeats) / calls


def report(rows: Sequence[dict[str, Any]], batch: int) -> str:
    """The rows as text."""
    lines = [
        f"us a network's decision, compressed beside dense (the better of numpy and jitted JAX), batch of {batch}",
        f"{'level, %':>8} {'weights':>8} {'one':>8} {'dense':>8} {'gain':>6} {'batch':>8} {'dense':>8} {'gain':>6}",
    ]
    lines += [
        f"{row['level']:8.4g} {row['weights']:8,} {row['one_us']:8.2f} {row['dense_one_us']:8.2f} "
        f"{row['one_gain']:6.1f} {row['batch_us']:8.3f} {row['dense_batch_us']:8.3f} {row['batch_gain']:6.1f}"
        f"{'  retrained' if row['retrained'] else ''}"
        for row in rows
    ]
    return "\n".join(lines)
