"""Learning curves of networks that are pruned level by level, as in Figs 2 and 3 of Zahn et al. 2022."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mothsim.controllers.learning.training import CHUNK
from mothsim.controllers.networks.network import Network
from mothsim.plotting.style import RED, TEAL, figure_style

_LABEL_WIDTH = 0.016  # share of the axis that a rotated level takes; levels nearer to the one before are not named


@figure_style()
def draw_learning_curve(networks: Sequence[Network], threshold: float = 1e-3) -> Figure:
    """Draw the training loss over all steps of a run, level by level, and each level's loss on test segments.

    Args:
        networks: one a level, the dense one first; a level's sparsity stands where the network was pruned to it.
        threshold: loss drawn as a line, by default that of Zahn et al.
    """
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    starts = _draw_run(axes, networks, threshold)
    left, right = axes.get_xlim()
    named = -np.inf
    for network, start in zip(networks, starts, strict=True):
        axes.axvline(start, color="0.85", lw=0.8, zorder=0)
        if start - named < _LABEL_WIDTH * (right - left):
            continue
        named = start
        axes.text(start, 1.01, f" {network.info['level']:g}", transform=axes.get_xaxis_transform(), fontsize=7,
                  ha="center", va="bottom", rotation=90)  # fmt: skip
    axes.set(xlabel="training step", ylabel="mean squared error, scaled")
    axes.set_title("pruned to so many per cent", fontsize=8, pad=22)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


@figure_style()
def draw_learning_curves(runs: Mapping[str, Sequence[Network]], threshold: float = 1e-3) -> Figure:
    """Draw the learning curves of several runs on one scale, with a black line at the sparsest level that passes.

    Args:
        runs: networks by level, the dense one first, by the run's name.
        threshold: loss that the test segments' has to keep to, drawn as a line.
    """
    side = math.ceil(math.sqrt(len(runs)))
    figure = Figure(figsize=(3.2 * side, 2.4 * math.ceil(len(runs) / side) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(math.ceil(len(runs) / side), side, sharex=True, sharey=True, squeeze=False)
    for axes, (name, networks) in zip(grid.flat, runs.items(), strict=False):
        starts = _draw_run(axes, networks, threshold)
        passing = [i for i, network in enumerate(networks) if network.info["test_loss"] <= threshold]
        if passing:
            axes.axvline(starts[passing[-1]], color="black", lw=1.2, label="pruned to the sparsest level that passes")
        level = f"up to {networks[passing[-1]].info['level']:g} %" if passing else "at no level"
        axes.set_title(f"{name}: passes {level}", fontsize=8)
        axes.tick_params(labelsize=7)
    for axes in grid.flat[len(runs) :]:
        axes.set_axis_off()
    figure.supxlabel("training step", fontsize=9)
    figure.supylabel("mean squared error, scaled", fontsize=9)
    labels = {label: line for axes in grid.flat for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(labels.values(), labels.keys(), loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    return figure


def _draw_run(axes: Axes, networks: Sequence[Network], threshold: float) -> list[int]:
    """Draw a run's training and test losses and the threshold; returns the step at which each level begins."""
    starts, end = [], 0
    for i, network in enumerate(networks):
        starts.append(end)
        curve = network.info["learning_curve"]
        steps = end + CHUNK * (1 + np.arange(len(curve)))
        axes.plot(steps, curve, color=TEAL, lw=0.8, label="training batches" if i == 0 else None)
        end += network.info["steps"]
        axes.plot(end, network.info["test_loss"], "o", ms=3, color=RED, label="fresh segments" if i == 0 else None)
    axes.axhline(threshold, color="0.4", ls="--", lw=0.8, label="threshold")
    axes.set_yscale("log")
    return starts
