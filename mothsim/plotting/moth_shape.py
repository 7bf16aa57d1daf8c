"""The picture of a moth: two ellipses on a pin, with its aerodynamic force and its target."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, Patch, PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from numpy.typing import ArrayLike

from mothsim.body import MothBody
from mothsim.plotting.style import BROWN, RED, TEAL, VIOLET

THORAX, ABDOMEN, BAND, OUTLINE = "#8a6f52", "#c9a26b", BROWN, "#3d2f24"
FORCE, TORQUE, TARGET, PAPER = RED, VIOLET, TEAL, "#fbf8f2"
ARROW = 2.0
"""Length of the arrow of a force that equals the weight, cm; it grows with the root of the force."""
BANDS = (-0.55, -0.15, 0.25, 0.62)
"""Where the dark bands of the abdomen are, from -1 at its front to 1 at its tip."""


class MothDrawing:
    """A moth on matplotlib axes, made by `draw_moth` and moved by `update`.

    Attributes:
        artists: everything drawn, for `FuncAnimation` with blitting.
    """

    def __init__(self, axes: Axes, body: MothBody, alpha: float = 1.0, size: float = 1.0, zorder: float = 3.0) -> None:
        self.body, self.size = body, size
        self._head, self._tail = Affine2D(), Affine2D()
        style: dict[str, Any] = {"alpha": alpha, "lw": 1.1, "ec": OUTLINE}
        on_head: dict[str, Any] = {"transform": self._head + axes.transData}
        on_tail: dict[str, Any] = {"transform": self._tail + axes.transData}
        shapes: list[Patch] = [*self._abdomen(style, zorder, on_tail), *self._thorax(style, zorder, on_head)]
        pin = Circle((0, 0), 0.13, fc=PAPER, zorder=zorder + 0.4, **style, **on_head)
        self._arrow = FancyArrowPatch(
            (0, 0), (0, 0), arrowstyle="-|>,head_length=6,head_width=3", lw=2.0, color=FORCE, alpha=alpha,
            shrinkA=0, shrinkB=0, capstyle="round", zorder=zorder + 0.5,
        )  # fmt: skip
        for patch in (*shapes, pin, self._arrow):
            axes.add_patch(patch)
        lines = [
            Line2D([0, body.petiole], [0, 0], color=OUTLINE, lw=2.5, alpha=alpha, zorder=zorder - 0.1, **on_tail),
            self._antennae(alpha, zorder, on_head),
        ]
        self._ring = Line2D([], [], ls="", marker="o", ms=15, mfc="none", mec=TARGET, mew=1.6, zorder=zorder + 0.6)
        self._cross = Line2D([], [], ls="", marker="+", ms=9, mec=TARGET, mew=1.6, zorder=zorder + 0.6)
        for line in (*lines, self._ring, self._cross):
            axes.add_line(line)
        self.artists = (*shapes, pin, self._arrow, *lines, self._ring, self._cross)

    def _thorax(self, style: dict[str, Any], zorder: float, place: dict[str, Any]) -> list[Patch]:
        body = self.body
        a, b = body.head_half_length, body.head_half_width
        eye = (body.head_distance + 0.62 * a, 0.12 * b)
        return [
            Ellipse((body.head_distance, 0), 2 * a, 2 * b, fc=THORAX, zorder=zorder, **style, **place),
            Circle(eye, 0.26 * b, fc=OUTLINE, lw=0, alpha=style["alpha"], zorder=zorder + 0.1, **place),
            Circle((eye[0] + 0.08 * b, eye[1] + 0.08 * b), 0.08 * b, fc=PAPER, lw=0, alpha=style["alpha"],
                   zorder=zorder + 0.2, **place),
        ]  # fmt: skip

    def _abdomen(self, style: dict[str, Any], zorder: float, place: dict[str, Any]) -> list[Patch]:
        body = self.body
        a, b = body.abdomen_half_length, body.abdomen_half_width
        shape = Ellipse((body.abdomen_distance, 0), 2 * a, 2 * b, fc=ABDOMEN, zorder=zorder, **style, **place)
        unit, outlines = Path.unit_circle(), []
        for at in BANDS:
            half = 0.96 * b * (1 - at**2) ** 0.5
            ellipse = Affine2D().scale(0.06 * a, half).translate(body.abdomen_distance + at * a, 0)
            outlines.append(unit.transformed(ellipse))
        # One path of all bands: an animation's time goes by the number of things that are drawn.
        bands = PathPatch(Path.make_compound_path(*outlines), fc=BAND, lw=0, alpha=0.55 * style["alpha"],
                          zorder=zorder + 0.1, **place)  # fmt: skip
        return [shape, bands]

    def _antennae(self, alpha: float, zorder: float, place: dict[str, Any]) -> Line2D:
        """Both antennae as one line, with a gap between them."""
        a, b = self.body.head_half_length, self.body.head_half_width
        along = np.append(np.linspace(0, 1, 12), np.nan)
        x = self.body.head_distance + 0.85 * a + 0.62 * a * np.sin(along * 1.4)
        y = b * (0.25 + 0.9 * along**1.5)
        return Line2D(np.tile(x, 2), np.concatenate([y, 0.5 * y]), color=OUTLINE, lw=1.4, alpha=alpha,
                      solid_capstyle="round", zorder=zorder - 0.1, **place)  # fmt: skip

    def update(self, state: ArrayLike, control: ArrayLike | None = None, target: ArrayLike | None = None) -> None:
        """Move the moth.

        Args:
            state: (8,), see `mothsim.propagate`.
            control: (4,) `[force, angle, abdomen_torque, wing_torque]`; the arrow is hidden without.
            target: (2,) position of the target, cm; the marker is hidden without.
        """
        x, y, theta, phi = np.asarray(state, dtype=np.float64)[:4].tolist()
        self._head.clear().scale(self.size).rotate(theta).translate(x, y)
        self._tail.clear().scale(self.size).rotate(phi).translate(x, y)
        self._arrow.set_visible(control is not None)
        if control is not None:
            force, angle = np.asarray(control, dtype=np.float64)[:2].tolist()
            length = ARROW * self.size * max(force / self.body.weight, 0.0) ** 0.5
            start = self._head.transform([self.body.force_distance, 0.0])
            end = start + Affine2D().rotate(angle + theta).transform([length, 0.0])
            self._arrow.set_positions((start[0], start[1]), (end[0], end[1]))
        for marker in (self._ring, self._cross):
            marker.set_visible(target is not None)
            if target is not None:
                marker.set_data(*np.asarray(target, dtype=np.float64)[:, None])


def draw_moth(
    axes: Axes,
    state: ArrayLike,
    control: ArrayLike | None = None,
    body: MothBody | None = None,
    *,
    target: ArrayLike | None = None,
    alpha: float = 1.0,
    size: float = 1.0,
    zorder: float = 3.0,
) -> MothDrawing:
    """Draw a moth on axes in cm: head-thorax and abdomen as ellipses, the joint, its force as an arrow.

    Args:
        axes: with equal aspect, or the ellipses will not look like the body's.
        state: see `MothDrawing.update`, as for the control and the target.
        control: or none, for no arrow.
        target: or none, for no mark.
        body: by default Zahn et al.'s moth.
        alpha: opacity; below 1 for a ghost of an earlier time.
        size: magnifies the moth about its joint, to show it on a wide map.
        zorder: matplotlib's, of the moth.

    Returns:
        The drawing, which `update` moves: draw once, then move it from frame to frame.
    """
    drawing = MothDrawing(axes, body or MothBody(), alpha, size, zorder)
    drawing.update(state, control, target)
    return drawing
