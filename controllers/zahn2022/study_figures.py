"""Zahn et al. 2022's pictures of many networks, from a study's folder alone.

`loss-by-sparsity` is their Fig 4, over several sizes their S1 to S3; `learning-curve` Fig 2, `sample-networks` Fig 3,
`layers` Table 1, `inputs` Fig 5, `predictions-dense` and `predictions-pruned` S4 and S5, `trajectories` Fig 6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from mothsim.controllers.learning.learning_curve import draw_learning_curve
from mothsim.controllers.learning.pruning import Mask, effective_masks
from mothsim.controllers.zahn2022.loss_table import Row, by_level, last_passing
from mothsim.controllers.zahn2022.prediction_figures import draw_predictions, draw_trajectories
from mothsim.controllers.zahn2022.sweep import StudyGroup, collect
from mothsim.plotting.figures import save_figure
from mothsim.plotting.style import figure_style
from mothsim.segments import INPUTS

_SAMPLES = 9
_BLUE, _RED = "#1f7a8c", "#c8452f"


def draw_study(folder: Path, *, threshold: float = 1e-3, level: float = 93) -> list[Path]:
    """Draw all figures of a study, or of the studies of a sweep together, into the folder; nothing is trained.

    Where the studies have different hidden layers each choice has a folder for its own figures.

    Args:
        folder: of the study or sweep, finished or not.
        threshold: loss that a network has to keep to.
        level: sparsity (per cent) of sample networks, layers, inputs and predictions; the nearest that there is.

    Raises:
        ValueError: the folder holds no study, or a damaged one.
    """
    groups = collect(folder)
    figures: dict[Path, Figure] = {}
    for hidden, group in groups.items():
        own = folder if len(groups) == 1 else folder / "-".join(map(str, hidden))
        figures |= {own / f"{name}.png": figure for name, figure in _draw_group(group, threshold, level).items()}
    if len(groups) > 1:
        sizes = {", ".join(map(str, hidden)): group.rows for hidden, group in groups.items()}
        figures[folder / "loss-by-sparsity.png"] = draw_losses(sizes, threshold)
    for file, figure in figures.items():
        save_figure(figure, file)
    return list(figures)


def _draw_group(group: StudyGroup, threshold: float, level: float) -> dict[str, Figure]:
    levels = by_level(group.rows)
    nearest = min(levels, key=lambda percent: abs(percent - level))
    chosen = levels[nearest]
    masks = []
    for row in chosen[:_SAMPLES]:
        at, index = group.level(int(row["network"]), nearest)
        masks.append([mask[index] for mask in at.ensemble.masks])
    figures = {
        "loss-by-sparsity": draw_losses({", ".join(map(str, group.settings.hidden)): group.rows}, threshold),
        "sample-networks": draw_samples(masks, nearest),
        "layers": draw_layers(chosen),
        "inputs": draw_inputs(chosen),
    }
    sound = [int(row["network"]) for row in levels[max(levels)] if math.isfinite(row["loss"])]
    if sound:
        found = {percent: group.level(sound[0], percent) for percent in levels}
        run = {percent: at.network(index) for percent, (at, index) in found.items()}
        pair = {f"{percent:g} %": run[percent] for percent in sorted({min(run), nearest})}
        figures |= {
            "learning-curve": draw_learning_curve(list(run.values()), threshold),
            "predictions-dense": draw_predictions(run[min(run)]),
            "predictions-pruned": draw_predictions(run[nearest]),
            "trajectories": draw_trajectories(pair),
        }
    return figures


@figure_style()
def draw_losses(sizes: Mapping[str, Sequence[Row]], threshold: float) -> Figure:
    """Loss by sparsity as boxes, and above each how many networks last passed there (Fig 4, S1 to S3).

    Args:
        sizes: rows by hidden layers, a panel each.
        threshold: loss that a network has to keep to.
    """
    figure = Figure(figsize=(9, 1 + 3.5 * len(sizes)), layout="constrained")
    FigureCanvasAgg(figure)
    for i, (hidden, rows) in enumerate(sizes.items()):
        axes = figure.add_subplot(len(sizes), 1, i + 1)
        levels = by_level(rows)
        last = list(last_passing(rows, threshold).values())
        _boxes(axes, [[row["loss"] for row in group] for group in levels.values()])
        axes.axhline(threshold, color="0.4", ls="--", lw=0.8)
        for place, percent in enumerate(levels):
            count = str(last.count(percent))
            axes.text(place, 1.01, count, transform=axes.get_xaxis_transform(), ha="center", color=_RED)
        axes.set_xticks(range(len(levels)), [f"{percent:g}" for percent in levels])
        axes.set(xlabel="sparsity, per cent", ylabel="loss on fresh segments, scaled", yscale="log")
        axes.set_title(
            f"{hidden}: networks whose last level within {threshold:g} is this one "
            f"(none: {last.count(None)} of {len(last)})",
            fontsize=9, color=_RED, pad=18,
        )  # fmt: skip
    return figure


@figure_style()
def draw_layers(rows: Sequence[Row]) -> Figure:
    """Weights left in each layer at one level, their median as a number (Table 1)."""
    names = [name for name in rows[0] if name.startswith("layer_")]
    axes = _axes((6, 4))
    _boxes(axes, [[row[name] for row in rows] for name in names])
    for i, name in enumerate(names):
        median = np.median([row[name] for row in rows])
        axes.annotate(f"{median:g}", (i, median), (0, 8), textcoords="offset points", ha="center", fontsize=9)
    axes.set_xticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set(ylabel="weights left", yscale="log", title=_title(rows))
    axes.margins(y=0.15)
    return _figure(axes)


@figure_style()
def draw_inputs(rows: Sequence[Row]) -> Figure:
    """Connections by input at one level, and how many networks lost it wholly (Fig 5)."""
    counts = [[row[f"from_{name}"] for row in rows] for name in INPUTS]
    axes = _axes((9, 4))
    _boxes(axes, counts)
    for i, count in enumerate(counts):
        axes.text(i, 1.01, str(count.count(0)), transform=axes.get_xaxis_transform(), ha="center", color=_RED)
    axes.set_xticks(range(len(INPUTS)), INPUTS)
    axes.set(ylabel="connections to the first layer")
    axes.set_title(f"{_title(rows)}; above, networks that lost the input", fontsize=9, pad=18)
    return _figure(axes)


@figure_style()
def draw_samples(networks: Sequence[Sequence[Mask]], percent: float) -> Figure:
    """Sample networks as graphs, inputs on the left; what lies on a path, and dead outputs in red (Fig 3)."""
    side = math.ceil(math.sqrt(len(networks)))
    figure = Figure(figsize=(3 * side, 2.4 * side), layout="constrained")
    FigureCanvasAgg(figure)
    for i, masks in enumerate(networks):
        axes = figure.add_subplot(math.ceil(len(networks) / side), side, i + 1)
        _draw_graph(axes, effective_masks(masks))
        axes.set_title(f"network {i}", fontsize=8)
    figure.suptitle(f"{percent:g} % pruned")
    return figure


def _draw_graph(axes: Axes, masks: Sequence[Mask]) -> None:
    heights = [np.linspace(1, 0, size + 2)[1:-1] for size in (masks[0].shape[0], *(mask.shape[1] for mask in masks))]
    for layer, mask in enumerate(masks):
        starts, ends = np.nonzero(mask)
        left = np.column_stack([np.full(len(starts), layer), heights[layer][starts]])
        right = np.column_stack([np.full(len(ends), layer + 1), heights[layer + 1][ends]])
        lines = np.stack([left, right], axis=1)
        strength = min(1.0, 60 / max(1, len(starts)) ** 0.8)  # so that many do not blacken
        axes.add_collection(LineCollection(list(lines), colors=_BLUE, linewidths=0.5, alpha=strength))
        axes.plot(*left.T, "o", ms=1.5, color="0.2")
    colours = np.where(masks[-1].any(axis=0), "0.2", _RED).tolist()
    axes.scatter(np.full(len(colours), len(masks)), heights[-1], s=5, c=colours, zorder=3)
    axes.set_axis_off()


def _axes(size: tuple[float, float]) -> Axes:
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def _figure(axes: Axes) -> Figure:
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    return figure


def _boxes(axes: Axes, groups: Sequence[Sequence[float]]) -> None:
    """A box for each group, at 0, 1, ...; what is not finite is left out."""
    finite = [[value for value in group if math.isfinite(value)] for group in groups]
    axes.boxplot(
        finite, positions=range(len(groups)), widths=0.6, flierprops={"ms": 2}, medianprops={"color": _BLUE}
    )  # fmt: skip


def _title(rows: Sequence[Row]) -> str:
    return f"{len(rows)} networks, {rows[0]['level']:g} % pruned"
