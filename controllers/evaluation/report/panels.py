"""What the pictures of an evaluation share: colours and names of the families, panels, axes, legends."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from mothsim.tables import Row

COLOURS = {
    "global": "#1f7a8c",
    "layerwise": "#c8452f",
    "small": "#6a4c93",
    "small, pruned": "#b5568f",
    "dense": "#333333",
}
LABELS = {
    "dense": "dense",
    "global": "pruned over all layers",
    "layerwise": "pruned layer by layer",
    "small": "small and dense",
    "small, pruned": "small, pruned for flight",
}
"""Of the families of networks in pictures and tables, in their order in tables."""
BASELINE_COLOURS = {"lqr": "#8a8d3f", "mppi": "#d98e04", "cem": "#b5651d"}
LOSS_COLOUR = "#9a9a9a"


def label(family: str) -> str:
    """A family's or baseline's name for people."""
    return LABELS.get(family, family)


def mark_lost(axes: Axes, ceiling: float) -> None:
    """What is lost lies above a line."""
    axes.axhline(ceiling / 1.35, color="0.6", lw=0.6)
    axes.text(0.01, ceiling, "lost", transform=axes.get_yaxis_transform(), fontsize=8, va="center", color="0.3")


def plain_log(axis: Axis) -> None:
    """Ticks at 1, 2 and 5 of each decade where there are few, written out."""
    low, high = sorted(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1000 else f"{value:g}"))


def panels_for(count: int, width: int, height: float = 3.1) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, at most `width` beside each other, each `height` inches high."""
    columns = min(count, width)
    rows = -(-count // columns)
    figure = Figure(figsize=(4.6 * columns, height * rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[count:]:
        spare.set_axis_off()
    return figure, list(axes[:count])


def legend(figure: Figure, rows: Iterable[Row], *, loss: bool = False, crosses: str = "") -> None:
    """Above the panels, the families that the rows hold."""
    present = dict.fromkeys(row["family"] for row in rows)
    lines = [Line2D([], [], color=COLOURS[name], lw=2, label=label(name)) for name in COLOURS if name in present]
    lines += [
        Line2D([], [], color=BASELINE_COLOURS.get(name, "#777777"), lw=5, alpha=0.4, label=name.upper())
        for name in present
        if name not in COLOURS and name in BASELINE_COLOURS
    ]
    if loss:
        lines.append(Line2D([], [], color=LOSS_COLOUR, ls=":", label="loss, right axis"))
    if crosses:
        lines.append(Line2D([], [], color="k", ls="", marker="x", label=crosses))
    figure.legend(
        handles=lines,
        loc="outside upper center",
        ncols=4 if figure.get_figwidth() > 6 else 2,
        frameon=False,
        fontsize=8,
    )
