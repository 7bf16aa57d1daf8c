"""The report of an evaluation: one HTML page that holds its pictures, tables and animations."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np

import mothsim
from mothsim.controllers.evaluation.predictors import PREDICTORS
from mothsim.controllers.evaluation.report import comparison_plots, plots
from mothsim.controllers.evaluation.report.failed_shares import disturbed_flights, draw_failed_shares
from mothsim.controllers.evaluation.report.findings import findings
from mothsim.controllers.evaluation.report.headline import (
    error,
    headline,
    row_label,
    smallest_as_good,
    summary_sentences,
)
from mothsim.controllers.evaluation.report.html_parts import bullets, document, made, pairs, picture, section, table
from mothsim.controllers.evaluation.robustness import (
    ALL,
    DISTURBED,
    PAIRINGS,
    compare_at_equal_error,
    compare_at_equal_size,
)
from mothsim.controllers.evaluation.statistics import differs_in_size
from mothsim.plotting.viewer.page import viewer_element, viewer_script
from mothsim.tables import Row, grouped


def page(
    tables: Mapping[str, Sequence[Row]], shown: Mapping[str, mothsim.Flight], settings: dict, command: str, view: str
) -> str:
    """Write the page.

    Args:
        tables: of the evaluation: `flights`, `summary`, `networks`, `costs`, `predictors` and `robustness`.
        shown: a few flights by name, for the flight viewer.
        settings: of the evaluation, by name.
        command: command line that makes the page, its tables and its pictures.
        view: command line that flies the same few networks and shows them.
    """
    flights, summary, networks, costs = (tables[name] for name in ("flights", "summary", "networks", "costs"))
    tasks = list(dict.fromkeys(row["task"] for row in flights))
    parts = [
        "<h1>How few connections does flight control need?</h1>",
        bullets(findings(flights)),
        '<p class="lead">Neural networks, dense and pruned, fly a simulated hawkmoth in closed loop, beside LQR and '
        "model predictive control. In brackets: 90 % intervals, of errors by the bootstrap over networks and starts, "
        "of shares exact for independent flights.</p>",
        _answer(summary, tasks, flights),
        section("Tracking error by controller and task",
                 table(headline(summary)) + made(command, "headline.md", "summary.csv"),
                 "Median rms error after the first half second; in brackets its 90 % bootstrap interval over networks "
                 "and starts. A lost flight has an infinite error; <i>recovered</i> is the share of flights within "
                 "0.5 cm at all times after 2 s."),
        section("Error against sparsity",
                 picture(lambda columns: plots.draw_errors(flights, "sparsity", columns), "error against sparsity")
                 + made(command, "error-sparsity", "flights.csv"),
                 "Each network is a faint line, the median over networks a strong one, the loss dotted; bands are "
                 "the 5 to 95 % of LQR and MPC. Crosses above the line are lost flights. Vertical lines: the last "
                 "level up to which the loss stays within 1e-3, the threshold of Zahn et al. 2022 (dotted), and no "
                 "flight is lost (dashed); above a panel stand their numbers."),
        section("Error against the number of weights",
                 bullets(compare_at_equal_size(tables["robustness"]))
                 + picture(lambda columns: plots.draw_errors(flights, "weights", columns), "error against weights")
                 + made(command, "error-weights", "flights.csv"),
                 "Pruning pays where a sparse network has a smaller error than a small dense one of as many weights."),
        section("Tracking error against loss",
                 picture(lambda columns: plots.draw_loss(flights, columns), "loss against error")
                 + made(command, "loss", "flights.csv"),
                 "A point a network. The dashed line is the threshold of Zahn et al. 2022."),
        section("Tracking error against the cost of a decision",
                 picture(lambda columns: plots.draw_costs(flights, costs, networks, columns),
                          "cost against error") + made(command, "cost", "costs.csv"),
                 "A whole decision consists of guidance, waypoint and network for one moth; MPC has no network."),
        _faster(networks, costs, command),
        _predictors_section(flights, networks, tables["predictors"], command),
        _failed(flights, command),
        _robustness(tables["robustness"], command),
        _viewer(shown, view),
        section("Settings and versions", pairs({"command": command, **_origin(settings)})),
    ]  # fmt: skip
    return document("mothsim: sparsity versus tracking error", parts)


def _answer(summary: Sequence[Row], tasks: Sequence[str], flights: Sequence[Row]) -> str:
    sentences = summary_sentences(flights)
    for task in tasks:
        best = smallest_as_good(summary, task)
        if best and not task.startswith("recover"):
            sentences.append(
                f"{task}: the fewest weights that lose no flight and err at most 1.2 times as far as the dense "
                f"networks are {best['weights']:,.0f} ({row_label(best)}; {error(best['rms_error_cm'])} cm)."
            )
    return bullets(sentences)


def _faster(networks: Sequence[Row], costs: Sequence[Row], command: str) -> str:
    """Tabulate the time of every level of the networks pruned from Zahn et al.'s size, densest first."""
    timed = {row["controller"]: row for row in costs}
    pruned = [row for row in networks if not differs_in_size(row["family"])]
    cells = [["pruned", "weights", "multiply-adds", "bytes", "µs", "dense, µs", "gain"]]
    levels = grouped(sorted(pruned, key=lambda row: -row["weights"]), lambda row: (row["family"], row["level"]))
    for rows in levels.values():
        middle = {name: float(np.median([row[name] for row in rows])) for name in ("weights", "multiply_adds", "bytes")}
        own, dense = (
            float(np.median([timed[row["controller"]][name] for row in rows])) for name in ("network_us", "dense_us")
        )
        counts = [f"{value:,.0f}" for value in middle.values()]
        cells.append([row_label(rows[0]), *counts, f"{own:.2f}", f"{dense:.2f}", f"{dense / own:.1f}"])
    note = (
        "One decision of one moth by the network alone: from compressed weights, as flights run it, and by the dense "
        "network at its fastest (the better of numpy and jitted JAX, single precision), medians over networks. A gain "
        "below one is a slowdown."
    )
    details = f"<details><summary>Level by level</summary>{table(cells)}</details>"
    return section("Are sparse networks faster?", details + made(command, "costs.csv", "networks.csv"), note)


