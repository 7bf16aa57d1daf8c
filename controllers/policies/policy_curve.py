"""The learning curve of a policy."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mothsim.controllers.networks.network import Network


def draw_policy_curve(network: Network) -> Figure:
    """Mean cost of the windows of flight over the steps of a training."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    curve = network.info["learning_curve"]
    steps = network.info["training"]["steps"] * (1 + np.arange(len(curve))) / len(curve)
    axes.plot(steps, curve, color="#1f7a8c", lw=1.2)
    axes.set(xlabel="training step", ylabel="mean cost of the flights", xlim=(0, None))
    axes.grid(alpha=0.25)
    return figure
