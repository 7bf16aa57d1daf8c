"""Pictures that compare networks: sparse with dense in pairs, and tracking error with its predictors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mothsim.controllers.evaluation.predictors import PREDICTORS, network_errors
from mothsim.controllers.evaluation.report.panels import (
    COLOURS,
    error_scale,
    legend,
    mark_degenerate,
    mark_lost,
    panels_for,
    plain_log,
)
from mothsim.controllers.evaluation.robustness import ALL, DISTURBED
from mothsim.controllers.evaluation.rollouts import by_task
from mothsim.controllers.evaluation.statistics import degenerate
from mothsim.plotting.style import figure_style
from mothsim.tables import Row, grouped

_SHOWN = (0.2, 50.0)  # ratios; intervals that go beyond hold pairs of which one flies and one is lost
_FARTHEST = {"spectral_radius": 2.0, "trim_offset_cm": 1.0}  # shown; a network with a dead control has no offset
_PAIRINGS = {"equal error": "#0072b2", "equal weights": "#e69f00", "same seed": "#909090"}


@figure_style()
def draw_pairs(comparison: Sequence[Row], columns: int = 2) -> Figure:
    """Draw the ratio of sparse to dense error under every perturbation, with 90 % intervals, a panel a task.

    At the right are the shares of flights that failed, sparse and dense, of the pairs of equal error; where there are
    none, of those of equal weights or of one seed. Where both networks of every pair always fail there is no ratio.
    """
    rows = [row for row in comparison if row["family"] == ALL]
    rough = {row["task"] for row in rows if row["perturbation"] == DISTURBED}
    tasks = grouped((row for row in rows if row["task"] in rough), lambda row: row["task"])
    perturbations = list(dict.fromkeys(row["perturbation"] for group in tasks.values() for row in group))
    figure, panels = panels_for(len(tasks), columns, 0.33 * len(perturbations) + 0.9)
    for panel, (task, group) in zip(panels, tasks.items(), strict=True):
        _draw_ratios(panel, group, perturbations)
        panel.set_title(task, fontsize=10, loc="left", fontweight="bold")
    present = {row["pairing"] for row in rows if row["ratio"] is not None}
    lines = [Line2D([], [], color=colour, marker="o", label=name) for name, colour in _PAIRINGS.items()
             if name in present]  # fmt: skip
    figure.legend(handles=lines, loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return figure


def _draw_ratios(axes: Axes, rows: Sequence[Row], perturbations: Sequence[str]) -> None:
    axes.axvline(1.0, color="0.3", lw=0.8)
    counted = next((name for name in _PAIRINGS if any(row["pairing"] == name for row in rows)), "")
    for shift, (pairing, colour) in zip((0.0, 0.22, -0.22), _PAIRINGS.items(), strict=True):
        for row in (row for row in rows if row["pairing"] == pairing):
            y = perturbations.index(row["perturbation"]) + shift
            if row["ratio"] is not None:
                low, middle, high = np.clip([row["ratio_low"], row["ratio"], row["ratio_high"]], *_SHOWN)
                axes.plot([low, high], [y, y], color=colour, lw=1.6)
                axes.plot(middle, y, ">" if middle == _SHOWN[1] else "o", ms=4, color=colour, clip_on=False)
            if pairing == counted and row["sparse_failed"] + row["dense_failed"] > 0:
                shares = f"{row['sparse_failed']:.0%} | {row['dense_failed']:.0%}"
                axes.text(1.03, y, shares, transform=axes.get_yaxis_transform(), fontsize=7, va="center")
    axes.set(xscale="log", xlim=_SHOWN, xlabel="sparse by dense error")
    axes.text(
        1.03,
        -0.8,
        f"failed, {counted}:\nsparse | dense",
        transform=axes.get_yaxis_transform(),
        fontsize=7,
        va="center",
        color="0.3",
    )
    plain_log(axes.xaxis)
    axes.set_yticks(range(len(perturbations)), perturbations)
    axes.set_ylim(len(perturbations) - 0.5, -0.5)
    axes.grid(alpha=0.2)


@figure_style()
def draw_predictors(
    flights: Sequence[Row], networks: Sequence[Row], predictor_correlations: Sequence[Row], columns: int = 2
) -> Figure:
    """Draw error on the sum of primes, or the first task, against its predictors, a panel each.

    Args:
        flights: the evaluation's table of flights.
        networks: its table of networks.
        predictor_correlations: its table of rank correlations.
        columns: of panels.
    """
    tasks = by_task(flights)
    task = "sum-of-primes" if "sum-of-primes" in tasks else next(iter(tasks))
    errors = network_errors(tasks[task])
    bottom, ceiling, top = error_scale(list(errors.values()))
    families = {row["controller"]: row["family"] for row in tasks[task]}
    figure, panels = panels_for(len(PREDICTORS), columns)
    for panel, (predictor, name) in zip(panels, PREDICTORS.items(), strict=True):
        for row in (row for row in networks if row[predictor] is not None):
            error = min(errors[row["controller"]], ceiling)
            colour = COLOURS.get(families[row["controller"]], "#777777")
            place = min(row[predictor], _FARTHEST.get(predictor, np.inf))
            panel.plot(place, error, "x" if error == ceiling else "o", ms=4, color=colour, alpha=0.7)
            mark_degenerate(panel, [(place, error)] if degenerate(row) else [])
        radius = predictor == "spectral_radius"
        panel.set(xscale="linear" if radius else "log", yscale="log", xlabel=name, ylabel=f"error on {task}, cm")
        panel.set_ylim(bottom, top)
        mark_lost(panel, ceiling, top)
        plain_log(panel.yaxis)
        if not radius:
            plain_log(panel.xaxis)
        panel.grid(alpha=0.2)
        found = [row for row in predictor_correlations if (row["task"], row["predictor"]) == (task, predictor)]
        if found:
            panel.set_title(f"rank correlation of guided networks {correlation(found[0])}", fontsize=9, loc="left")
    drawn = {row["controller"] for row in networks if any(row[predictor] is not None for predictor in PREDICTORS)}
    legend(figure, (row for row in tasks[task] if row["controller"] in drawn))
    return figure


def correlation(row: Row) -> str:
    """Write a rank correlation with its interval."""
    return f"{row['correlation']:.2f} ({row['correlation_low']:.2f} to {row['correlation_high']:.2f})"
