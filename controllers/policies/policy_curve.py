"""The learning curve of a policy."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mothsim.controllers.networks.network import Network
from mothsim.plotting.moth_shape import TARGET
from mothsim.plotting.style import figure_style


@figure_style()
def draw_policy_curve(network: Network) -> Figure:
    """Mean cost of the windows of flight over the steps of a training, stage after stage."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(network.info["learning_steps"], network.info["learning_curve"], color=TARGET, lw=1.2, marker=".")
    axes.set(xlabel="training step", ylabel="mean cost of the flights, by each stage's own price", xlim=(0, None))
    axes.grid(alpha=0.25)
    return figure
