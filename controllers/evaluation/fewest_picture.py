"""The picture of the fewest weights: what is asked of a network, against how many it has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from controllers.evaluation.tables import Row, grouped

PANELS = {
    "loss": ("loss", "loss on Zahn et al.'s segments", 1e-3),
    "gentle": ("sum_of_primes_cm", "error on the sum of primes, cm", 0.10),
    "envelope": ("flown", "share of the envelope flown", 1.0),
}
"""By goal: the column drawn, its name for people, and the bound that is asked for."""
_COLOURS = {"pruned": "#1f7a8c", "fewest": "#1f7a8c", "dense": "#6a4c93"}
_ZAHN = 23_131, 1e-3  # weights and loss at their limit of 93 %


def draw_fewest(rows: Sequence[Row]) -> Figure:
    """A panel a goal: every pruning a faint line to the fewest weights, a star, and small dense networks as dots.

    Args:
        rows: with columns `goal`, `way` (pruned, dense or fewest), `seed`, `weights` and the goal's measures.
    """
    goals = grouped(rows, lambda row: row["goal"])
    figure = Figure(figsize=(4.6 * len(goals), 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (goal, group) in zip(figure.subplots(1, len(goals), squeeze=False).ravel(), goals.items(), strict=True):
        _draw_goal(axes, goal, group)
    return figure


def _draw_goal(axes: Axes, goal: str, rows: Sequence[Row]) -> None:
    column, name, bound = PANELS[goal]
    ways = grouped(rows, lambda row: row["way"])
    top = 3 * max(row[column] for row in rows if np.isfinite(row[column]))
    for line in grouped(ways.get("pruned", []), lambda row: row["seed"]).values():
        line = sorted(line, key=lambda row: row["weights"])
        places, values = [row["weights"] for row in line], [min(row[column], top) for row in line]
        axes.plot(places, values, "-", color=_COLOURS["pruned"], lw=1, alpha=0.5, marker=".", ms=3)
    for way, mark, size, name_of in (("dense", "o", 5, "small and dense"), ("fewest", "*", 13, "the fewest, judged")):
        found = ways.get(way, [])
        places, values = [row["weights"] for row in found], [min(row[column], top) for row in found]
        axes.plot(places, values, mark, ms=size, color=_COLOURS[way], alpha=0.8, label=name_of)
    axes.axhline(bound, color="0.4", ls="--", lw=0.8)
    if goal == "loss":
        axes.plot(*_ZAHN, "X", color="#c8452f", ms=8, label="Zahn et al., layer by layer, 93 %")
    axes.set(xscale="log", xlabel="weights", ylabel=name)
    if goal != "envelope":
        axes.set_yscale("log")
    axes.set_title(goal, fontsize=10, loc="left", fontweight="bold")
    axes.grid(alpha=0.2)
    axes.legend(fontsize=7, frameon=False)
