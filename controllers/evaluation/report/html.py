"""The report of an evaluation: one HTML page that holds its pictures, tables and animations."""

from __future__ import annotations

import base64
import html
import io
import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np
from PIL import Image

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
from mothsim.controllers.evaluation.robustness import (
    ALL,
    DISTURBED,
    PAIRINGS,
    compare_at_equal_error,
    compare_at_equal_size,
)
from mothsim.controllers.evaluation.statistics import differs_in_size
from mothsim.plotting.figures import encode_figure
from mothsim.plotting.viewer.page import viewer_element, viewer_script
from mothsim.tables import Row, grouped

_STYLE = """
:root { color-scheme: light; --ink: #2b2620; --quiet: #6b6357; --line: #e4dccd; --paper: #fbf8f2; --accent: #1f7a8c; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 Georgia, 'Times New Roman', serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: clamp(1.7rem, 5vw, 2.6rem); line-height: 1.15; margin: 0 0 .5rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
p, li { max-width: 46rem; overflow-wrap: anywhere; }
.lead { font-size: 1.15rem; color: var(--quiet); }
.answer { background: #fff; border-left: 4px solid var(--accent); padding: .8rem 1.1rem; margin: 1.5rem 0; }
.answer p { margin: .35rem 0; }
figure { margin: 1.5rem 0; }
img { width: 100%; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 6px; display: block; }
code { font: .85em ui-monospace, monospace; }
figcaption, .note { color: var(--quiet); font-size: .92rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font: 13.5px/1.4 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem .35rem 0; text-align: right; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid var(--accent); }
th[aria-sort=ascending] button::after { content: " ▲"; }
th[aria-sort=descending] button::after { content: " ▼"; }
@media (max-width: 40rem) {
  body { font-size: 16px; }
  main { padding: 1.5rem 1rem 3rem; }
  table.stacked thead { display: none; }
  table.stacked, table.stacked tbody { display: block; width: 100%; }
  table.stacked tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  table.stacked td { display: flex; justify-content: space-between; gap: .5rem; border: 0; padding: .1rem 0; }
  table.stacked td:first-child { font-weight: 600; }
  table.stacked td:not(:first-child)::before { content: attr(data-label); color: var(--quiet); }
  table.stacked td:empty { display: none; }
}
"""

_SORT = """
const value = (row, column) => {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text.replace(/,/g, "").replace("∞", "Infinity"));
  return Number.isNaN(number) ? text : number;
};
const inOrder = (a, b) => {
  if (a === "" || b === "") return 0;
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === "number" ? -1 : 1;
};
document.querySelectorAll("thead button").forEach(button => button.onclick = () => {
  const head = button.parentElement, body = head.closest("table").tBodies[0], column = head.cellIndex;
  const sign = head.ariaSort === "ascending" ? -1 : 1;
  const rows = [...body.rows].map(row => [value(row, column), row]);
  rows.sort(([a], [b]) => (a === "") - (b === "") || sign * inOrder(a, b));
  body.append(...rows.map(([, row]) => row));
  [...head.parentElement.cells].forEach(cell => cell.ariaSort = "none");
  head.ariaSort = sign > 0 ? "ascending" : "descending";
});
"""
"""Sorts a table by the column whose name is pressed, again the other way; empty cells stay last."""


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
        _bullets(findings(flights)),
        '<p class="lead">Neural networks, dense and pruned, fly a simulated hawkmoth in closed loop, beside LQR and '
        "model predictive control. In brackets: 90 % intervals, of errors by the bootstrap over networks and starts, "
        "of shares exact for independent flights.</p>",
        _answer(summary, tasks, flights),
        _section("Tracking error by controller and task",
                 _table(headline(summary)) + _made(command, "headline.md", "summary.csv"),
                 "Median rms error after the first half second; in brackets its 90 % bootstrap interval over networks "
                 "and starts. A lost flight has an infinite error; <i>recovered</i> is the share of flights within "
                 "0.5 cm at all times after 2 s."),
        _section("Error against sparsity",
                 _picture(lambda columns: plots.draw_errors(flights, "sparsity", columns), "error against sparsity")
                 + _made(command, "error-sparsity", "flights.csv"),
                 "Each network is a faint line, the median over networks a strong one, the loss dotted; bands are "
                 "the 5 to 95 % of LQR and MPC. Crosses above the line are lost flights. Vertical lines: the last "
                 "level up to which the loss stays within 1e-3, the threshold of Zahn et al. 2022 (dotted), and no "
                 "flight is lost (dashed); above a panel stand their numbers."),
        _section("Error against the number of weights",
                 _bullets(compare_at_equal_size(tables["robustness"]))
                 + _picture(lambda columns: plots.draw_errors(flights, "weights", columns), "error against weights")
                 + _made(command, "error-weights", "flights.csv"),
                 "Pruning pays where a sparse network has a smaller error than a small dense one of as many weights."),
        _section("Tracking error against loss",
                 _picture(lambda columns: plots.draw_loss(flights, columns), "loss against error")
                 + _made(command, "loss", "flights.csv"),
                 "A point a network. The dashed line is the threshold of Zahn et al. 2022."),
        _section("Tracking error against the cost of a decision",
                 _picture(lambda columns: plots.draw_costs(flights, costs, networks, columns),
                          "cost against error") + _made(command, "cost", "costs.csv"),
                 "A whole decision consists of guidance, waypoint and network for one moth; MPC has no network."),
        _faster(networks, costs, command),
        _predictors_section(flights, networks, tables["predictors"], command),
        _failed(flights, command),
        _robustness(tables["robustness"], command),
        _viewer(shown, view),
        _section("Settings and versions", _pairs({"command": command, **_origin(settings)})),
    ]  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>mothsim: sparsity versus tracking error</title><style>{_STYLE}</style></head>\n"
        f"<body><main>\n{chr(10).join(parts)}\n</main><script type='module'>{_SORT}</script></body></html>\n"
    )


