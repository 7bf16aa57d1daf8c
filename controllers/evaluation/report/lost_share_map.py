"""One picture of sparsity under disturbances: lost flights over perturbation and sparsity, a panel a training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mothsim.controllers.evaluation.sparse_pairs import PolicyFlights
from mothsim.plotting.style import figure_style

_CELL = 0.27  # inches


@figure_style()
def draw_lost_shares(flights: Sequence[PolicyFlights], perturbations: Sequence[str]) -> Figure:
    """Draw the share of lost flights, per cent, over all tasks, prunings, seeds and starts.

    A row is a perturbation, a column a sparsity: first the dense policies that the others are pruned from.

    Args:
        flights: of all trainings; smaller dense policies are left out.
        perturbations: their names, in order.
    """
    largest = max(one.weights for one in flights)
    shown = [one for one in flights if one.pruning or one.weights == largest]
    trainings = list(dict.fromkeys(one.training for one in shown))
    levels = sorted({one.level for one in shown})
    size = (2.2 + _CELL * len(levels) * len(trainings), 1.3 + _CELL * len(perturbations))
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(trainings), sharey=True, squeeze=False)[0]
    for axes, training in zip(panels, trainings, strict=True):
        columns = [
            np.mean([one.lost for one in shown if (one.training, one.level) == (training, level)], axis=(0, 1, 3))
            for level in levels
        ]
        image = axes.imshow(100 * np.transpose(columns), cmap="inferno_r", vmin=0, vmax=100, aspect="auto")
        axes.set_title(f"trained {training}", fontsize=9)
        axes.set_xticks(range(len(levels)), [f"{level:g}" for level in levels], rotation=90)
        axes.set_yticks(range(len(perturbations)), perturbations)
        axes.set_xlabel("weights pruned, %", fontsize=8)
        axes.tick_params(length=0, labelsize=7)
    colours = figure.colorbar(image, ax=list(panels), shrink=0.7)
    colours.set_label("lost flights, %", fontsize=8)
    colours.ax.tick_params(labelsize=7)
    return figure
