"""Parts of all pictures of an evaluation: colours and names of the families, panels, axes, legends, marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from mothsim.controllers.evaluation.statistics import degenerate
from mothsim.tables import Row

# Those of Okabe and Ito, which the colour-blind tell apart; networks that fly alone have lighter ones.
COLOURS = {
    "global": "#0072b2",
    "layerwise": "#d55e00",
    "small": "#009e73",
    "small, pruned": "#cc79a7",
    "dense": "#000000",
    "global, alone": "#80bde0",
    "layerwise, alone": "#f3b58a",
    "small, alone": "#85d3bb",
    "small, pruned, alone": "#e8c4d8",
    "dense, alone": "#909090",
    "policy, alone": "#b58900",
}
LABELS = {
    "dense": "dense",
    "global": "pruned over all layers",
    "layerwise": "pruned layer by layer",
    "small": "small and dense",
    "small, pruned": "small, pruned",
}
LABELS |= {f"{family}, alone": f"{name}, alone" for family, name in LABELS.items()} | {"policy, alone": "policy, alone"}
"""Names of the families of networks in pictures and tables, in their order in tables."""
_BASELINES = {"lqr": "#7a7a7a", "nmpc": "#56b4e9", "mppi": "#f0e442", "cem": "#b5651d"}
_OTHERS = ("#882255", "#44aa99", "#332288", "#999933")  # of Tol's muted colours, for controllers in their order
LOSS_COLOUR = "#9a9a9a"


def label(family: str) -> str:
    """Return the name of a family or baseline in pictures and tables."""
    return LABELS.get(family, family)


def baseline_label(name: str) -> str:
    """Return the name of a controller without a network in tables and legends; a user's own keeps its letters."""
    return name if ":" in name else name.upper()


def baseline_colours(rows: Iterable[Row]) -> dict[str, str]:
    """Return the colours of the controllers without a network in an evaluation's rows, by name."""
    names = dict.fromkeys(row["family"] for row in rows if row["weights"] is None)
    others = cycle(_OTHERS)
    return {name: _BASELINES[name] if name in _BASELINES else next(others) for name in names}


def error_scale(errors: Sequence[float]) -> tuple[float, float, float]:
    """Return of an axis of errors its end, the place of lost flights, and the top; infinite errors do not count."""
    finite = [error for error in errors if np.isfinite(error) and error > 0] or [1.0]
    low, high = min(finite), max(finite)
    half = max(1.4, (high / low) ** 0.07)  # of the band of lost flights, a seventh of the axis at least
    return 0.7 * low, high * half * 1.3, high * half**2 * 1.3


def mark_lost(axes: Axes, ceiling: float, top: float) -> None:
    """Draw the line above which lost flights are, at `ceiling`, and end the axis at `top`."""
    axes.axhline(ceiling**2 / top, color="0.6", lw=0.6)
    axes.set_ylim(top=top)
    axes.text(0.01, ceiling, "lost", transform=axes.get_yaxis_transform(), fontsize=8, va="center", color="0.3",
              bbox={"fc": "white", "ec": "none", "pad": 0.5})  # fmt: skip


def mark_degenerate(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Put a square around the points (x, y) of networks none of whose controls depends on their inputs."""
    if points:
        axes.plot(*zip(*points, strict=True), ls="", marker="s", ms=8, mfc="none", mec="k", mew=0.8)


def plain_log(axis: Axis) -> None:
    """Write ticks out, at 1, 2 and 5 of each decade where there are few decades."""
    low, high = sorted(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))


def _plain(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0e}".replace("e-0", "e-") if value < 1e-3 else f"{value:g}"


def panels_for(count: int, width: int, height: float = 3.1) -> tuple[Figure, list[Axes]]:
    """Make a figure with `count` panels, at most `width` side by side, each `height` inches high."""
    columns = min(count, width)
    rows = -(-count // columns)
    figure = Figure(figsize=(4.6 * columns, height * rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[count:]:
        spare.set_axis_off()
    return figure, list(axes[:count])


def legend(figure: Figure, rows: Iterable[Row], *, loss: bool = False, crosses: str = "") -> None:
    """Draw above the panels the legend of the families in the rows, and of the squares of `mark_degenerate`."""
    rows = list(rows)
    present = dict.fromkeys(row["family"] for row in rows)
    lines = [Line2D([], [], color=COLOURS[name], lw=2, label=label(name)) for name in COLOURS if name in present]
    lines += [
        Line2D([], [], color=colour, lw=5, alpha=0.4, label=baseline_label(name))
        for name, colour in baseline_colours(rows).items()
    ]
    if loss:
        lines.append(Line2D([], [], color=LOSS_COLOUR, ls=":", label="loss, right axis"))
    if crosses:
        lines.append(Line2D([], [], color="k", ls="", marker="x", label=crosses))
    if any(map(degenerate, rows)):
        name = "no control responds to the moth"
        lines.append(Line2D([], [], ls="", marker="s", mfc="none", mec="k", label=name))
    figure.legend(
        handles=lines,
        loc="outside upper center",
        ncols=4 if figure.get_figwidth() > 6 else 2,
        frameon=False,
        fontsize=8,
    )
