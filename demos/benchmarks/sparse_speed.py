"""Time of a network from its compressed weights beside the same network stored dense, level by level of pruning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.learning.pruning import LEVELS, METHODS
from mothsim.controllers.networks.dense_inference import dense_forms
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.policy import Policy
from mothsim.flight import Task, moth_seeds, steady_start
from mothsim.timing import microseconds
from mothsim.trajectories import make_trajectory


def decisions(
    network: Network,
    retrained: Sequence[Network] = (),
    levels: Sequence[float] = LEVELS,
    *,
    batch: int = 256,
    repeats: int = 50,
) -> list[dict[str, Any]]:
    """A row a level of pruning by magnitude, the dense network's first: us a decision, for one moth and in a batch.

    Columns: `level`, `retrained`, `weights`, `multiply_adds`, `bytes`, and for one moth and for each of a batch
    (`one_`, `batch_`) `us`; `single_us` and `double_us`, dense in single and in double precision, the better of numpy
    and jitted JAX; and `single_gain` and `double_gain`, dense by compressed. The compressed network computes in double
    precision, with the same bits for a moth in any batch.

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
    forms = {"single": (np.float32, dense_forms(network)), "double": (np.float64, dense_forms(network, np.float64))}
    rows = []
    timed = [(level, False, METHODS["global"].prune(network, level) if level else network) for level in (0.0, *levels)]
    timed += [(100 * one.sparsity, True, one) for one in retrained]
    for level, again, pruned in timed:
        compiled = CompiledNetwork(pruned)
        row: dict[str, Any] = {"level": level, "retrained": again, "weights": pruned.connections}
        row |= {"multiply_adds": compiled.multiply_adds, "bytes": compiled.bytes}
        for name, inputs, calls in (("one", one, 20), ("batch", many, 1)):
            quick = microseconds(lambda f=compiled, x=inputs: f(x), calls, repeats)
            row[f"{name}_us"] = quick / len(inputs)
            for precision, (dtype, dense_by) in forms.items():
                given = inputs.astype(dtype)
                dense = min(microseconds(lambda f=form, x=given: f(x), calls, repeats) for form in dense_by.values())
                row |= {f"{name}_{precision}_us": dense / len(inputs), f"{name}_{precision}_gain": dense / quick}
        rows.append(row)
    return rows


def policy_decisions(
    network: Network, small: Sequence[Network] = (), counts: Sequence[int] = (50, 100, 200, 500), *, repeats: int = 50
) -> list[dict[str, Any]]:
    """A row for each number of weights: us a whole decision of a policy for one moth, Python included.

    Columns: `weights`, `control_step_us`, and of its network alone `one_us`, `dense_one_us` (the better of numpy and
    jitted JAX) and their ratio `one_gain`.

    Args:
        network: a policy without memory; it is pruned by magnitude without retraining.
        small: policies that are timed as they are, a row each before those.
        counts: weights left of the network.
        repeats: best of so many.
    """
    target, body = make_trajectory("hover"), MothBody()
    states, inputs = steady_start(target, body)[None], np.ones((1, network.sizes[0]))
    single, forms = inputs.astype(np.float32), dense_forms(network)
    dense = min(microseconds(lambda f=form: f(single), 20, repeats) for form in forms.values())
    rows = []
    shares = (1 - count / network.connections for count in counts)
    for pruned in (*small, *(METHODS["layerwise"].prune(network, 100 * share) for share in shares)):
        policy, compiled = Policy(pruned), CompiledNetwork(pruned)
        policy.reset(Task(target, body, 1.0, moth_seeds(0, 1)[1]))
        row: dict[str, Any] = {"weights": pruned.connections}
        row["control_step_us"] = microseconds(lambda p=policy: p.control(states, 0.0), 20, repeats)
        row["one_us"] = microseconds(lambda f=compiled: f(inputs), 20, repeats)
        rows.append({**row, "dense_one_us": dense, "one_gain": dense / row["one_us"]})
    return rows


def report(rows: Sequence[dict[str, Any]], batch: int) -> str:
    """The rows as text."""
    lines = [
        f"us a network's decision, compressed, in double precision, for one moth and in a batch of {batch}; beside it "
        "dense in single and in double precision (the better of numpy and jitted JAX), and how many times as long",
        f"{'level, %':>8} {'weights':>8}" + 2 * f" {'':>8} {'single':>8} {'times':>6} {'double':>8} {'times':>6}",
    ]
    for row in rows:
        line = f"{row['level']:8.4g} {row['weights']:8,}"
        for name in ("one", "batch"):
            line += f" {row[f'{name}_us']:8.2f}"
            for precision in ("single", "double"):
                line += f" {row[f'{name}_{precision}_us']:8.2f} {row[f'{name}_{precision}_gain']:6.1f}"
        lines.append(line + ("  retrained" if row["retrained"] else ""))
    return "\n".join(lines)


def policy_report(rows: Sequence[dict[str, Any]]) -> str:
    """The rows of `policy_decisions` as text."""
    lines = [
        "us a decision of a policy for one moth, and its network beside the dense one",
        f"{'weights':>8} {'decision':>9} {'network':>8} {'dense':>8} {'gain':>6}",
    ]
    lines += [
        f"{row['weights']:8,} {row['control_step_us']:9.2f} {row['one_us']:8.2f} {row['dense_one_us']:8.2f} "
        f"{row['one_gain']:6.1f}"
        for row in rows
    ]
    return "\n".join(lines)
