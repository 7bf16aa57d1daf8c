"""The headline table of an evaluation, as text and as numbers, and sentences about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from mothsim.controllers.evaluation.report.panels import LABELS, baseline_label, label
from mothsim.controllers.evaluation.statistics import differs_in_size
from mothsim.tables import Row, grouped

LOSS_LIMIT = 1e-3
"""Largest loss of a network that Zahn et al. 2022 count as passing."""
_GUIDED = (("global", "dense"), ("layerwise", "dense"))
_NUMBERS = ("name", "help", "family", "level", "weights", "networks", "degenerate", "loss")
SHOWN_LEVELS = (None, 0, 90, 93, 98, 99)
"""Levels of the pruned families in the headline table; all are in `summary.csv`."""


def headline(summary: Sequence[Row]) -> list[list[str]]:
    """Return the cells of the headline table as text, a header first.

    Columns: controller, name, help, weights, loss, the median error on each task (of `recover` the share of flights
    that recovered), flights lost. Where a row is of more than one network, errors carry their 90 % interval.
    """
    tasks, lines = _lines(summary)
    back = {row["task"] for row in summary if _recovery(row)}
    titles = [f"{task}, recovered" if task in back else f"{task}, cm" for task in tasks]
    table = [["controller", "name", "help", "weights", "loss", *titles, "lost"]]
    for rows in lines:
        cells = {row["task"]: _cell(row) for row in rows}
        lost = sum(round(row["lost"] * row["flights"]) for row in rows)
        weights, loss = rows[0]["weights"], rows[0]["loss"]
        table.append([
            row_label(rows[0]),
            rows[0]["name"],
            rows[0]["help"],
            "" if weights is None else f"{weights:,.0f}",
            "" if loss is None else f"{loss:.1e}",
            *(cells.get(task, "") for task in tasks),
            f"{lost} of {sum(row['flights'] for row in rows)}",
        ])  # fmt: skip
    return table


def headline_rows(summary: Sequence[Row]) -> list[Row]:
    """Return the headline table as numbers, a row a line.

    Of each task there is `<task>_cm`, the median error (infinite where most flights are lost), or for `recover`
    `<task>_recovered`, the share of flights that recovered.
    """
    table = []
    for rows in _lines(summary)[1]:
        row: Row = {"controller": row_label(rows[0])}
        row |= {name: rows[0][name] for name in _NUMBERS}
        for one in rows:
            if _recovery(one):
                row[f"{one['task']}_recovered"] = one["recovered"]
            else:
                row[f"{one['task']}_cm"] = one["rms_error_cm"]
        row["lost"] = sum(round(one["lost"] * one["flights"]) for one in rows)
        table.append(row | {"flights": sum(one["flights"] for one in rows)})
    return table


def _lines(summary: Sequence[Row]) -> tuple[list[str], list[list[Row]]]:
    """Return the tasks, and for each line of the headline table its rows by task."""
    nominal = [row for row in summary if row["perturbation"] == "nominal" and _shown(row)]
    lines = grouped(
        nominal, lambda row: (row["family"], row["level"], row["weights"], row["name"] if row["networks"] == 1 else "")
    )
    return list(dict.fromkeys(row["task"] for row in nominal)), sorted(lines.values(), key=_place)


def row_label(row: Row) -> str:
    """Name a row's controller."""
    if row["level"] is None:
        return baseline_label(row["family"])
    pruned = f", {row['level']:g} %" if row["level"] and not differs_in_size(row["family"]) else ""
    dead = ", no control responds" if row.get("degenerate") else ""
    return label(row["family"]) + pruned + dead


def error(value: float) -> str:
    """Write an error in cm."""
    return "lost" if math.isinf(value) else f"{value:.3g}" if value >= 0.1 else f"{value:.4f}"


def as_markdown(table: Sequence[Sequence[str]]) -> str:
    """Write cells as a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|---" * len(table[0]) + "|", *lines[1:]]) + "\n"


def smallest_as_good(summary: Sequence[Row], task: str, within: float = 1.2) -> Row | None:
    """Return the row of the fewest weights that lose no flight of a task and err at most `within` times dense."""
    rows = [row for row in summary if row["perturbation"] == "nominal" and row["task"] == task and row["weights"]]
    dense = [row["rms_error_cm"] for row in rows if row["family"] == "dense"]
    good = [row for row in rows if dense and not row["lost"] and row["rms_error_cm"] <= within * dense[0]]
    return min(good, key=lambda row: row["weights"], default=None)


def last_levels(flights: Sequence[Row]) -> tuple[float | None, float | None]:
    """Return the last level of a family on a task by loss, and by flight; none where already the first fails.

    By loss it is the last up to which every level's median over networks is within `LOSS_LIMIT`, by flight the last
    up to which no flight is lost.
    """
    levels = sorted(grouped(flights, lambda row: row["level"]).items())
    good = {level: np.median([row["loss"] or np.nan for row in rows]) <= LOSS_LIMIT for level, rows in levels}
    flown = {level: not any(row["lost"] for row in rows) for level, rows in levels}
    by_loss, by_flight = ([*takewhile(each.get, each)] for each in (good, flown))
    return (by_loss or [None])[-1], (by_flight or [None])[-1]


def summary_sentences(flights: Sequence[Row]) -> list[str]:
    """Write for each pruning method a sentence: its last level by loss, and in flight."""
    sentences = []
    for family, dense in (*_GUIDED, *((f"{family}, alone", f"{dense}, alone") for family, dense in _GUIDED)):
        members = [row for row in flights if row["family"] in (dense, family) and row["perturbation"] == "nominal"]
        if all(row["family"] == dense for row in members):
            continue
        last = {task: last_levels(rows) for task, rows in grouped(members, lambda row: row["task"]).items()}
        by_loss = next(iter(last.values()))[0]
        stops: dict[float | None, list[str]] = {}
        for task, (_, by_flight) in last.items():
            stops.setdefault(by_flight, []).append(task)
        names = {level: "every task" if len(stops) == 1 else ", ".join(tasks) for level, tasks in stops.items()}
        flown = "; ".join(f"{_per_cent(level)} on {tasks}" for level, tasks in names.items())
        sentences.append(
            f"{label(family).capitalize()}: the loss stays within {LOSS_LIMIT:g} up to {_per_cent(by_loss)}, while no "
            f"flight is lost up to {flown}."
        )
    return sentences


def _per_cent(level: float | None) -> str:
    return "no level" if level is None else f"{level:g} %"


def _place(rows: Sequence[Row]) -> tuple[int, float]:
    """Order baselines as they come, then families, each from most weights to fewest."""
    families = list(LABELS)
    family = rows[0]["family"]
    return (1 + families.index(family) if family in families else 0), -(rows[0]["weights"] or 0)


def _shown(row: Row) -> bool:
    return row["level"] in SHOWN_LEVELS or differs_in_size(row["family"])


def _recovery(row: Row) -> bool:
    """Return whether a row tells what share recovered, which takes a flight of over two seconds, and no error."""
    return row["task"].startswith("recover") and row["recovered"] is not None


def _cell(row: Row) -> str:
    if _recovery(row):
        return f"{row['recovered']:.0%}"
    text = error(row["rms_error_cm"])
    if row["networks"] > 1 and text != "lost":
        text += f" ({error(row['rms_error_cm_low'])}-{error(row['rms_error_cm_high'])})"
    return text
