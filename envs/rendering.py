"""The picture of an episode: the moth, its trail, its target and the way the target goes."""

from __future__ import annotations

import math
import time

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mothsim.envs.config import EnvConfig
from mothsim.observation import ObservationBuilder
from mothsim.plotting.moth_shape import PAPER, TARGET, THORAX, MothDrawing, draw_moth
from mothsim.plotting.style import figure_style

Array = NDArray[np.floating]

MODES = ["rgb_array", "human"]
_INCHES, _DOTS = 4.8, 100
_TRAIL = 100
_AHEAD = 50
_HALF_WIDTH = 7.0
_GRID = 2.0


def frame_rate(period: float) -> int:
    """Frames a second at which a drawing of every decision runs in real time."""
    return max(1, round(1 / period))


class Picture:
    """A figure of one moth, redrawn from frame to frame; in a window, where there is a screen to show it on."""

    @figure_style()
    def __init__(self, observation_builder: ObservationBuilder, config: EnvConfig, window: bool = False) -> None:
        self._observer, self._period, self._body = observation_builder, config.period, config.body
        self._figure = self._window() if window else Figure(figsize=(_INCHES, _INCHES), dpi=_DOTS)
        if not window:
            FigureCanvasAgg(self._figure)
        self._axes: Axes = self._figure.add_axes((0.0, 0.0, 1.0, 1.0))
        # The axes' own grid, ticks and frame would take more than half of the time that a frame takes.
        self._axes.set_axis_off()
        self._figure.set_facecolor(PAPER)
        self._grid = LineCollection([], colors="#e6ddcf", linewidths=0.8, zorder=0.5)
        self._axes.add_collection(self._grid)
        self._path = self._axes.plot([], [], color=TARGET, lw=1.2, alpha=0.6, zorder=1)[0]
        self._flown = self._axes.plot([], [], color=THORAX, lw=1.4, alpha=0.7, zorder=2)[0]
        self._text = self._axes.text(0.03, 0.95, "", transform=self._axes.transAxes, family="monospace", size=9)
        self._moth: MothDrawing | None = None
        self._trail: list[Array] = []
        self._shown = -math.inf

    @staticmethod
    def _window() -> Figure:
        import matplotlib.pyplot as plt  # only a window needs pyplot and its choice of a screen

        figure = plt.figure(figsize=(_INCHES, _INCHES), dpi=_DOTS)
        if figure.canvas.required_interactive_framework is not None:
            plt.show(block=False)
        return figure

    def clear(self) -> None:
        """Forget the trail: another episode begins."""
        self._trail.clear()

    def draw(self, state: Array, step: int, control: Array | None) -> None:
        """Draw a state (8,) at a decision, with the control (4,) that led to it."""
        target = self._observer.positions[step]
        if self._moth is None:
            self._moth = draw_moth(self._axes, state, control, self._body, target=target)
        self._moth.update(state, control, target)
        self._trail = [*self._trail[1 - _TRAIL :], state[:2].copy()]
        self._flown.set_data(*np.transpose(self._trail))
        self._path.set_data(*self._observer.positions[max(0, step - _AHEAD) : step + _AHEAD].T)
        middle = (state[:2] + target) / 2
        half = max(_HALF_WIDTH, np.abs(state[:2] - target).max() / 2 + 4.0)
        self._axes.set_xlim(middle[0] - half, middle[0] + half)
        self._axes.set_ylim(middle[1] - half, middle[1] + half)
        self._grid.set_segments(_grid(middle, half))
        error = np.hypot(*(state[:2] - target))
        self._text.set_text(f"{step * self._period:6.2f} s   {error:6.2f} cm")
        self._figure.canvas.draw()

    def pixels(self) -> NDArray[np.uint8]:
        """The picture last drawn, (480, 480, 3)."""
        canvas = self._figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def pause(self) -> None:
        """Let a window show what was drawn, until a decision's time has passed since the frame before."""
        if self._figure.canvas.required_interactive_framework is not None:
            left = self._shown + self._period - time.perf_counter()
            self._figure.canvas.start_event_loop(max(left, 0.001))  # without time it would run until it is stopped
            self._shown = time.perf_counter()

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._figure.canvas.manager is not None:
            import matplotlib.pyplot as plt

            plt.close(self._figure)


def _grid(middle: Array, half: float) -> list[Array]:
    """Lines (2, 2) of a square grid through the origin in the square of half width `half` about a point, cm."""
    step = _GRID * 2 ** max(0, math.ceil(math.log2(half / _HALF_WIDTH)))
    low, high = middle - half, middle + half
    lines = []
    for axis in (0, 1):
        at = np.arange(math.ceil(low[axis] / step), math.floor(high[axis] / step) + 1) * step
        ends = np.empty((len(at), 2, 2))
        ends[:, :, axis] = at[:, None]
        ends[:, :, 1 - axis] = low[1 - axis], high[1 - axis]
        lines.extend(ends)
    return lines
