"""Wiring diagrams of pruned policies: which observation acts on which force, with what sign and gain."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mothsim.controllers.learning.pruning import effective_masks
from mothsim.controllers.networks.network import Network
from mothsim.plotting.style import figure_style
from mothsim.policy_interface import ENTRIES, GRAVITY_ENTRIES, OUTPUT_ENTRIES, PolicyEntry
from mothsim.policy_memory import MEMORY_ENTRIES

_SENSES = {entry.name: entry for entry in (*ENTRIES, *GRAVITY_ENTRIES, *MEMORY_ENTRIES)}
_PLUS, _MINUS, _FAINT = "#0072b2", "#d55e00", "0.75"


@figure_style()
def draw_wiring(networks: Mapping[str, Network], columns: int = 2) -> Figure:
    """Draw policies as graphs, from the observations that they use to forces and torque.

    Blue connections raise what they lead to and orange ones lower it; the thicker, the more of what arrives there. A
    policy without hidden layers has its gains written below the observations, in physical units.

    Args:
        networks: policies by name.
        columns: of diagrams.

    Raises:
        ValueError: no network, or one that is no policy.
    """
    if not networks:
        raise ValueError("networks: expected one or more")
    for name, network in networks.items():
        if network.kind != "policy":
            raise ValueError(f"network {name!r} is of the kind {network.kind!r}: expected a policy")
    senses = [np.flatnonzero(effective_masks([w != 0 for w in n.weights])[0].any(axis=1)) for n in networks.values()]
    rows, columns = -(-len(networks) // columns), min(columns, len(networks))
    size = (4.5 * columns, rows * (0.6 + 0.58 * max(3, *map(len, senses))))
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    for i, (name, network) in enumerate(networks.items()):
        axes = figure.add_subplot(rows, columns, i + 1)
        _draw_graph(axes, network, senses[i])
        axes.set_title(f"{name}: {network.connections} connections", fontsize=10)
    return figure


def _draw_graph(axes: Axes, network: Network, senses: NDArray[np.intp]) -> None:
    weights = [network.weights[0][senses], *network.weights[1:]]
    sensed = [_SENSES[network.input_names[i]] for i in senses]
    heights = [np.linspace(1, 0, size + 2)[1:-1] for size in (len(senses), *(w.shape[1] for w in weights))]
    for layer, weight in enumerate(weights):
        share = np.abs(weight) / np.maximum(np.abs(weight).max(axis=0), 1e-30)
        for i, j in np.argwhere(weight).tolist():
            ends = heights[layer][i], heights[layer + 1][j]
            axes.plot([layer, layer + 1], ends, color=_PLUS if weight[i, j] > 0 else _MINUS, lw=0.6 + 2.4 * share[i, j])
    for layer, height in enumerate(heights):
        connected = (weights[layer] != 0).any(axis=1) if layer < len(weights) else (weights[-1] != 0).any(axis=0)
        axes.scatter(np.full(len(height), layer), height, s=16, zorder=3, c=["0.2" if c else _FAINT for c in connected])
    names = ([fill(entry.name, 30) for entry in sensed], [fill(entry.name, 17) for entry in OUTPUT_ENTRIES])
    if len(weights) == 1:
        gains = [_gains(entry, row) for entry, row in zip(sensed, weights[0], strict=True)]
        names = ([f"{name}\n{gain}" for name, gain in zip(names[0], gains, strict=True)], names[1])
    for side, (layer, labels) in enumerate(zip((0, len(weights)), names, strict=True)):
        for height, label in zip(heights[layer], labels, strict=True):
            axes.text(layer + (0.04 if side else -0.04) * len(weights), height, label, fontsize=8, va="center",
                      ha="left" if side else "right")  # fmt: skip
    axes.set(xlim=(-1.2 * len(weights), 1.8 * len(weights)), ylim=(0, 1))
    axes.set_axis_off()


def _gains(entry: PolicyEntry, weights: NDArray[np.floating]) -> str:
    """What a linear policy does by an observation; where it does several things, a line each that says to what."""
    outputs = np.flatnonzero(weights).tolist()
    gains = [_gain(float(weights[j]), entry, j) for j in outputs]
    if len(gains) == 1:
        return gains[0]
    return "\n".join(f"{gain} to {OUTPUT_ENTRIES[j].name}" for gain, j in zip(gains, outputs, strict=True))


def _gain(weight: float, entry: PolicyEntry, output: int) -> str:
    """A linear policy's gain for small departures, in physical units."""
    out = OUTPUT_ENTRIES[output]
    unit = (
        out.unit
        if entry.unit == "1"
        else f"{out.unit}/({entry.unit})"
        if "/" in entry.unit
        else f"{out.unit}/{entry.unit}"
    )
    return f"{float(f'{weight * out.scale / entry.scale:.2g}'):+,g} {unit}"