def _answer(summary: Sequence[Row], tasks: Sequence[str], flights: Sequence[Row]) -> str:
    sentences = summary_sentences(flights)
    for task in tasks:
        best = smallest_as_good(summary, task)
        if best and not task.startswith("recover"):
            sentences.append(
                f"{task}: the fewest weights that lose no flight and err at most 1.2 times as far as the dense "
                f"networks are {best['weights']:,.0f} ({row_label(best)}; {error(best['rms_error_cm'])} cm)."
            )
    return _bullets(sentences)


def _bullets(sentences: Sequence[str]) -> str:
    """Write sentences that begin with their subject and a colon."""
    lines = []
    for sentence in sentences:
        about, colon, rest = html.escape(sentence).partition(": ")
        lines.append(f"<p><b>{about}</b>{colon}{rest}</p>")
    return f'<div class="answer">{"".join(lines)}</div>' if lines else ""


def _faster(networks: Sequence[Row], costs: Sequence[Row], command: str) -> str:
    """Tabulate the time of every level of the networks pruned from Zahn et al.'s size, densest first."""
    timed = {row["controller"]: row for row in costs}
    pruned = [row for row in networks if not differs_in_size(row["family"])]
    table = [["pruned", "weights", "multiply-adds", "bytes", "µs", "dense, µs", "gain"]]
    levels = grouped(sorted(pruned, key=lambda row: -row["weights"]), lambda row: (row["family"], row["level"]))
    for rows in levels.values():
        middle = {name: float(np.median([row[name] for row in rows])) for name in ("weights", "multiply_adds", "bytes")}
        own, dense = (
            float(np.median([timed[row["controller"]][name] for row in rows])) for name in ("network_us", "dense_us")
        )
        counts = [f"{value:,.0f}" for value in middle.values()]
        table.append([row_label(rows[0]), *counts, f"{own:.2f}", f"{dense:.2f}", f"{dense / own:.1f}"])
    note = (
        "One decision of one moth by the network alone: from compressed weights, as flights run it, and by the dense "
        "network at its fastest (the better of numpy and jitted JAX, single precision), medians over networks. A gain "
        "below one is a slowdown."
    )
    details = f"<details><summary>Level by level</summary>{_table(table)}</details>"
    return _section("Are sparse networks faster?", details + _made(command, "costs.csv", "networks.csv"), note)


def _failed(flights: Sequence[Row], command: str) -> str:
    if not disturbed_flights(flights):
        return ""
    note = (
        "Shares of flights that were lost, or in recover not recovered, over all tasks flown disturbed. White is none, "
        "black is all; a star marks perturbations under which all fail or none, which compare nothing."
    )
    body = _picture(lambda _: draw_failed_shares(flights), "failed flights by perturbation and sparsity")
    body += _made(command, "failed", "flights.csv")
    return _section("Who flies under which perturbation?", body, note)


