"""One picture of who flies under which perturbation: shares of failed flights, by perturbation and by sparsity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mothsim.controllers.evaluation.report.panels import label
from mothsim.controllers.evaluation.rollouts import failed
from mothsim.controllers.evaluation.statistics import differs_in_size, network_kinds
from mothsim.plotting.style import figure_style
from mothsim.tables import Row, grouped

_CELL = (0.42, 0.27)  # inches
_DARK = 0.55  # share from which on numbers are white


def disturbed_flights(flights: Sequence[Row]) -> list[Row]:
    """Flights of the tasks and the controllers that flew under perturbations, the undisturbed ones with them."""
    rough = {(row["controller"], row["task"]) for row in flights if row["perturbation"] != "nominal"}
    return [row for row in flights if (row["controller"], row["task"]) in rough]


@figure_style()
def draw_failed_shares(flights: Sequence[Row]) -> Figure:
    """Draw the share of failed flights, per cent, over all tasks flown disturbed.

    A row is a perturbation, a column the networks of a family and a sparsity, or a controller; families stand side by
    side from dense to sparse. Numbers stand where some flights of a cell failed and some did not; in a row marked
    with a star all cells are alike, so that it compares nothing.

    Args:
        flights: the evaluation's table, some under perturbations.
    """
    flown = disturbed_flights(flights)
    columns = _columns(flown)
    rows = list(dict.fromkeys(row["perturbation"] for row in flown))
    shares = np.full((len(rows), len(columns)), np.nan)
    for j, group in enumerate(columns.values()):
        for name, members in grouped(group, lambda row: row["perturbation"]).items():
            shares[rows.index(name), j] = np.mean([failed(row) for row in members])
    figure = Figure(figsize=(3.2 + _CELL[0] * len(columns), 2.4 + _CELL[1] * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    image = axes.imshow(100 * shares, cmap="Greys", vmin=0, vmax=100, aspect="auto")
    for (i, j), share in np.ndenumerate(shares):
        if 0 < share < 1:
            colour = "white" if share > _DARK else "black"
            axes.text(j, i, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=colour)
    alike = [bool(np.isin(row, (0, 1)).all() and (row == row[0]).all()) for row in shares]
    axes.set_yticks(range(len(rows)), [f"{name} *" if same else name for name, same in zip(rows, alike, strict=True)])
    axes.set_xticks(range(len(columns)), list(columns), rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0, labelsize=8)
    if any(alike):
        axes.set_title("* all cells alike: compares nothing", fontsize=8)
    figure.colorbar(image, ax=axes, label="failed flights, %", shrink=0.6)
    return figure


def _columns(flights: Sequence[Row]) -> dict[str, list[Row]]:
    """Flights by column: controllers first, then networks by family, dense ones first."""
    kinds = network_kinds(flights)

    def place(row: Row) -> tuple:
        network = row["weights"] is not None
        size = -row["weights"] if network and differs_in_size(row["family"]) else 0
        return network, row["family"], row["level"] or 0.0, size, kinds[row["controller"]][-1]

    columns = {}
    for (network, family, level, *_), members in grouped(sorted(flights, key=place), place).items():
        names = dict.fromkeys(row["controller"] for row in members)
        columns[next(iter(names)) if len(names) == 1 or not network else f"{label(family)} {level:g} %"] = members
    return columns
