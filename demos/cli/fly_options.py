"""Options of `mothsim fly`, by what they are about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from mothsim.demos.options import EXPLAINED, Count, Factor, Name, Noise, Picture, Radians, Seconds, Seed

_CONTROLLERS = (
    "Fly one or several of inverse-model, policy, lqr, nmpc, monte-carlo, random-shooting, cem and mppi, or your own "
    "as module:name or file.py:name; by default whatever flies the networks, or the inverse model."
)
_NETWORKS = (
    "Fly one or several networks, by name (see `mothsim list`) or file; by default the inverse model flies inverse-93 "
    "and the policy alone."
)
_BODY = (
    "Fly this moth: zahn2022, bustamante2022-fa, -fs, -ua or -us, light-abdomen, or a JSON file of parameters by name; "
    "by default it is the moth that the network was trained for, bustamante2022-fa for monte-carlo, else zahn2022."
)
_WAYPOINT = (
    "Ask the inverse model for poses of this kind: on kinematic waypoints it flies alone, on reachable ones LQR and "
    "the engine help it, and raw targets lose most networks; by default they are of the kind it was trained for."
)
_TARGET = (
    "Follow this target: hover, step, sine, sum-of-primes, figure-eight, forward, recover, a CSV file of t,x,y[,theta] "
    "in s, cm, rad, or a function of t that gives x, y[, theta], as module:name or file.py:name."
)
_INTERPOLATION = (
    "Interpolate the rows of a CSV file so: pchip (the default) and linear stay between neighbouring rows, cubic is a "
    "natural spline and may overshoot."
)


@dataclass
class Flier:
    """Who flies, and which moth."""

    controller: Annotated[tuple[str, ...] | None, arg(metavar="NAME ...", help=_CONTROLLERS), EXPLAINED] = None
    network: Annotated[tuple[str, ...], arg(metavar="NAME ...", help=_NETWORKS, help_behavior_hint="")] = ()
    waypoint: Annotated[
        Literal["reachable", "raw", "kinematic"] | None,
        arg(metavar="{reachable,raw,kinematic}", help=_WAYPOINT, help_behavior_hint=""),
    ] = None
    body: Annotated[Name, arg(help=_BODY)] = None


@dataclass
class FlightPlan:
    """What is flown, and for how long."""

    trajectory: Annotated[str, arg(metavar="NAME", help=_TARGET)] = "sum-of-primes"
    interpolation: Annotated[
        Literal["pchip", "linear", "cubic"] | None,
        arg(metavar="{pchip,linear,cubic}", help=_INTERPOLATION, help_behavior_hint=""),
    ] = None
    angle: Annotated[Radians, EXPLAINED] = None
    """Hold the body at this angle theta, rad; by default it is upright, and at pi/4 for monte-carlo, as published."""
    duration: Seconds = 10.0
    """Fly for this many seconds."""
    moths: Count = 1
    """Fly so many moths, each from its own start; the table then has medians, the largest error and the number lost."""
    seed: Seed = 0
    """Draw the random starts, noise and gusts from this seed."""


@dataclass
class Perturbed:
    """What makes the flight harder than the controller was made for."""

    noise: Noise = 0.0
    """Add sensor noise of this standard deviation, as a share of each state's range about the target."""
    delay: Noise = 0.0
    """Show the controller states that are this many seconds old."""
    gusts: Noise = 0.0
    """Let the wind blow in gusts of this standard deviation, cm/s."""
    size: Factor = 1.0
    """Multiply the body's lengths by this, without informing the controller."""
    abdomen: Factor = 1.0
    """Multiply the abdomen's mass by this, without informing the controller."""
    drink: Noise = 0.0
    """Let the moth drink this share of its mass after 2 s, without informing the controller."""
    informed: bool = False
    """Inform the controllers of delay, noise, size and abdomen: they then predict and filter with the engine."""


@dataclass
class FlyOutput:
    """What is written, and where."""

    out: Path = Path("out/fly")
    """Write the picture flight.png, flight.gif and flight.html to this folder."""
    picture: Picture = "png"
    """Draw pictures in this format; pdf and svg are vector graphics, for papers."""
    animation: bool = True
    """Draw a GIF as well, where one moth flies."""
    view: bool = False
    """Write the flight viewer, flight.html, and open it in a browser where there is a screen."""
    save: Annotated[Path | None, arg(metavar="FILE"), EXPLAINED] = None
    """Keep a record of the flights in this .npz file, which `mothsim view` opens."""
    show_rollouts: bool = False
    """Draw the rollouts of each decision faintly into the GIF, for monte-carlo, random-shooting, cem and mppi."""
    json: bool = False
    """Print one JSON object on standard output instead of the table."""