def _robustness(comparison: Sequence[Row], command: str) -> str:
    disturbed = {row["task"] for row in comparison if row["perturbation"] == DISTURBED}
    if not disturbed:
        return ""
    table = [["flown", "pairs", "ratio", "90 %", "sparse failed", "dense failed", "always, never"]]
    for row in comparison:
        if row["task"] in disturbed and row["pairing"] == "equal error":
            between = "" if row["ratio"] is None else f"{_ratio(row['ratio_low'])} to {_ratio(row['ratio_high'])}"
            failed = [f"{row[name]:.1%}" for name in ("sparse_failed", "dense_failed")]
            name = row["family"] if row["family"] == ALL else row_label(row)
            flown = f"{row['task']}, {row['perturbation']}: {name}"
            left_out = [f"{row['always_failed']}, {row['never_failed']}"]
            table.append([flown, str(row["pairs"]), _ratio(row["ratio"]), between, *failed, *left_out])
    body = _picture(lambda columns: comparison_plots.draw_pairs(comparison, columns), "sparse by dense error")
    note = (
        "The controller is not informed of the perturbation. Ratios are of the errors of a sparse and a dense network, "
        "on the same starts and in the same noise: below one, the sparse network is nearer to its target; where the "
        f"interval holds one, no difference is shown. {PAIRINGS} <i>Failed</i> is lost, or in recover not recovered. "
        "Cells (a pair under a perturbation) in which both networks fail in every flight have no ratio, those in which "
        "both always or never fail no difference in failures: they are left out of every mean, and counted under "
        "<i>always, never</i>."
    )
    details = f"<details><summary>Equal error, condition by condition</summary>{_table(table)}</details>"
    return _section(
        "Does sparsity help or hurt under perturbations?",
        _bullets(compare_at_equal_error(comparison)) + body + details + _made(command, "robustness", "robustness.csv"),
        note,
    )


def _predictors_section(
    flights: Sequence[Row], networks: Sequence[Row], predictor_correlations: Sequence[Row], command: str
) -> str:
    if not predictor_correlations:
        return ""
    table = [["task", "networks", *PREDICTORS.values()]]
    for task, rows in grouped(predictor_correlations, lambda row: row["task"]).items():
        found = {row["predictor"]: comparison_plots.correlation(row) for row in rows}
        table.append([task, str(rows[0]["networks"]), *(found.get(name, "") for name in PREDICTORS)])
    body = _picture(
        lambda columns: comparison_plots.draw_predictors(flights, networks, predictor_correlations, columns),
        "predictors against error",
    )
    note = (
        "Spearman's rank correlation with tracking error over all networks (in recover with the share of flights that "
        "do not recover), with its 90 % bootstrap interval over networks. Spectral radius and offset are those of the "
        "closed loop linearised about trim, known before a flight."
    )
    made = _made(command, "predictors", "predictors.csv")
    return _section("Predictors of tracking error", body + _table(table) + made, note)


def _ratio(value: float | None) -> str:
    return "" if value is None else "∞" if math.isinf(value) else f"{value:.2f}"


def _section(title: str, body: str, note: str = "") -> str:
    introduction = f'<p class="note">{note}</p>' if note else ""
    return f"<section><h2>{html.escape(title)}</h2>{introduction}{body}</section>"


def _made(command: str, *files: str) -> str:
    """Write the command that makes what stands above, and the files that hold it."""
    return f'<p class="note">Made by <code>{html.escape(command)}</code>: {", ".join(files)}.</p>'


def _table(cells: Sequence[Sequence[str]]) -> str:
    head, *rows = [[html.escape(cell) for cell in row] for row in cells]
    header = "".join(f'<th><button title="sort">{cell}</button></th>' for cell in head)
    lines = [
        "".join(f'<td data-label="{name}">{cell}</td>' for name, cell in zip(head, row, strict=True)) for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<thead><tr>{header}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scroll"><table class="stacked">{table}</table></div>'


def _pairs(values: Mapping[str, object]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(value))}</td></tr>" for name, value in values.items()
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _picture(draw, description: str) -> str:
    """Embed a picture in two columns of panels, and for narrow screens in one."""
    wide, narrow = (_data("image/png", _with_palette(encode_figure(draw(columns), dpi=120))) for columns in (2, 1))
    return (
        f'<figure><picture><source media="(max-width: 40rem)" srcset="{narrow}">'
        f'<img src="{wide}" alt="{html.escape(description)}"></picture></figure>'
    )


def _with_palette(content: bytes) -> bytes:
    """Store a PNG with a palette, in a quarter of the bytes."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    small = io.BytesIO()
    picture.quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def _viewer(shown: Mapping[str, mothsim.Flight], view: str) -> str:
    if not shown:
        return ""
    return _section("Flights", viewer_element(shown) + viewer_script() + _made(view, "flight.html"))


def _origin(settings: dict) -> dict[str, object]:
    packages = ("numpy", "scipy", "numba", "jax", "matplotlib")
    return {
        **settings,
        "mothsim": mothsim.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "machine": f"{platform.machine()}, {platform.system()}",
    }


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
