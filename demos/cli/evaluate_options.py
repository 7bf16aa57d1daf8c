"""Options of `mothsim evaluate`, by what they are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from mothsim.demos.options import EXPLAINED, Count, DaskAddress, Factor, Percents, Picture, Seed, Workers
from mothsim.solver.threads import available_cpus

_WAYPOINTS = (
    "Fly every inverse model on waypoints of these kinds: alone on kinematic ones, helped by LQR and the engine on "
    "reachable ones, or on its own, those it was trained for."
)
_CONTROLLERS = (
    "Fly these controllers beside the networks: lqr, nmpc, mppi, cem, random-shooting, monte-carlo, or your own as "
    "module:name or file.py:name; nmpc is among them by default where the extra [mpc] is installed."
)
_TASKS = (
    "Fly these tasks, each once; recover-half is recover from starts half as violent. Your own target is a .csv file "
    "with columns t, x, y[, theta], flown from its first row to its last, or a function of time as module:name or "
    "file.py:name, flown for 5 s."
)


def _beside() -> tuple[str, ...]:
    return ("lqr", "nmpc", "mppi") if find_spec("piqp") else ("lqr", "mppi")


@dataclass
class Compared:
    """Which networks and controllers are compared."""

    networks: Annotated[Path | None, arg(metavar="FOLDER"), EXPLAINED] = None
    """Take the networks in this folder and below, one a file or of a study; by default the shipped ones fly."""
    waypoints: Annotated[
        tuple[Literal["own", "kinematic", "reachable"], ...],
        arg(metavar="{own,kinematic,reachable} ...", help=_WAYPOINTS),
    ] = ("own",)
    controllers: Annotated[tuple[str, ...], arg(metavar="NAME ...", help=_CONTROLLERS)] = field(default_factory=_beside)


@dataclass
class FlownTasks:
    """What each of them flies."""

    tasks: Annotated[tuple[str, ...], arg(metavar="NAME ...", help=_TASKS)] = (
        "hover", "step", "sum-of-primes", "figure-eight", "forward", "recover", "recover-half",
    )  # fmt: skip
    starts: Count = 20
    """Fly each task from so many random starts; controllers that sample at every decision fly five at most."""
    duration_scale: Factor = 1.0
    """Multiply the usual length of the tasks by this."""
    seed: Seed = 2000
    """Draw the starts and every random number from this seed; the shipped networks were selected on others."""


@dataclass
class RobustnessTests:
    """What is flown disturbed as well."""

    robustness: bool = False
    """Fly under noise, delay, gusts and on other bodies as well."""
    robust_tasks: Annotated[tuple[str, ...], arg(metavar="NAME ...")] = (
        "hover", "sum-of-primes", "figure-eight", "recover-half",
    )  # fmt: skip
    """Fly these tasks disturbed."""
    robust_levels: Percents = (0.0, 93.0, 98.0, 99.0)
    """Fly networks of these levels of pruning disturbed, per cent."""
    harder: bool = False
    """Fly under more perturbations: delays to 60 ms, a drink in flight, pairs and triples at once."""
    informed: bool = False
    """Fly all but policies twice, informed of delay, noise and body too: they predict and filter with the engine."""


@dataclass
class Computing:
    """On what machines."""

    workers: Workers = field(default_factory=available_cpus)
    """Fly in so many processes; by default one for each core that this process may use."""
    dask: DaskAddress = None


@dataclass
class EvaluateOutput:
    """What is written, and where."""

    out: Path = Path("out/evaluate")
    """Write the tables and pictures to this folder."""
    picture: Picture = "png"
    """Draw pictures in this format; pdf and svg are vector graphics, for papers."""
    report: bool = False
    """Write report.html, one page with everything in it."""
    json: bool = False
    """Print one JSON object on standard output instead of the table."""
