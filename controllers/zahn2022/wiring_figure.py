"""Wiring diagrams of pruned inverse models, with inputs and outputs by their symbols."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from mothsim.controllers.learning.pruning import Mask, effective_masks
from mothsim.plotting.style import RED, TEAL, figure_style
from mothsim.segments import FULL_OUTPUTS, INPUTS, OUTPUTS

SYMBOLS = {
    "phi0": r"$\phi_i$", "theta0": r"$\theta_i$", "x_f": "$x_f$", "y_f": "$y_f$", "phi_f": r"$\phi_f$",
    "theta_f": r"$\theta_f$", "xdot0": r"$\dot{x}_i$", "ydot0": r"$\dot{y}_i$", "phidot0": r"$\dot{\phi}_i$",
    "thetadot0": r"$\dot{\theta}_i$", "F_x": "$F_x$", "F_y": "$F_y$", "tau": r"$\tau$", "tau_w": r"$\tau_w$",
    "xdot_f": r"$\dot{x}_f$",
    "ydot_f": r"$\dot{y}_f$", "phidot_f": r"$\dot{\phi}_f$", "thetadot_f": r"$\dot{\theta}_f$",
}  # fmt: skip
"""Inputs and outputs as the paper writes them: i the start of the segment, f its end."""


@figure_style()
def draw_samples(networks: Sequence[Sequence[Mask]], percent: float) -> Figure:
    """Draw sample networks as graphs, inputs on the left: what lies on a path, with dead outputs in red.

    Args:
        networks: masks by layer, of each network.
        percent: sparsity, for the title.
    """
    side = math.ceil(math.sqrt(len(networks)))
    figure = Figure(figsize=(3.6 * side, 2.8 * math.ceil(len(networks) / side)), layout="constrained")
    FigureCanvasAgg(figure)
    for i, masks in enumerate(networks):
        axes = figure.add_subplot(math.ceil(len(networks) / side), side, i + 1)
        _draw_graph(axes, effective_masks(masks))
        axes.set_title(f"network {i}", fontsize=8)
    figure.suptitle(f"{percent:g} % pruned", fontsize=10)
    return figure


def _draw_graph(axes: Axes, masks: Sequence[Mask]) -> None:
    outputs = FULL_OUTPUTS if masks[-1].shape[1] == len(FULL_OUTPUTS) else OUTPUTS
    sizes = (masks[0].shape[0], *(mask.shape[1] for mask in masks))
    heights = [np.linspace(1, 0, size + 2)[1:-1] for size in sizes]
    for layer, mask in enumerate(masks):
        starts, ends = np.nonzero(mask)
        left = np.column_stack([np.full(len(starts), layer), heights[layer][starts]])
        right = np.column_stack([np.full(len(ends), layer + 1), heights[layer + 1][ends]])
        lines = np.stack([left, right], axis=1)
        strength = min(1.0, 60 / max(1, len(starts)) ** 0.8)  # so that many do not blacken
        axes.add_collection(LineCollection(list(lines), colors=TEAL, linewidths=0.5, alpha=strength))
        axes.plot(*left.T, "o", ms=1.5, color="0.2")
    colours = np.where(masks[-1].any(axis=0), "0.2", RED).tolist()
    axes.scatter(np.full(len(colours), len(masks)), heights[-1], s=5, c=colours, zorder=3)
    for names, layer, heard in (
        (INPUTS, 0, np.any(masks[0], axis=1)),
        (outputs, len(masks), np.any(masks[-1], axis=0)),
    ):
        side = -1 if layer == 0 else 1
        for name, height, used in zip(names, heights[layer], heard, strict=True):
            axes.text(layer + 0.1 * side, height, SYMBOLS[name], fontsize=7, ha="right" if side < 0 else "left",
                      va="center", color="0.2" if used else RED)  # fmt: skip
    for layer, size in enumerate(sizes):
        word = {0: "inputs", len(masks): "outputs"}.get(layer, f"hidden {layer}")
        axes.text(layer, -0.02, f"{word}\n{size}", fontsize=6, ha="center", va="top", color="0.4")
    axes.set(xlim=(-0.6, len(masks) + 0.7), ylim=(-0.12, 1.0))
    axes.set_axis_off()