def _failed(flights: Sequence[Row], command: str) -> str:
    if not disturbed_flights(flights):
        return ""
    note = (
        "Shares of flights that were lost, or in recover not recovered, over all tasks flown disturbed. White is none, "
        "black is all; a star marks perturbations under which all fail or none, which compare nothing."
    )
    body = picture(lambda _: draw_failed_shares(flights), "failed flights by perturbation and sparsity")
    body += made(command, "failed", "flights.csv")
    return section("Who flies under which perturbation?", body, note)


def _robustness(comparison: Sequence[Row], command: str) -> str:
    disturbed = {row["task"] for row in comparison if row["perturbation"] == DISTURBED}
    if not disturbed:
        return ""
    cells = [["flown", "pairs", "ratio", "90 %", "sparse failed", "dense failed", "always, never"]]
    for row in comparison:
        if row["task"] in disturbed and row["pairing"] == "equal error":
            between = "" if row["ratio"] is None else f"{_ratio(row['ratio_low'])} to {_ratio(row['ratio_high'])}"
            failed = [f"{row[name]:.1%}" for name in ("sparse_failed", "dense_failed")]
            name = row["family"] if row["family"] == ALL else row_label(row)
            flown = f"{row['task']}, {row['perturbation']}: {name}"
            left_out = [f"{row['always_failed']}, {row['never_failed']}"]
            cells.append([flown, str(row["pairs"]), _ratio(row["ratio"]), between, *failed, *left_out])
    body = picture(lambda columns: comparison_plots.draw_pairs(comparison, columns), "sparse by dense error")
    note = (
        "The controller is not informed of the perturbation. Ratios are of the errors of a sparse and a dense network, "
        "on the same starts and in the same noise: below one, the sparse network is nearer to its target; where the "
        f"interval holds one, no difference is shown. {PAIRINGS} <i>Failed</i> is lost, or in recover not recovered. "
        "Cells (a pair under a perturbation) in which both networks fail in every flight have no ratio, those in which "
        "both always or never fail no difference in failures: they are left out of every mean, and counted under "
        "<i>always, never</i>."
    )
    details = f"<details><summary>Equal error, condition by condition</summary>{table(cells)}</details>"
    return section(
        "Does sparsity help or hurt under perturbations?",
        bullets(compare_at_equal_error(comparison)) + body + details + made(command, "robustness", "robustness.csv"),
        note,
    )


def _predictors_section(
    flights: Sequence[Row], networks: Sequence[Row], predictor_correlations: Sequence[Row], command: str
) -> str:
    if not predictor_correlations:
        return ""
    cells = [["task", "networks", *PREDICTORS.values()]]
    for task, rows in grouped(predictor_correlations, lambda row: row["task"]).items():
        found = {row["predictor"]: comparison_plots.correlation(row) for row in rows}
        cells.append([task, str(rows[0]["networks"]), *(found.get(name, "") for name in PREDICTORS)])
    body = picture(
        lambda columns: comparison_plots.draw_predictors(flights, networks, predictor_correlations, columns),
        "predictors against error",
    )
    note = (
        "Spearman's rank correlation with tracking error over all networks (in recover with the share of flights that "
        "do not recover), with its 90 % bootstrap interval over networks. Spectral radius and offset are those of the "
        "closed loop linearised about trim, known before a flight."
    )
    body += table(cells) + made(command, "predictors", "predictors.csv")
    return section("Predictors of tracking error", body, note)


def _ratio(value: float | None) -> str:
    return "" if value is None else "∞" if math.isinf(value) else f"{value:.2f}"


def _viewer(shown: Mapping[str, mothsim.Flight], view: str) -> str:
    if not shown:
        return ""
    return section("Flights", viewer_element(shown) + viewer_script() + made(view, "flight.html"))


def _origin(settings: dict) -> dict[str, object]:
    packages = ("numpy", "scipy", "numba", "jax", "matplotlib")
    return {
        **settings,
        "mothsim": mothsim.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "machine": f"{platform.machine()}, {platform.system()}",
    }
