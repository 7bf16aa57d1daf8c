"""The moth with its symbols: Fig 1 of Zahn et al. 2022."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, FancyArrowPatch

from mothsim.body import MothBody
from mothsim.io import write_atomically
from mothsim.plotting.moth_shape import FORCE, OUTLINE, TARGET, TORQUE, draw_moth
from mothsim.plotting.style import figure_style

THETA, PHI = np.radians(58), np.radians(218)
ALPHA = np.radians(38)


def _direction(angle: float) -> np.ndarray:
    """The unit vector (2,) at an angle from +x."""
    return np.array([np.cos(angle), np.sin(angle)])


def _arrow(axes: Axes, start: np.ndarray, end: np.ndarray, color: str, **options: object) -> None:
    """An arrow from point to point."""
    style = {"arrowstyle": "-|>", "mutation_scale": 13, "lw": 1.8, "shrinkA": 0, "shrinkB": 0, "zorder": 6}
    axes.add_patch(FancyArrowPatch(tuple(start), tuple(end), color=color, **(style | options)))  # pyright: ignore


def _write(axes: Axes, place: np.ndarray, text: str, color: str = OUTLINE, size: float = 13.0) -> None:
    """Text about a point (2,)."""
    axes.text(place[0], place[1], text, color=color, fontsize=size, ha="center", va="center", zorder=7)


def _angle_arc(axes: Axes, at: np.ndarray, radius: float, span: tuple[float, float], text: str, out: float) -> None:
    """An angle from `span[0]` to `span[1]`, rad, named at its middle, `out` cm beyond the arc."""
    begin, end = np.degrees(span)
    axes.add_patch(Arc(tuple(at), 2 * radius, 2 * radius, theta1=begin, theta2=end, color=OUTLINE, lw=1.2, zorder=6))
    tip, before = (at + radius * _direction(angle) for angle in (span[1], span[1] - 0.12))
    _arrow(axes, before, tip, OUTLINE, lw=1.2, mutation_scale=9)
    _write(axes, at + (radius + out) * _direction(sum(span) / 2), text, size=15)


def _turn(axes: Axes, at: np.ndarray, radius: float, span: tuple[float, float], text: str, place: np.ndarray) -> None:
    """A torque as a round arrow."""
    points = np.array([at + radius * _direction(angle) for angle in np.linspace(*span, 30)])
    axes.plot(*points[:-1].T, color=TORQUE, lw=2, zorder=6, solid_capstyle="butt")
    _arrow(axes, points[-3], points[-1], TORQUE, lw=2)
    _write(axes, place, text, TORQUE, 14)


def _draw_axes_of_the_world(axes: Axes) -> None:
    """The fixed frame, gravity, and the horizontal that angles count from."""
    corner = np.array([-3.9, -3.6])
    for vector, name in ((np.array([1.1, 0]), "$x$"), (np.array([0, 1.1]), "$y$")):
        _arrow(axes, corner, corner + vector, OUTLINE)
        _write(axes, corner + 1.22 * vector, name, size=14)
    _write(axes, corner + np.array([1.2, 0.65]), "world frame", size=10)
    axes.plot([0, 2.9], [0, 0], color=OUTLINE, lw=1, ls=(0, (5, 4)), zorder=1)


def _draw_lengths(axes: Axes, body: MothBody) -> None:
    """Distances along the two bodies, on lines beside them."""
    for angle, length, name, side in (
        (THETA, body.head_distance, "$L_1$", 1.3),
        (THETA, body.force_distance, "$L_3$", 0.72),
        (PHI, body.abdomen_distance, "$L_2$", 1.05),
    ):
        normal = side * _direction(angle + np.pi / 2)
        start, end = normal, normal + length * _direction(angle)
        _arrow(axes, start, end, OUTLINE, arrowstyle="<|-|>", lw=1, mutation_scale=8)
        for point in (normal, end):
            axes.plot(*np.array([point - normal, point]).T, color=OUTLINE, lw=0.5, ls=":", zorder=5)
        _write(axes, (start + end) / 2 + 0.28 * np.sign(side) * _direction(angle + np.pi / 2), name)


def draw_moth_diagram(body: MothBody | None = None) -> Figure:
    """The whole diagram."""
    body = body or MothBody()
    figure = Figure(figsize=(8.2, 6.6), layout="constrained")
    axes = figure.add_subplot(aspect="equal")
    axes.set(xlim=(-4.4, 4.6), ylim=(-4.0, 4.0))
    axes.axis("off")
    _draw_axes_of_the_world(axes)
    draw_moth(axes, [0, 0, THETA, PHI, 0, 0, 0, 0], body=body, alpha=0.85, zorder=2)
    for angle, reach in ((THETA, 3.2), (PHI, 4.4)):
        axes.plot(*np.array([[0, 0], reach * _direction(angle)]).T, color=OUTLINE, lw=0.9, ls=(0, (5, 4)), zorder=5)
    _angle_arc(axes, np.zeros(2), 1.9, (0.0, THETA), r"$\theta$", 0.28)
    _angle_arc(axes, np.zeros(2), 2.45, (0.0, PHI), r"$\phi$", 0.28)
    push = body.force_distance * _direction(THETA)
    _arrow(axes, push, push + 2.5 * _direction(THETA + ALPHA), FORCE, lw=2.6, mutation_scale=18)
    _write(axes, push + 2.75 * _direction(THETA + ALPHA), "$F$", FORCE, 17)
    _angle_arc(axes, push, 1.55, (THETA, THETA + ALPHA), r"$\alpha$", 0.26)
    for name, angle, along, beside in (
        ("$m_1 g$", THETA, body.head_distance, (0.47, -0.96)),
        ("$m_2 g$", PHI, body.abdomen_distance, (0.42, -1.1)),
    ):
        centre = along * _direction(angle)
        axes.plot(*centre, "o", color=OUTLINE, ms=4, zorder=7)
        _arrow(axes, centre, centre - np.array([0, 1.25]), TARGET)
        _write(axes, centre + np.array(beside), name, TARGET)
    _turn(axes, np.zeros(2), 0.55, (THETA - 1.15, THETA - 0.1), r"$+\tau, \tau_w$", np.array([1.42, 0.3]))
    _turn(axes, np.zeros(2), 0.55, (PHI + 1.15, PHI + 0.1), r"$-\tau$", np.array([0.17, -0.76]))
    _draw_lengths(axes, body)
    _draw_names(axes, body)
    return figure


def _draw_names(axes: Axes, body: MothBody) -> None:
    """What the parts are called, beside them."""
    for text, place, point in (
        ("head-thorax\n$a_1, b_1, \\rho_1$", (2.6, 2.35), 1.25 * _direction(THETA) + [0.35, -0.1]),
        ("abdomen\n$a_2, b_2, \\rho_2$", (-0.2, -3.0), 2.7 * _direction(PHI) + [0.3, -0.4]),
        ("pin joint $(x, y)$:\nspring $K$, damper $c$,\nrest angle $\\beta$", (2.7, -1.3), np.array([0.08, -0.08])),
    ):
        axes.annotate(text, xy=tuple(point), xytext=place, fontsize=11, ha="center", va="center", color=OUTLINE,
                      arrowprops={"arrowstyle": "-", "color": OUTLINE, "lw": 0.8}, zorder=8)  # fmt: skip


@figure_style()
def write_moth_diagram(file: Path) -> None:
    """Write the diagram as SVG or PNG, by the file's ending; the same bytes every time."""
    kind, content = file.suffix[1:], BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "mothsim", "mathtext.fontset": "cm"}):
        draw_moth_diagram().savefig(content, format=kind, metadata={"Date": None} if kind == "svg" else None, dpi=150)
    write_atomically(file, content.getvalue())
