"""The learning curve of a run, as in Fig 2 of Zahn et al. 2022."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mothsim.controllers.learning.training import CHUNK
from mothsim.controllers.networks.network import Network
from mothsim.plotting.style import figure_style


@figure_style()
def draw_learning_curve(networks: Sequence[Network], threshold: float = 1e-3) -> Figure:
    """Draw the training loss over all steps of a run, level by level, and each level's loss on test segments.

    Args:
        networks: one a level, the dense one first.
        threshold: loss drawn as a line, by default that of Zahn et al.
    """
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    first = 0
    for i, network in enumerate(networks):
        curve = network.info["learning_curve"]
        steps = first + CHUNK * (1 + np.arange(len(curve)))
        axes.plot(steps, curve, color="#1f7a8c", lw=0.8, label="training batches" if i == 0 else None)
        end = first + network.info["steps"]
        axes.plot(
            end, network.info["test_loss"], "o", ms=4, color="#c8452f", label="fresh segments" if i == 0 else None
        )
        axes.axvline(end, color="0.85", lw=0.8, zorder=0)
        axes.text(end, 0.98, f"{network.info['level']:g}", transform=axes.get_xaxis_transform(), fontsize=7,
                  ha="right", va="top", rotation=90)  # fmt: skip
        first = end
    axes.axhline(threshold, color="0.4", ls="--", lw=0.8, label="threshold")
    axes.set(xlabel="training step", ylabel="mean squared error, scaled", yscale="log")
    axes.legend(frameon=False, loc="lower left")
    return figure
