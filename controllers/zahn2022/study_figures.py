"""Zahn et al. 2022's pictures of many networks, from a study's folder alone.

`loss-by-sparsity` is their Fig 4, over several sizes their S1 to S3; `learning-curve` Fig 2, `learning-curves` Fig 3,
`inputs` Fig 5, `predictions-dense` and `predictions-pruned` S4 and S5, `trajectories` Fig 6. `sample-networks` shows
wiring diagrams; Table 1 is `loss_table.layer_table`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mothsim.body import make_body
from mothsim.controllers.learning.learning_curve import draw_learning_curve, draw_learning_curves
from mothsim.controllers.zahn2022.loss_table import Row, by_level, last_passing, passing_rows
from mothsim.controllers.zahn2022.prediction_figures import draw_predictions, draw_trajectories
from mothsim.controllers.zahn2022.sweep import StudyGroup, collect, load_networks
from mothsim.controllers.zahn2022.wiring_figure import SYMBOLS, draw_samples
from mothsim.plotting.figures import save_figure
from mothsim.plotting.style import RED, TEAL, figure_style
from mothsim.segments import INPUTS

_SAMPLES = 9


def draw_study(folder: Path, *, threshold: float = 1e-3, level: float = 93, kind: str = "png") -> list[Path]:
    """Draw all figures of a study, or of the studies of a sweep together, into the folder; nothing is trained.

    Where the studies have different hidden layers each choice has a folder for its own figures.

    Args:
        folder: of the study or sweep, finished or not.
        threshold: loss that a network has to keep to.
        level: sparsity (per cent) of sample networks, layers, inputs and predictions; the nearest that there is.
        kind: of the files: png, pdf or svg.

    Raises:
        ValueError: the folder holds no study, or a damaged one.
    """
    groups = collect(folder)
    figures: dict[Path, Figure] = {}
    for hidden, group in groups.items():
        own = folder if len(groups) == 1 else folder / "-".join(map(str, hidden))
        figures |= {own / f"{name}.{kind}": figure for name, figure in _draw_group(group, threshold, level).items()}
    if len(groups) > 1:
        sizes = {", ".join(map(str, hidden)): group.rows for hidden, group in groups.items()}
        figures[folder / f"loss-by-sparsity.{kind}"] = draw_losses(sizes, threshold)
    for file, figure in figures.items():
        save_figure(figure, file)
    return list(figures)


def _draw_group(group: StudyGroup, threshold: float, level: float) -> dict[str, Figure]:
    levels = by_level(group.rows)
    nearest = min(levels, key=lambda percent: abs(percent - level))
    finite = {int(row["network"]) for row in levels[max(levels)] if math.isfinite(row["loss"])}
    chosen = [row for row in levels[nearest] if int(row["network"]) in finite]
    figures = {
        "loss-by-sparsity": draw_losses({", ".join(map(str, group.settings.hidden)): group.rows}, threshold),
        "inputs": draw_inputs(group.rows, nearest, threshold),
    }
    if not chosen:
        return figures
    losses = np.log([row["loss"] for row in chosen])
    typical = int(chosen[int(np.argmin(np.abs(losses - np.median(losses))))]["network"])
    samples = [int(row["network"]) for row in chosen[:_SAMPLES]]
    found = {percent: load_networks(group, percent, [*samples, typical]) for percent in levels}
    runs = {index: [found[percent][index] for percent in levels] for index in [*samples, typical]}
    dense, pruned = found[min(levels)][typical], found[nearest][typical]
    body = make_body(group.settings.body)
    pair = {f"{min(levels):g} %": dense} | {f"{nearest:g} %": pruned}
    return figures | {
        "learning-curve": draw_learning_curve(runs[typical], threshold),
        "learning-curves": draw_learning_curves({f"network {i}": runs[i] for i in samples}, threshold),
        "sample-networks": draw_samples([found[nearest][index].masks for index in samples], nearest),
        "predictions-dense": draw_predictions(dense, body),
        "predictions-pruned": draw_predictions(pruned, body),
        "trajectories": draw_trajectories(pair, body),
    }


@figure_style()
def draw_losses(sizes: Mapping[str, Sequence[Row]], threshold: float) -> Figure:
    """Loss by sparsity as boxes, and above each a bar of how many networks last passed there (Fig 4, S1 to S3).

    Args:
        sizes: rows by hidden layers, a pair of panels each, all on one scale.
        threshold: loss that a network has to keep to.
    """
    figure = Figure(figsize=(9, 1 + 4.5 * len(sizes)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2 * len(sizes), 1, height_ratios=[1, 3] * len(sizes), squeeze=False)[:, 0]
    losses = [row["loss"] for rows in sizes.values() for row in rows if math.isfinite(row["loss"])]
    for (above, below), (hidden, rows) in zip(grid.reshape(-1, 2), sizes.items(), strict=True):
        levels = by_level(rows)
        last = list(last_passing(rows, threshold).values())
        counts = [last.count(percent) for percent in levels]
        above.bar_label(above.bar(range(len(levels)), counts, width=0.6, color=RED), fontsize=8)
        above.set(ylabel="networks", xlim=(-0.7, len(levels) - 0.3), ylim=(0, 1.25 * max(1, *counts)), xticks=[])
        above.set_title(
            f"{hidden}: networks whose last level within {threshold:g} is this one "
            f"(none: {last.count(None)} of {len(last)})",
            fontsize=9,
        )
        _boxes(below, [[row["loss"] for row in group] for group in levels.values()])
        below.axhline(threshold, color="0.4", ls="--", lw=0.8)
        below.set_xticks(range(len(levels)), [f"{percent:g}" for percent in levels])
        below.set(xlabel="sparsity, per cent", ylabel="loss on fresh segments, scaled", yscale="log",
                  xlim=above.get_xlim())  # fmt: skip
        if losses:
            below.set_ylim(0.7 * min(losses), 1.4 * max(losses))
    return figure


@figure_style()
def draw_inputs(rows: Sequence[Row], level: float, threshold: float) -> Figure:
    """Connections by input of the networks that last pass at a level, and how many lost it wholly (Fig 5).

    Args:
        rows: of the study.
        level: sparsity, per cent; where no network last passes there, all networks are drawn and the title says so.
        threshold: loss that a network has to keep to.
    """
    chosen = passing_rows(rows, level, threshold)
    title = f"{len(chosen)} networks that last pass at {level:g} %"
    if not chosen:
        chosen = by_level(rows)[level]
        title = f"no network last passes at {level:g} %: all {len(chosen)}"
    counts = [[row[f"from_{name}"] for row in chosen] for name in INPUTS]
    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _boxes(axes, counts)
    for i, count in enumerate(counts):
        axes.text(i, 1.01, str(count.count(0)), transform=axes.get_xaxis_transform(), ha="center", color=RED)
    axes.set_xticks(range(len(INPUTS)), [SYMBOLS[name] for name in INPUTS], fontsize=12)
    axes.set(ylabel="connections to the first layer")
    axes.set_title(f"{title}; above, networks that lost the input", fontsize=9, pad=18)
    return figure


def _boxes(axes: Axes, groups: Sequence[Sequence[float]]) -> None:
    """A box for each group, at 0, 1, ...; what is not finite is left out."""
    finite = [[value for value in group if math.isfinite(value)] for group in groups]
    axes.boxplot(
        finite, positions=range(len(groups)), widths=0.6, flierprops={"ms": 2}, medianprops={"color": TEAL}
    )  # fmt: skip
