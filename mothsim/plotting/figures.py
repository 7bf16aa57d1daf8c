"""Still pictures of a flight."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from mothsim.angles import turns_off
from mothsim.flight import Flight
from mothsim.io import write_atomically
from mothsim.plotting.moth_shape import FORCE, PAPER, TARGET, TORQUE, draw_moth
from mothsim.plotting.style import BROWN, SERIES, figure_style

_MARGIN = 3.5
_GHOSTS = 3
_FINEST = 1e-4  # mm, below which no error is of interest
_SPUN = 720  # degrees, beyond which a moth that has spun is drawn in turns
_BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.12), "frameon": False}
_BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5), "frameon": False, "handlelength": 1.0}


@figure_style()
def draw_flight(flight: Flight, title: str = "") -> Figure:
    """A flight at a glance: path against target, coordinates, error, angles and controls over time.

    Raises:
        ValueError: the flight is of many moths; pick one with `flight.moth(i)`.
    """
    if flight.states.ndim != 2:
        raise ValueError("flight: expected one moth, pick one with flight.moth(index)")
    plane, axes = _lay_out(4, flight.times, right=0.89)
    times = flight.times
    _draw_plane(plane, flight)
    _draw_coordinates(axes[0], flight)
    axes[1].plot(times, 10 * flight.errors, color=FORCE, lw=1)
    axes[1].set_ylabel("error, mm")
    _log_scale(axes[1])
    _draw_angles(axes[2], flight)
    _draw_controls(axes[3], flight)
    verdict = "lost" if flight.lost else f"rms error {flight.rms_error:.3f} cm, largest {flight.max_error:.3f} cm"
    figure = plane.figure
    assert isinstance(figure, Figure)
    figure.suptitle(f"{title or flight.trajectory.name}: {verdict}")
    return figure


@figure_style()
def draw_flights(flights: Mapping[str, Flight], title: str = "") -> Figure:
    """Draw flights of one moth each on one page: paths against the target, errors, angles and controls over time.

    Args:
        flights: by name.
        title: by default the target's name.
    """
    first = next(iter(flights.values()))
    plane, axes = _lay_out(5, first.times, right=0.98)
    plane.plot(*first.targets.T, color=TARGET, lw=3, alpha=0.35, label="target")
    for (name, flight), color in zip(flights.items(), itertools.cycle(SERIES), strict=False):
        rms = "lost" if flight.lost else f"rms error {flight.rms_error:.3f} cm"
        plane.plot(*flight.states[:, :2].T, color=color, lw=1, label=f"{name}: {rms}")
        theta, bend = _angles(flight)
        axes[0].plot(flight.times, 10 * flight.errors, color=color, lw=1)
        axes[1].plot(flight.times, theta, color=color, lw=1)
        axes[2].plot(flight.times, bend, color=color, lw=1)
        for axis, values in ((axes[3], flight.controls[:, 0] / flight.body.weight),
                             (axes[4], flight.controls[:, 2] / 1000)):  # fmt: skip
            axis.step(flight.times, values, color=color, lw=1, where="post", alpha=0.8)
    _log_scale(axes[0])
    for axis, label in zip(axes, ("error, mm", "body θ, °", "bend\nφ - θ - 180°, °", "force\n/ weight",
                                  "torque,\n1000 dyn cm"), strict=True):  # fmt: skip
        axis.set_ylabel(label)
    near = [flight.states[(flight.errors < _MARGIN) | (not flight.lost), :2] for flight in flights.values()]
    x, y = frame_limits(np.concatenate([first.targets, *near]))
    plane.set(xlim=x, ylim=y)
    many = {"ncols": 2, "fontsize": "x-small", "columnspacing": 1.0} if len(flights) > 5 else {}
    plane.legend(**_BELOW, **many)
    figure = plane.figure
    assert isinstance(figure, Figure)
    figure.suptitle(title or first.trajectory.name)
    return figure


def _lay_out(rows: int, times: NDArray[np.floating], right: float) -> tuple[Axes, list[Axes]]:
    """Axes of a new figure: of the plane at the left, and of quantities over time, one above another, at the right."""
    figure = Figure(figsize=(11, 7), facecolor=PAPER)
    FigureCanvasAgg(figure)
    # Matplotlib's constrained layout would take as long as all the drawing.
    grid = figure.add_gridspec(rows, 2, width_ratios=(1, 1.5), left=0.06, right=right, top=0.94, bottom=0.08,
                               wspace=0.24, hspace=0.1)  # fmt: skip
    plane = figure.add_subplot(grid[:, 0])
    plane.set(xlabel="x, cm", ylabel="y, cm", aspect="equal", facecolor="white")
    axes = [figure.add_subplot(grid[row, 1]) for row in range(rows)]
    for axis in axes:
        axis.grid(alpha=0.25)
        axis.set_xlim(times[0], times[-1] if len(times) > 1 else None)
        axis.set_facecolor("white")
        axis.yaxis.set_label_coords(-0.12, 0.5)  # in line without Matplotlib's search for room, which takes long
    for axis in axes[:-1]:
        axis.tick_params(labelbottom=False)
    axes[-1].set_xlabel("time, s")
    return plane, axes


def _log_scale(axes: Axes) -> None:
    """Logarithmic y, mm, with plain numbers, 0.1 and not a power of ten, which takes Matplotlib long to set."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(bottom=_FINEST if low < _FINEST < high / 10 else low)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _angles(flight: Flight) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Body angle theta, less the whole turns by which it starts off its target, and bend phi - theta - 180, degrees."""
    angle = float(flight.trajectory.angle(flight.times[0]))
    turns = turns_off(flight.states[0], np.array([0, 0, angle, angle + math.pi, 0, 0, 0, 0]))
    theta, phi = np.degrees(flight.states[:, 2] - turns), np.degrees(flight.states[:, 3] - turns)
    return theta, phi - theta - 180.0


