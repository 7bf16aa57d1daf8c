"""What single networks make of segments: Zahn et al. 2022's Figs S4, S5 and 6, drawn anew from a fixed seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mothsim.actuation import from_components, limited
from mothsim.body import MothBody
from mothsim.controllers.networks.network import CONTROLS, Network
from mothsim.controllers.zahn2022.wiring_figure import SYMBOLS
from mothsim.plotting.figures import frame_limits
from mothsim.plotting.moth_shape import ARROW, draw_moth
from mothsim.plotting.style import RED, TEAL, figure_style
from mothsim.segments import UNITS, draw, generate, output_names, tabulate
from mothsim.solver.propagate import SEGMENT, propagate

Array = NDArray[np.floating]

_SEED = 6
_POINTS, _EXAMPLES, _TIMES = 3000, 3, 41
_TRUE, _COLOURS = "0.35", (TEAL, RED)


@figure_style()
def draw_predictions(network: Network, body: MothBody | None = None) -> Figure:
    """Each output as the network predicts it against its actual value, and the residuals below (Figs S4, S5)."""
    segments = generate(_POINTS, _SEED, body=body)
    actual, predicted = segments.outputs, network(segments.inputs)
    names = output_names(body)
    figure = Figure(figsize=(2.15 * len(names), 5), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, len(names), height_ratios=(2, 1))
    for i, name in enumerate(names):
        unit = UNITS[name]
        above, below = grid[0, i], grid[1, i]
        residuals = actual[:, i] - predicted[:, i]
        ends = [actual[:, i].min(), actual[:, i].max()]
        above.plot(ends, ends, color="0.6", lw=0.8)
        above.plot(actual[:, i], predicted[:, i], ".", ms=1.5, color=_COLOURS[0])
        above.set_title(f"{SYMBOLS[name]}, {unit}", fontsize=9)
        above.set_xlabel("actual", fontsize=8)
        below.axhline(0, color="0.6", lw=0.8)
        below.plot(predicted[:, i], residuals, ".", ms=1.5, color=_COLOURS[1])
        below.set_xlabel("predicted", fontsize=8)
        below.set_title(f"residual, RMS {np.sqrt(np.mean(residuals**2)):.3g} {unit}", fontsize=8)
        for axes in (above, below):
            axes.ticklabel_format(scilimits=(-3, 3))
            axes.tick_params(labelsize=7)
    grid[0, 0].set_ylabel("predicted", fontsize=8)
    grid[1, 0].set_ylabel("actual - predicted", fontsize=8)
    loss = network.loss(segments.inputs, segments.outputs)
    figure.suptitle(f"{network.connections:,} weights, loss {loss:.2e} on {_POINTS:,} segments", fontsize=10)
    return figure


@figure_style()
def draw_trajectories(networks: Mapping[str, Network], body: MothBody | None = None) -> Figure:
    """Three random segments, and the same starts flown with the control that each network gives (Fig 6).

    Every moth has its force and torque as arrows, the track of its joint as a line, and those of the centres of mass of
    its head-thorax and abdomen as dots.

    Args:
        networks: by name, at most two.
        body: that they were trained for, by default Zahn et al.'s.
    """
    body = body or MothBody()
    states, controls = draw(_EXAMPLES, _SEED, body)
    true = _paths(states, controls, body)
    inputs = tabulate(states, controls, true[:, -1]).inputs
    given, flown = {}, {}
    for name, network in networks.items():
        count = CONTROLS + network.fully_actuated
        components = np.pad(network(inputs)[:, :count], ((0, 0), (0, 4 - count)))
        given[name] = limited(from_components(components), body)
        flown[name] = _paths(states, given[name], body)
    figure = Figure(figsize=(13, 7.8), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, _EXAMPLES, height_ratios=(2, 1))
    for i in range(_EXAMPLES):
        moths = [("true control", _TRUE, true[i], controls[i])]
        moths += [
            (f"network, {name}", colour, flown[name][i], given[name][i])
            for name, colour in zip(networks, _COLOURS, strict=False)
        ]
        _draw_plane(grid[0, i], moths, body)
        _draw_angles(grid[1, i], true[i], {name: path[i] for name, path in flown.items()})
    lines, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside upper center", ncols=6, fontsize=8, frameon=False)
    return figure


def _paths(states: Array, controls: Array, body: MothBody) -> Array:
    """States over a segment (N, T, 8)."""
    path = propagate(states, controls, body=body, times=np.linspace(0, SEGMENT, _TIMES)).path
    assert path is not None
    return path


def _draw_plane(axes: Axes, moths: Sequence[tuple[str, str, Array, Array]], body: MothBody) -> None:
    """Draw moths on one plane, each by name, colour, states (T, 8) and control (4,); the first is the true one."""
    true = moths[0][2]
    draw_moth(axes, true[0], body=body, alpha=0.25)
    draw_moth(axes, true[-1], body=body, alpha=0.6)
    tracks = []
    reach = float(np.ptp(true[:, :2], axis=0).max())
    for i, (name, colour, path, control) in enumerate(moths):
        width, faint = (4, 0.35) if i == 0 else (1.2, 1.0)
        axes.plot(*path[:, :2].T, color=colour, lw=width, alpha=faint, label=f"{name}: joint", zorder=5)
        axes.plot(*path[-1, :2], "o", ms=5, mfc="none", color=colour, zorder=6)
        for centre in _centres(path, body):
            axes.plot(*centre.T, ":", color=colour, lw=1.4, alpha=max(faint, 0.7), zorder=5)
            tracks.append(centre)
        tracks.append(path[:, :2])
        _draw_control(axes, path[0], control, colour, body, radius=0.55 + 0.3 * i, scale=max(1.0, reach / 12))
    axes.plot([], [], ":", color=_TRUE, label="centres of mass")
    axes.plot([], [], ls="", marker=r"$\rightarrow$", ms=12, color=_TRUE, label="force")
    axes.plot([], [], ls="", marker=r"$\circlearrowleft$", ms=10, color=_TRUE, label="torque")
    misses = [f"{name.removeprefix('network, ')}: {np.hypot(*(path[-1, :2] - true[-1, :2])):.2g} cm"
              for name, _, path, _ in moths[1:]]  # fmt: skip
    axes.set_title(f"ends off the target by {', '.join(misses)}", fontsize=9)
    x, y = frame_limits(np.concatenate(tracks))
    axes.set(xlabel="x, cm", ylabel="y, cm", xlim=x, ylim=y, aspect="equal")


def _centres(path: Array, body: MothBody) -> list[Array]:
    """Places (T, 2) of the centres of mass of head-thorax and abdomen."""
    return [
        path[:, :2] + distance * np.column_stack([np.cos(angle), np.sin(angle)])
        for distance, angle in ((body.head_distance, path[:, 2]), (body.abdomen_distance, path[:, 3]))
    ]


def _draw_control(
    axes: Axes, state: Array, control: Array, colour: str, body: MothBody, *, radius: float, scale: float
) -> None:
    """Draw the force as a straight arrow, and the torque as a round one whose angle grows with it, to three quarters.

    Args:
        axes: of the plane.
        state: (8,) where the control acts.
        control: (4,).
        colour: of both.
        body: of the moth.
        radius: of the round arrow, cm.
        scale: magnifies both, to show them on a wide map.
    """
    force, angle, torque = control[:3]
    theta = state[2]
    start = state[:2] + body.force_distance * np.array([np.cos(theta), np.sin(theta)])
    end = start + scale * ARROW * (force / body.weight) ** 0.5 * np.array(
        [np.cos(angle + theta), np.sin(angle + theta)]
    )
    turn = theta + np.linspace(0, 1.5 * np.pi * torque / body.abdomen_torque_limit, 40)
    ring = state[:2] + scale * radius * np.column_stack([np.cos(turn), np.sin(turn)])
    axes.plot(*ring.T, color=colour, lw=1.5, zorder=7)
    for first, last in ((start, end), (ring[-4], ring[-1])):
        style = {"arrowstyle": "-|>", "color": colour, "lw": 1.5, "shrinkA": 0, "shrinkB": 0}
        axes.annotate(
            "", tuple(last.tolist()), tuple(first.tolist()), zorder=7, annotation_clip=False, arrowprops=style
        )


def _draw_angles(axes: Axes, true: Array, paths: Mapping[str, Array]) -> None:
    times = np.linspace(0, 1000 * SEGMENT, _TIMES)
    for column, style in ((2, "-"), (3, "--")):
        axes.plot(times, true[:, column], style, color=_TRUE, lw=4, alpha=0.35)
        for path, colour in zip(paths.values(), _COLOURS, strict=False):
            axes.plot(times, path[:, column], style, color=colour, lw=1.2)
    axes.set(xlabel="time, ms", ylabel="θ (solid) and φ (dashed), rad")
