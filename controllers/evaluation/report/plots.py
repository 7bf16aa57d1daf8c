"""Pictures of an evaluation: tracking error against sparsity, weights, loss and cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mothsim.controllers.evaluation.report.headline import LOSS_LIMIT, last_levels
from mothsim.controllers.evaluation.report.panels import (
    COLOURS,
    LOSS_COLOUR,
    baseline_colours,
    error_scale,
    legend,
    mark_degenerate,
    mark_lost,
    panels_for,
    plain_log,
)
from mothsim.controllers.evaluation.rollouts import by_task
from mothsim.controllers.evaluation.statistics import degenerate, network_kinds
from mothsim.plotting.style import figure_style
from mothsim.tables import Row, grouped

_RECOVERED = "flights that recovered, %"
Line = tuple[list[float], list[float]]
_LEVEL_TICKS = (0, 90, 99, 99.9, 99.99, 99.999, 50, 98, 99.5, 99.8, 75, 95, 99.95)
"""Levels, per cent, the most wanted first: a tick that would overlap one before it is left out."""


@figure_style()
def draw_errors(flights: Sequence[Row], against: str, columns: int = 2) -> Figure:
    """Draw the tracking error of every network against sparsity or number of weights, a panel a task.

    Lost flights are on top. Of `recover` it is the share of flights that recovered.

    Args:
        flights: all rows; the undisturbed ones are drawn.
        against: `sparsity` or `weights`.
        columns: of panels.
    """
    tasks, colours = by_task(flights), baseline_colours(flights)
    figure, panels = panels_for(len(tasks), columns)
    for panel, (task, rows) in zip(panels, tasks.items(), strict=True):
        back = task.startswith("recover") and rows[0]["recovered"] is not None
        (_draw_recovery if back else _draw_task)(panel, rows, against, colours)
        panel.set_title(task, fontsize=10, loc="left", fontweight="bold")
    drawn = _curves([row for row in flights if row["weights"] is not None])
    legend(figure, [row for row in flights if row["family"] in drawn or row["weights"] is None],
           loss=against == "sparsity")  # fmt: skip
    return figure


def _draw_task(axes: Axes, rows: Sequence[Row], against: str, colours: Mapping[str, str]) -> None:
    networks = [row for row in rows if row["weights"] is not None]
    bottom, ceiling, top = error_scale([row["rms_error_cm"] for row in rows])
    for name, group in _baselines(rows).items():
        low, middle, high = np.quantile(_errors(group, ceiling), (0.05, 0.5, 0.95), method="inverted_cdf")
        axes.axhspan(low, max(high, 1.03 * low), color=colours[name], alpha=0.18, lw=0)
        axes.axhline(middle, color=colours[name], lw=0.8, ls="--")
    for name, group in _curves(networks).items():
        _draw_curve(axes, name, group, lambda rows: _line(rows, against, ceiling))
        lost = [(_place(row, against), ceiling) for row in group if row["lost"]]
        if lost:
            spread = np.random.default_rng(0).uniform(0.85, 1.18, len(lost))
            axes.plot([x for x, _ in lost], ceiling * spread, ls="", marker="x", ms=3, color=COLOURS[name], alpha=0.4)
    axes.set(yscale="log", ylim=(bottom, top), ylabel="error, cm (rms)")
    mark_lost(axes, ceiling, top)
    mark_degenerate(axes, [(_place(row, against), ceiling) for row in networks if degenerate(row)])
    plain_log(axes.yaxis)
    axes.grid(alpha=0.2)
    _place_axis(axes, networks, against)
    if against == "sparsity":
        _mark_last_levels(axes, networks)
        _draw_losses(axes.twinx(), networks, against)


def _draw_curve(axes: Axes, name: str, group: Sequence[Row], line: Callable[[Sequence[Row]], Line]) -> None:
    """Draw a family: each of its runs thinly, where there are several, and the medians over its networks."""
    runs = grouped(group, lambda row: row["run"])
    for run in runs.values() if len(runs) > 1 and not _apart(name) else ():
        axes.plot(*line(run), color=COLOURS[name], lw=0.8, alpha=0.35, marker=".", ms=3)
    places, values = line(group)
    axes.plot(places, values, **_style(name, len(places)))


def _apart(name: str) -> bool:
    """Return whether networks of a family are made apart, as policies are, so that no line joins them."""
    return name.startswith("policy")


def _style(name: str, places: int) -> dict[str, Any]:
    """Style of the medians of a family."""
    return {
        "color": COLOURS[name],
        "lw": 2.2,
        "ls": "" if _apart(name) else "-",
        "marker": "o" if _apart(name) or places < 3 else None,
    }


def _mark_last_levels(axes: Axes, networks: Sequence[Row]) -> None:
    """Mark the last level that passes by loss, dotted, and in flight, dashed, and write them above the panel."""
    pruned = {name: group for name, group in _curves(networks).items() if name in ("global", "layerwise")}
    for shift, (name, group) in enumerate(pruned.items()):
        levels = dict(zip(("loss", "flight"), last_levels(group), strict=True))
        for level, line in zip(levels.values(), (":", "--"), strict=True):
            if level is not None:
                axes.axvline(_left(level), color=COLOURS[name], ls=line, lw=1.1, alpha=0.8)
        words = ", ".join(f"{what} to {level:g} %" for what, level in levels.items() if level is not None)
        axes.text(1.0, 1.02 + 0.055 * shift, words, transform=axes.transAxes, fontsize=7, color=COLOURS[name],
                  ha="right", va="bottom")  # fmt: skip


def _left(level: float) -> float:
    """Place of a level, per cent pruned, on the logarithmic scale of the share left."""
    return -math.log10(1 - level / 100)


def _draw_losses(second: Axes, networks: Sequence[Row], against: str) -> None:
    for name, group in _curves(networks).items():
        places, losses = _by_place(
            group, against, lambda rows: float(np.median([row["loss"] or np.nan for row in rows]))
        )
        second.plot(places, losses, color=COLOURS[name], lw=1, ls=":")
    second.axhline(LOSS_LIMIT, xmin=0.97, color=LOSS_COLOUR, lw=2)
    second.set(yscale="log")
    second.set_ylabel("loss (dotted)", color=LOSS_COLOUR)
    plain_log(second.yaxis)
    second.tick_params(colors=LOSS_COLOUR)


def _draw_recovery(axes: Axes, rows: Sequence[Row], against: str, colours: Mapping[str, str]) -> None:
    networks = [row for row in rows if row["weights"] is not None]
    for name, group in _baselines(rows).items():
        axes.axhline(_share_back(group), color=colours[name], lw=4, alpha=0.4)
    for name, group in _curves(networks).items():
        _draw_curve(axes, name, group, lambda rows: _by_place(rows, against, _share_back))
    flown = grouped(filter(degenerate, networks), lambda row: row["controller"]).values()
    mark_degenerate(axes, [(_place(group[0], against), _share_back(group)) for group in flown])
    axes.set(ylim=(-4, 104), ylabel=_RECOVERED)
    axes.grid(alpha=0.2)
    _place_axis(axes, networks, against)


def _place_axis(axes: Axes, networks: Sequence[Row], against: str) -> None:
    if against == "weights":
        axes.set(xscale="log", xlabel="weights")
        axes.invert_xaxis()
        plain_log(axes.xaxis)
    else:
        _sparsity_axis(axes, networks)


def _sparsity_axis(axes: Axes, networks: Sequence[Row]) -> None:
    """Show per cent pruned on the logarithmic scale of the share left, as error changes in the last per cent."""
    last = max([_place(row, "sparsity") for row in networks], default=1.0)
    ticks: list[float] = []
    for tick in _LEVEL_TICKS:
        if _left(tick) <= last + 0.05 and all(abs(_left(tick) - _left(other)) > 0.14 * last for other in ticks):
            ticks.append(tick)
    axes.set_xticks([_left(tick) for tick in ticks], [f"{tick:g}" for tick in ticks])
    axes.set_xlabel("weights pruned, % of 330,512")


@figure_style()
def draw_loss(flights: Sequence[Row], columns: int = 2) -> Figure:
    """Draw the tracking error of every network against its loss, a panel a task.

    Of `recover` it is the share of flights that recovered.
    """
    tasks = by_task(flights)
    figure, panels = panels_for(len(tasks), columns)
    for panel, (task, flown) in zip(panels, tasks.items(), strict=True):
        rows = [row for row in flown if row["loss"] is not None]
        back = task.startswith("recover") and flown[0]["recovered"] is not None
        bottom, ceiling, top = error_scale([row["rms_error_cm"] for row in rows])
        for name, group in grouped(rows, lambda row: row["family"]).items():
            networks = grouped(group, lambda row: row["controller"]).values()
            losses = [network[0]["loss"] for network in networks]
            values = [_share_back(one) if back else float(np.median(_errors(one, ceiling))) for one in networks]
            lost = [float(np.mean([row["lost"] for row in network])) for network in networks]
            panel.scatter(losses, values, s=16, c=COLOURS.get(name, "#777777"), alpha=0.75, lw=0)
            some = [(x, y) for x, y, share in zip(losses, values, lost, strict=True) if share > 0]
            if some:
                panel.plot(*zip(*some, strict=True), ls="", marker="x", ms=6, color="k", mew=0.8)
            dead = zip(losses, values, networks, strict=True)
            mark_degenerate(panel, [(x, y) for x, y, network in dead if degenerate(network[0])])
        panel.axvline(LOSS_LIMIT, color="0.4", ls="--", lw=0.8)
        panel.set(xscale="log", xlabel="loss on fresh segments")
        plain_log(panel.xaxis)
        if back:
            panel.set(ylim=(-4, 104), ylabel=_RECOVERED)
        else:
            panel.set(yscale="log", ylabel="error, cm (rms)", ylim=(bottom, top))
            mark_lost(panel, ceiling, top)
            plain_log(panel.yaxis)
        panel.set_title(task, fontsize=10, loc="left", fontweight="bold")
        panel.grid(alpha=0.2)
    legend(figure, (row for row in flights if row["loss"] is not None), crosses="a network that lost flights")
    return figure


@figure_style()
def draw_costs(flights: Sequence[Row], costs: Sequence[Row], networks: Sequence[Row], columns: int = 2) -> Figure:
    """Draw error on the sum of primes, or the first task, against the cost of a decision in three measures."""
    tasks = by_task(flights)
    task = "sum-of-primes" if "sum-of-primes" in tasks else next(iter(tasks))
    rows = tasks[task]
    _, ceiling, top = error_scale([row["rms_error_cm"] for row in rows])
    errors = {
        name: float(np.median(_errors(group, ceiling)))
        for name, group in grouped(rows, lambda r: r["controller"]).items()
    }
    families, baselines = {row["controller"]: row["family"] for row in rows}, baseline_colours(flights)
    degenerates = {row["controller"] for row in rows if degenerate(row)}
    sizes = {row["controller"]: row for row in networks}
    figure, panels = panels_for(3, columns)
    measures = (
        ("multiply-adds of the network", {name: row["multiply_adds"] for name, row in sizes.items()}),
        ("bytes of the network", {name: row["bytes"] for name, row in sizes.items()}),
        ("a whole decision, µs", {row["controller"]: row["control_step_us"] for row in costs}),
    )
    for panel, (title, values) in zip(panels, measures, strict=True):
        for name, value in values.items():
            colour = COLOURS.get(families[name]) or baselines.get(name, "#777777")
            panel.plot(value, errors[name], "o" if name in sizes else "D", ms=4 if name in sizes else 6, color=colour)
        dead = [(value, errors[name]) for name, value in values.items() if name in degenerates]
        mark_degenerate(panel, dead)
        panel.set(xscale="log", yscale="log", xlabel=title, ylabel=f"error on {task}, cm")
        panel.set_ylim(0.7 * min(errors.values()), top)
        mark_lost(panel, ceiling, top)
        plain_log(panel.xaxis)
        plain_log(panel.yaxis)
        panel.grid(alpha=0.2)
    legend(figure, rows)
    return figure


def _baselines(rows: Sequence[Row]) -> dict[str, list[Row]]:
    return grouped((row for row in rows if row["weights"] is None), lambda row: row["family"])


def _curves(networks: Sequence[Row]) -> dict[str, list[Row]]:
    """Group flights by family; a pruned family begins at the dense networks that it was pruned from."""
    families = grouped(networks, lambda row: row["family"])
    curves: dict[str, list[Row]] = {}
    for dense, pruned in (("dense", ("global", "layerwise")), ("dense, alone", ("global, alone", "layerwise, alone"))):
        present = {name: [*families.get(dense, []), *families[name]] for name in pruned if name in families}
        curves |= present or ({dense: families[dense]} if dense in families else {})
    whole = {"dense", "dense, alone"}
    return curves | {name: rows for name, rows in families.items() if name in COLOURS and name not in {*curves, *whole}}


def _place(row: Row, against: str) -> float:
    weights = max(row["weights"], 1)  # a logarithmic axis has no place for none
    return weights if against == "weights" else -np.log10(weights / 330_512)


def _line(rows: Sequence[Row], against: str, ceiling: float) -> Line:
    """Return places and, at each, the median over networks of their medians."""

    def middle(group: Sequence[Row]) -> float:
        networks = grouped(group, lambda row: row["controller"]).values()
        return float(np.median([np.median(_errors(network, ceiling)) for network in networks]))

    return _by_place(rows, against, middle)


def _by_place(rows: Sequence[Row], against: str, value) -> Line:
    kinds = network_kinds(rows)
    groups = grouped(rows, lambda row: kinds[row["controller"]])
    points = sorted((float(np.median([_place(r, against) for r in group])), value(group)) for group in groups.values())
    return [x for x, _ in points], [y for _, y in points]


def _errors(rows: Sequence[Row], ceiling: float) -> np.ndarray:
    return np.minimum([row["rms_error_cm"] for row in rows], ceiling)


def _share_back(rows: Sequence[Row]) -> float:
    return 100 * float(np.mean([row["recovered"] for row in rows]))
