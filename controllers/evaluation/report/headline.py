"""The headline of an evaluation: one table, in words and in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from mothsim.controllers.evaluation.report.panels import LABELS, label
from mothsim.tables import Row, grouped

LOSS_LIMIT = 1e-3
"""Zahn et al. 2022 take a network for good up to this loss."""
SHOWN_LEVELS = (None, 0, 90, 93, 98, 99)
"""Of the pruned families; the table of all levels is `summary.csv`."""


def headline(summary: Sequence[Row]) -> list[list[str]]:
    """Cells, a header first: who, weights, loss, the median error on each task (share back of `recover`), lost.

    Shares are of all flights; where more than one network stands behind a row, errors carry their 90 % interval.
    """
    nominal = [row for row in summary if row["perturbation"] == "nominal" and _shown(row)]
    tasks = list(dict.fromkeys(row["task"] for row in nominal))
    table = [["controller", "weights", "loss", *(_title(task) for task in tasks), "lost"]]
    for rows in sorted(
        grouped(nominal, lambda row: (row["family"], row["level"], row["weights"])).values(), key=_place
    ):
        cells = {row["task"]: _cell(row) for row in rows}
        lost = sum(round(row["lost"] * row["flights"]) for row in rows)
        weights, loss = rows[0]["weights"], rows[0]["loss"]
        table.append([
            row_label(rows[0]),
            "" if weights is None else f"{weights:,.0f}",
            "" if loss is None else f"{loss:.1e}",
            *(cells.get(task, "") for task in tasks),
            f"{lost} of {sum(row['flights'] for row in rows)}",
        ])  # fmt: skip
    return table


def row_label(row: Row) -> str:
    """A row's controller in words."""
    if row["level"] is None:
        return row["family"].upper()
    of_small = row["family"].startswith("small")  # these are told apart by their weights
    pruned = f", {row['level']:g} %" if row["level"] and not of_small else ""
    return label(row["family"]) + pruned


def error(value: float) -> str:
    """An error in cm, for people."""
    return "lost" if math.isinf(value) else f"{value:.3g}" if value >= 0.1 else f"{value:.4f}"


def as_markdown(table: Sequence[Sequence[str]]) -> str:
    """Cells as a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|---" * len(table[0]) + "|", *lines[1:]]) + "\n"


def smallest_as_good(summary: Sequence[Row], task: str, within: float = 1.2) -> Row | None:
    """Of the networks of a task the fewest weights that lose no flight and err at most `within` times dense."""
    rows = [row for row in summary if row["perturbation"] == "nominal" and row["task"] == task and row["weights"]]
    dense = [row["rms_error_cm"] for row in rows if row["family"] == "dense"]
    good = [row for row in rows if dense and not row["lost"] and row["rms_error_cm"] <= within * dense[0]]
    return min(good, key=lambda row: row["weights"], default=None)


def last_levels(flights: Sequence[Row]) -> tuple[float | None, float | None]:
    """Of a family on a task: the last level by loss, and by flight; none where already the first fails.

    By loss it is the last one up to which every level's median over networks is within `LOSS_LIMIT`, by flight the
    last one up to which no flight is lost.
    """
    levels = sorted(grouped(flights, lambda row: row["level"]).items())
    good = {level: np.median([row["loss"] or np.nan for row in rows]) <= LOSS_LIMIT for level, rows in levels}
    flown = {level: not any(row["lost"] for row in rows) for level, rows in levels}
    by_loss, by_flight = ([*takewhile(each.get, each)] for each in (good, flown))
    return (by_loss or [None])[-1], (by_flight or [None])[-1]


def summary_sentences(flights: Sequence[Row]) -> list[str]:
    """For each way of pruning a sentence: how far it goes by loss, and how far in flight."""
    sentences = []
    for family in ("global", "layerwise"):
        members = [row for row in flights if row["family"] in ("dense", family) and row["perturbation"] == "nominal"]
        if all(row["family"] == "dense" for row in members):
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
    """Baselines as they come, then families, each from most weights to fewest."""
    families = list(LABELS)
    family = rows[0]["family"]
    return (1 + families.index(family) if family in families else 0), -(rows[0]["weights"] or 0)


def _shown(row: Row) -> bool:
    return row["level"] in SHOWN_LEVELS or row["family"].startswith("small")


def _title(task: str) -> str:
    return f"{task}, back" if task.startswith("recover") else f"{task}, cm"


def _cell(row: Row) -> str:
    if row["task"].startswith("recover") and row["recovered"] is not None:
        return f"{row['recovered']:.0%}"
    text = error(row["rms_error_cm"])
    if row["networks"] > 1 and text != "lost":
        text += f" ({error(row['rms_error_cm_low'])}-{error(row['rms_error_cm_high'])})"
    return text