def save_figure(figure: Figure, file: Path | str, dpi: float = 110) -> None:
    """Write a figure as a picture in one piece, making the folder.

    Args:
        figure: to save.
        file: its ending gives the format: png, pdf or svg.
        dpi: pixels an inch.

    Raises:
        ValueError: a format that Matplotlib does not write.
        OSError: the file cannot be written.
    """
    file = Path(file)
    write_atomically(file, encode_figure(figure, file.suffix.removeprefix(".") or "png", dpi))


@figure_style()
def encode_figure(figure: Figure, kind: str = "png", dpi: float = 110) -> bytes:
    """The content of a figure's picture file of a kind: png, pdf or svg."""
    content = BytesIO()
    figure.savefig(content, dpi=dpi, format=kind)
    return content.getvalue()


def frame_limits(points: NDArray[np.floating]) -> tuple[tuple[float, float], tuple[float, float]]:
    """A square window around points (M, 2) with room for a moth; points that are not finite do not count."""
    points = points[np.isfinite(points).all(axis=1)]
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, float((high - low).max()) / 2 + _MARGIN
    return (middle[0] - half, middle[0] + half), (middle[1] - half, middle[1] + half)


def _draw_plane(axes: Axes, flight: Flight) -> None:
    targets, path = flight.targets, flight.states[:, :2]
    axes.plot(*targets.T, color=TARGET, lw=3, alpha=0.35, label="target")
    axes.plot(*path.T, color=BROWN, lw=1, label="pin joint")
    flown = np.flatnonzero(np.isfinite(flight.states).all(axis=1))
    for share in np.linspace(0, 1, _GHOSTS):
        row = flown[round(share * (len(flown) - 1))]
        last = share == 1
        draw_moth(
            axes,
            flight.states[row],
            flight.controls[row] if last else None,
            flight.body,
            target=targets[row] if last else None,
            alpha=1.0 if last else 0.25,
        )
    x, y = frame_limits(np.concatenate([targets, path]))
    axes.set(xlim=x, ylim=y)
    axes.legend(**_BELOW)


def _draw_coordinates(axes: Axes, flight: Flight) -> None:
    for column, (name, color) in enumerate((("x", TORQUE), ("y", BROWN))):
        axes.plot(flight.times, flight.targets[:, column], color=TARGET, lw=3, alpha=0.35)
        axes.plot(flight.times, flight.states[:, column], color=color, lw=1, label=name)
    axes.set_ylabel("x and y, cm")
    axes.legend(**_BESIDE)


def _draw_angles(axes: Axes, flight: Flight) -> None:
    theta, bend = _angles(flight)
    unit = "degrees"
    if np.nanmax(np.abs(theta)) > _SPUN:
        unit, theta, bend = "turns", theta / 360, bend / 360
    axes.plot(flight.times, theta, color=BROWN, lw=1, label="body θ")
    axes.plot(flight.times, bend, color=TORQUE, lw=1, label="bend\nφ - θ - 180°")
    axes.set_ylabel(f"angle, {unit}")
    axes.legend(**_BESIDE)


def _draw_controls(axes: Axes, flight: Flight) -> None:
    axes.step(flight.times, flight.controls[:, 0] / flight.body.weight, color=FORCE, lw=1, where="post", label="force")
    axes.set_ylabel("force / weight", color=FORCE)
    torque = axes.twinx()
    torque.step(flight.times, flight.controls[:, 2] / 1000, color=TORQUE, lw=1, where="post")
    torque.set_ylabel("abdominal torque,\n1000 dyn cm", color=TORQUE)
