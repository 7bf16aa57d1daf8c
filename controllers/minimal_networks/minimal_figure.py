"""The figure of the fewest weights: the measure of each requirement against the number of weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mothsim.controllers.evaluation.report.panels import plain_log
from mothsim.plotting.style import RED, TEAL, figure_style
from mothsim.tables import Row, grouped

PANELS = {
    "loss": ("loss", "loss on Zahn et al.'s segments", 1e-3),
    "gentle": ("sum_of_primes_cm", "error on the sum of primes, cm", 0.10),
    "linear": ("sum_of_primes_cm", "error on the sum of primes, cm", 0.10),
    "envelope": ("flown", "share of the envelope flown", 1.0),
}
"""By requirement: the column drawn, its label, and its bound."""
_COLOURS = {"surgeon": TEAL, "magnitude": "#d98e04", "dense": "#6a4c93"}
_ZAHN = 23_131, 1e-3  # weights and loss at their limit of 93 %


@figure_style()
def draw_minimal(rows: Sequence[Row]) -> Figure:
    """A panel for each requirement: prunings as faint lines to the fewest weights (stars), dense networks as dots.

    Args:
        rows: with columns `requirement`, `removal` (`surgeon` or `magnitude`, the same with `, test`, or `dense`),
            `seed`, `weights` and the requirement's measures.
    """
    requirements = grouped(rows, lambda row: row["requirement"])
    figure = Figure(figsize=(4.6 * len(requirements), 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (requirement, group) in zip(
        figure.subplots(1, len(requirements), squeeze=False).ravel(), requirements.items(), strict=True
    ):
        _draw_requirement(axes, requirement, group)
    return figure


def _draw_requirement(axes: Axes, requirement: str, rows: Sequence[Row]) -> None:
    column, name, bound = PANELS[requirement]
    removals = grouped(rows, lambda row: row["removal"])
    top = 3 * max(row[column] for row in rows if np.isfinite(row[column]))
    for removal, found in removals.items():
        colour = _COLOURS[removal.removesuffix(", test")]
        if removal in ("surgeon", "magnitude"):
            for line in grouped(found, lambda row: row["seed"]).values():
                line = sorted(line, key=lambda row: row["weights"])
                axes.plot(*_places(line, column, top), "-", color=colour, lw=1, alpha=0.5, marker=".", ms=3)
        elif removal == "dense":
            axes.plot(*_places(found, column, top), "o", color=colour, ms=5, alpha=0.7, label="small and dense")
        else:
            axes.plot(
                *_places(found, column, top),
                "*",
                color=colour,
                ms=13,
                label=f"fewest by {removal.removesuffix(', test')}, tested",
            )
    axes.axhline(bound, color="0.4", ls="--", lw=0.8)
    if requirement == "loss":
        axes.plot(*_ZAHN, "X", color=RED, ms=8, label="Zahn et al., layer by layer, 93 %")
    axes.set(xscale="log", xlabel="weights", ylabel=name)
    plain_log(axes.xaxis)
    if requirement == "envelope":
        axes.set_ylim(0.0, 1.05)
    else:
        axes.set_yscale("log")
    axes.set_title(requirement, fontsize=10, loc="left", fontweight="bold")
    axes.grid(alpha=0.2)
    axes.legend(fontsize=7, frameon=False)


def _places(rows: Sequence[Row], column: str, top: float) -> tuple[list[float], list[float]]:
    return [row["weights"] for row in rows], [min(row[column], top) for row in rows]
