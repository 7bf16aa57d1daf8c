"""The moving moth, as a GIF."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mothsim.flight import Flight
from mothsim.io import write_atomically
from mothsim.plotting.figures import frame_limits
from mothsim.plotting.moth_shape import PAPER, TARGET, draw_moth
from mothsim.plotting.style import BROWN, VIOLET, figure_style
from mothsim.progress import ProgressBar

_INCHES, _DPI = 4.6, 90
_COLOURS = 64
_STAMP, _TEXT = (70, 22), 13  # where the time is written and how large, pixels


def animate(
    flight: Flight,
    file: Path,
    *,
    frames_per_second: int = 10,
    sampled_paths: Sequence[NDArray[np.floating]] | None = None,
    progress: bool = False,
) -> None:
    """Write a flight as a GIF in real time: moth, force arrow, target and the path so far.

    Args:
        flight: of one moth.
        file: ends in `.gif`; its folder is made.
        frames_per_second: at most one frame a decision is drawn.
        sampled_paths: paths (S, P, 2) of the joint that were sampled at each decision, cm, drawn faintly.
        progress: show a bar on standard error.

    Raises:
        ValueError: the flight is of many moths, or the file is no GIF.
        OSError: the file cannot be written.
    """
    if flight.states.ndim != 2:
        raise ValueError("flight: expected one moth, pick one with flight.moth(index)")
    if file.suffix.lower() != ".gif":
        raise ValueError(f"file = {str(file)!r}: expected a name that ends in .gif")
    flown = np.flatnonzero(np.isfinite(flight.states).all(axis=1))
    every = max(1, round(1 / (frames_per_second * flight.period)))
    images = _render(flight, flown[::every], sampled_paths, progress)
    content = BytesIO()
    milliseconds = round(1000 * every * flight.period)
    # Without Pillow's own optimisation the file is a seventh larger, and is written ten times as fast.
    images[0].save(
        content, "GIF", save_all=True, append_images=images[1:], duration=milliseconds, loop=0, optimize=False
    )
    write_atomically(file, content.getvalue())


@figure_style()
def _render(
    flight: Flight, rows: np.ndarray, sampled_paths: Sequence[NDArray[np.floating]] | None, progress: bool
) -> list[Image.Image]:
    """One picture a row; the still background is drawn once, and one palette serves all."""
    figure = Figure(figsize=(_INCHES, _INCHES), dpi=_DPI, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.14, 0.11, 0.83, 0.86))
    targets = flight.targets
    x, y = frame_limits(np.concatenate([targets, flight.states[rows, :2]]))
    axes.set(xlabel="x, cm", ylabel="y, cm", xlim=x, ylim=y, aspect="equal", facecolor="white")
    axes.plot(*targets.T, color=TARGET, lw=3, alpha=0.2)
    (trace,) = axes.plot([], [], color=BROWN, lw=1)
    futures = LineCollection([], colors=VIOLET, linewidths=0.6, alpha=0.3)
    drawing = draw_moth(axes, flight.states[rows[0]], flight.controls[rows[0]], flight.body, target=targets[rows[0]])
    moving: list[Artist] = [trace, *drawing.artists]
    if sampled_paths is not None:
        axes.add_collection(futures)
        moving.insert(0, futures)
    for artist in moving:
        artist.set_animated(True)
    canvas.draw()
    background = canvas.copy_from_bbox(figure.bbox)  # pyright: ignore[reportAttributeAccessIssue]
    font = ImageFont.load_default(size=_TEXT)
    images: list[Image.Image] = []
    palette = None
    for row in ProgressBar(rows, desc="drawing", unit="frame", disable=not progress, leave=False):
        canvas.restore_region(background)  # pyright: ignore[reportAttributeAccessIssue]
        drawing.update(flight.states[row], flight.controls[row], targets[row])
        if sampled_paths is not None:
            futures.set_segments(list(sampled_paths[row]))
        trace.set_data(*flight.states[: row + 1, :2].T)
        for artist in moving:
            axes.draw_artist(artist)
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        # Matplotlib would spend a third of an animation's time on this text.
        ImageDraw.Draw(image).text(_STAMP, f"{flight.times[row]:.2f} s", fill="black", font=font)
        palette = palette or image.quantize(_COLOURS)
        images.append(image.quantize(palette=palette, dither=Image.Dither.NONE))
    return images
