"""Z-scores of motifs by sparsity, over the networks of a study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mothsim.controllers.zahn2022.motifs import MOTIFS
from mothsim.plotting.style import SERIES, figure_style
from mothsim.tables import Row

_TITLES = {
    "degrees": "against networks in which every node keeps its numbers of inputs and outputs",
    "density": "against networks with as many connections a layer between the same nodes",
}


@figure_style()
def draw_motifs(rows: Sequence[Row]) -> Figure:
    """Draw z-scores by sparsity: each network as a dot, the medians as lines, a panel a null.

    Args:
        rows: with `level`, `motif`, `null` and `z`; rows without a z, where the null sets the count, are left out.
    """
    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(_TITLES), 1, sharex=True)
    levels = sorted({row["level"] for row in rows})
    for axes, (null, title) in zip(grid, _TITLES.items(), strict=True):
        for motif, colour in zip(MOTIFS, SERIES, strict=False):
            found = [row for row in rows if (row["null"], row["motif"]) == (null, motif) and np.isfinite(row["z"])]
            if not found:
                continue
            places = [levels.index(row["level"]) for row in found]
            axes.plot(places, [row["z"] for row in found], ".", ms=4, alpha=0.5, color=colour)
            middles = [
                (place, np.median([row["z"] for row in found if row["level"] == level]))
                for place, level in enumerate(levels)
                if any(row["level"] == level for row in found)
            ]
            axes.plot(*np.array(middles).T, color=colour, label=motif)
        axes.axhline(0, color="0.4", lw=0.8, ls="--")
        if max((abs(row["z"]) for row in rows if np.isfinite(row["z"])), default=0) > 30:
            axes.set_yscale("symlog", linthresh=10)
            axes.yaxis.set_major_formatter("{x:g}")
        axes.set_title(title, fontsize=9)
        axes.set_ylabel("z-score of the count")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    grid[-1].set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
    grid[-1].set_xlabel("sparsity, per cent")
    return figure
