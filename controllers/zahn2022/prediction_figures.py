"""What single networks make of segments: Zahn et al. 2022's Figs S4, S5 and 6, drawn anew from a fixed seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mothsim.actuation import from_components, limited
from mothsim.body import MothBody
from mothsim.controllers.networks.network import CONTROLS, Network
from mothsim.plotting.figures import frame_limits
from mothsim.plotting.moth_shape import draw_moth
from mothsim.plotting.style import figure_style
from mothsim.segments import OUTPUTS, draw, generate, tabulate
from mothsim.solver.propagate import SEGMENT, propagate

Array = NDArray[np.floating]

_SEED = 6
_POINTS, _EXAMPLES, _TIMES = 3000, 3, 41
_UNITS = ("dyn", "dyn", "dyn cm", "cm/s", "cm/s", "rad/s", "rad/s")
_TRUE, _COLOURS = "0.35", ("#1f7a8c", "#c8452f")


@figure_style()
def draw_predictions(network: Network) -> Figure:
    """Each output as the network predicts it against its actual value, and the residuals below (Figs S4, S5)."""
    segments = generate(_POINTS, _SEED)
    actual, predicted = segments.outputs, network(segments.inputs)
    figure = Figure(figsize=(15, 5), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, len(OUTPUTS), height_ratios=(2, 1))
    for i, (name, unit) in enumerate(zip(OUTPUTS, _UNITS, strict=True)):
        above, below = grid[0, i], grid[1, i]
        residuals = predicted[:, i] - actual[:, i]
        ends = [actual[:, i].min(), actual[:, i].max()]
        above.plot(ends, ends, color="0.6", lw=0.8)
        above.plot(actual[:, i], predicted[:, i], ".", ms=1.5, color=_COLOURS[0])
        above.set_title(f"{name}, {unit}", fontsize=9)
        above.set_xlabel("actual", fontsize=8)
        below.axhline(0, color="0.6", lw=0.8)
        below.plot(actual[:, i], residuals, ".", ms=1.5, color=_COLOURS[1])
        below.set_title(f"residual, RMS {np.sqrt(np.mean(residuals**2)):.3g} {unit}", fontsize=8)
        for axes in (above, below):
            axes.ticklabel_format(scilimits=(-3, 3))
            axes.tick_params(labelsize=7)
    grid[0, 0].set_ylabel("predicted", fontsize=8)
    grid[1, 0].set_ylabel("predicted - actual", fontsize=8)
    loss = network.loss(segments.inputs, segments.outputs)
    figure.suptitle(f"{network.connections:,} weights, loss {loss:.2e} on {_POINTS:,} segments", fontsize=10)
    return figure


@figure_style()
def draw_trajectories(networks: Mapping[str, Network]) -> Figure:
    """Three random segments, and the same starts flown with the control that each network gives (Fig 6).

    Args:
        networks: by name, at most two.
    """
    body = MothBody()
    states, controls = draw(_EXAMPLES, _SEED)
    true = _paths(states, controls, body)
    inputs = tabulate(states, controls, true[:, -1]).inputs
    flown = {}
    for name, network in networks.items():
        components = np.pad(network(inputs)[:, :CONTROLS], ((0, 0), (0, 1)))
        flown[name] = _paths(states, limited(from_components(components), body), body)
    figure = Figure(figsize=(12, 7), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, _EXAMPLES, height_ratios=(2, 1))
    for i in range(_EXAMPLES):
        paths = {name: path[i] for name, path in flown.items()}
        _draw_plane(grid[0, i], true[i], paths, body)
        _draw_angles(grid[1, i], true[i], paths)
    grid[0, 0].legend(loc="best", fontsize=8, frameon=False)
    return figure


def _paths(states: Array, controls: Array, body: MothBody) -> Array:
    """States over a segment (N, T, 8)."""
    path = propagate(states, controls, body=body, times=np.linspace(0, SEGMENT, _TIMES)).path
    assert path is not None
    return path


def _draw_plane(axes: Axes, true: Array, paths: Mapping[str, Array], body: MothBody) -> None:
    axes.plot(*true[:, :2].T, color=_TRUE, lw=4, alpha=0.35, label="true control")
    draw_moth(axes, true[0], body=body, alpha=0.25)
    draw_moth(axes, true[-1], body=body, alpha=0.6)
    for (name, path), colour in zip(paths.items(), _COLOURS, strict=False):
        axes.plot(*path[:, :2].T, color=colour, lw=1.2, label=f"network, {name}")
        axes.plot(*path[-1, :2], "o", ms=5, mfc="none", color=colour)
    misses = [f"{name}: {np.hypot(*(path[-1, :2] - true[-1, :2])):.2g} cm" for name, path in paths.items()]
    axes.set_title(f"ends off the target by {', '.join(misses)}", fontsize=9)
    x, y = frame_limits(np.concatenate([true[:, :2], *(path[:, :2] for path in paths.values())]))
    axes.set(xlabel="x, cm", ylabel="y, cm", xlim=x, ylim=y, aspect="equal")


def _draw_angles(axes: Axes, true: Array, paths: Mapping[str, Array]) -> None:
    times = np.linspace(0, 1000 * SEGMENT, _TIMES)
    for column, style in ((2, "-"), (3, "--")):
        axes.plot(times, true[:, column], style, color=_TRUE, lw=4, alpha=0.35)
        for path, colour in zip(paths.values(), _COLOURS, strict=False):
            axes.plot(times, path[:, column], style, color=colour, lw=1.2)
    axes.set(xlabel="time, ms", ylabel="θ (solid) and φ (dashed), rad")
