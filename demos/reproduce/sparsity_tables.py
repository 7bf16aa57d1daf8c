"""Networks that fly alone, flown under every perturbation, uninformed, and compared in pairs: tables and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

import mothsim
from mothsim.controllers.evaluation.report.lost_share_map import draw_lost_shares
from mothsim.controllers.evaluation.sparse_pairs import (
    ALL,
    PolicyFlights,
    compare_pairs,
    lost_shares,
    summary_sentences,
)
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policy import Policy
from mothsim.demos.cli.output import show_rows, wrote
from mothsim.perturbations import PERTURBATIONS
from mothsim.plotting.figures import save_figure
from mothsim.tables import Row, Schema, read_table, write_table

TASKS = {"hover": 3.0, "sum-of-primes": 4.0}
"""Seconds of a flight of each task."""
SCHEMA: Schema = {"task": str, "perturbation": str, "start": int, "lost": bool, "rms_error_cm": float}
"""Columns of the flights of a network."""
_STARTS = 9000  # seed of the starts
_COLUMNS = ("training", "pairing", "pruning", "pairs", "cells", "always_lost", "never_lost", "lost_more",
            "lost_more_low", "lost_more_high", "error_ratio", "error_ratio_low", "error_ratio_high")  # fmt: skip


class Made(NamedTuple):
    """A network, what it is called, and its file."""

    network: Network
    pruning: str
    level: float
    file: Path


def fly_made(made: Made, training: str, seed: int, starts: int) -> PolicyFlights:
    """The flights of a network, from its file where there is one.

    Raises:
        ValueError: the file has another number of starts.
    """
    file = made.file.with_name(f"{made.file.stem}-flights.csv")
    if not file.exists():
        write_table(_fly(made.network, starts), file, SCHEMA)
    rows = read_table(file, SCHEMA)
    shape = (len(TASKS), len(PERTURBATIONS), -1)
    lost, errors = (np.array([row[name] for row in rows]).reshape(shape) for name in ("lost", "rms_error_cm"))
    if lost.shape[-1] != starts:
        raise ValueError(f"starts = {starts!r}: {file} has {lost.shape[-1]}; choose another folder")
    return PolicyFlights(training, seed, made.pruning, made.level, made.network.connections, lost, errors)


def _fly(network: Network, starts: int) -> list[Row]:
    """Fly a network in all tasks under all perturbations, of which it is not informed; a row a flight."""
    controller = Policy(network) if network.kind == "policy" else InverseModel(network)
    rows = []
    for task, duration in TASKS.items():
        for name, perturbation in PERTURBATIONS.items():
            flight = mothsim.fly(
                controller, task, duration=duration, moths=starts, seed=_STARTS, perturbation=perturbation
            )
            for start in range(starts):
                lost, error = bool(flight.lost[start]), float(flight.rms_error[start])
                rows.append({"task": task, "perturbation": name, "start": start, "lost": lost, "rms_error_cm": error})
    return rows


def compare_flown(flown: list[PolicyFlights], out: Path) -> None:
    """Compare in pairs, draw, print, and write tables and picture to the folder."""
    comparison = compare_pairs(flown, list(PERTURBATIONS))
    tables = {"lost-shares": lost_shares(flown, list(TASKS)), "pairs": comparison}
    files = [out / f"{name}.csv" for name in tables]
    for file, rows in zip(files, tables.values(), strict=True):
        write_table(rows, file)
    picture = out / "lost-shares.png"
    save_figure(draw_lost_shares(flown, list(PERTURBATIONS)), picture)
    show_rows([row for row in comparison if row["perturbation"] == ALL], _COLUMNS, False)
    print(*summary_sentences(comparison), sep="\n")
    wrote(*files, picture)
