"""What an evaluation flies: controllers, tasks and perturbations."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from safetensors import SafetensorError, safe_open

import mothsim
from mothsim.controllers.evaluation.sources import controller_sources
from mothsim.controllers.networks.storage import find_network, shipped_networks
from mothsim.import_path import absolute, is_import_path, object_sources
from mothsim.perturbations import Perturbation
from mothsim.trajectories import Trajectory, make_trajectory

LONGEST = 1e4
"""Longest flight, s."""


@dataclass(frozen=True)
class ControllerSpec:
    """A controller of the registry or of the user's own, and for `inverse-model` and `policy` its network.

    Attributes:
        name: in the tables; of a network its place in its folder.
        controller: name in `mothsim.controllers.make`.
        file: of the network, or `STUDY@LEVEL:INDEX` for a network of a study.
        checksum: of the network, and of the controller's source.
        waypoint: on which the network flies; an empty one is the network's own.
        informed: whether it knows delay, noise and body, see `mothsim.controllers.informed`.
    """

    name: str
    controller: str
    file: str | None = None
    checksum: str = ""
    waypoint: str = ""
    informed: bool = False


@dataclass(frozen=True)
class Scenario:
    """A task of the tables.

    Attributes:
        name: in the tables.
        trajectory: its target.
        duration: of a flight, s.
        start_scale: times the spread of the random starts.
        checksum: of the file of a target of the user's own.
    """

    name: str
    trajectory: str
    duration: float
    start_scale: float = 1.0
    checksum: str = ""

    def target(self) -> Trajectory:
        """The target itself, of a file from its first row on, whatever time that has."""
        target = make_trajectory(self.trajectory)
        return target.from_first_row() if _is_table(self.trajectory) else target


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("hover", "hover", 5.0),
        Scenario("step", "step", 4.0),
        Scenario("sine", "sine", 5.0),
        Scenario("sum-of-primes", "sum-of-primes", 10.0),
        Scenario("figure-eight", "figure-eight", 5.0),
        Scenario("forward", "forward", 5.0),
        Scenario("recover", "recover", 4.0),
        Scenario("recover-half", "recover", 4.0, 0.5),
    )
}
"""By name; `recover-half` is `recover` with half the spread of starts."""


@dataclass(frozen=True)
class RolloutBatch:
    """A batch of flights: a controller in a scenario under a perturbation, from `starts` seeded starts."""

    spec: ControllerSpec
    scenario: Scenario
    perturbation: Perturbation
    starts: int
    seed: int

    def key(self, sources: str) -> str:
        """Name the batch by all that its result depends on.

        Args:
            sources: digest of the source code that flies it, beside the controller's own.
        """
        identity = {name: asdict(getattr(self, name)) for name in ("spec", "scenario", "perturbation")}
        identity["spec"].pop("file")
        identity |= {"starts": self.starts, "seed": self.seed, "version": mothsim.__version__, "sources": sources}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]


def find_controllers(
    networks: Path | None, controllers: Sequence[str], waypoints: Sequence[str] = ("",)
) -> list[ControllerSpec]:
    """List controllers, and every network in a folder and those below it, the networks of studies one by one.

    Args:
        networks: the folder; by default the shipped networks.
        controllers: as in `mothsim.controllers.make`, those of the user's own too.
        waypoints: on which every network flies, each once; an empty one is the network's own.

    Raises:
        ValueError: the folder holds no network, or a controller is unknown or named twice, or a waypoint twice.
    """
    named_once("controllers", controllers)
    named_once("waypoints", waypoints)
    others = [ControllerSpec(name, _anywhere(name), checksum=controller_sources(name)) for name in controllers]
    files = _shipped() if networks is None else list(_networks_in(networks))
    if not files:
        raise ValueError(f"networks = {str(networks)!r}: expected a folder with .safetensors files in it or below")
    flown = []
    for name, file, checksum in files:
        kind = _kind(file)
        identity = hashlib.sha256(f"{checksum} {controller_sources(kind)}".encode()).hexdigest()
        flown.append(ControllerSpec(name, kind, file, identity))
    # A dense network that two prunings start from flies once.
    unique = {spec.checksum: spec for spec in reversed(flown)}
    for spec in flown:
        if spec is not unique[spec.checksum]:
            same = unique[spec.checksum].name
            warnings.warn(f"{spec.name} is the same network as {same}, and is flown once", stacklevel=2)
    networks_once = reversed(unique.values())
    return [*others, *(_on(spec, waypoint) for spec in networks_once for waypoint in _waypoints_of(spec, waypoints))]


def _anywhere(name: str) -> str:
    """A name that means the same in a worker process, in whatever folder it runs."""
    return absolute(name) if is_import_path(name) else name


def also_informed(specs: Sequence[ControllerSpec]) -> list[ControllerSpec]:
    """The specs, then the same controllers informed of delay, noise and body, but for policies, which cannot be."""
    informed = [
        replace(spec, name=f"{spec.name}, informed", informed=True) for spec in specs if spec.controller != "policy"
    ]
    return [*specs, *informed]


def _waypoints_of(spec: ControllerSpec, waypoints: Sequence[str]) -> Sequence[str]:
    return waypoints if spec.controller == "inverse-model" else ("",)


def _on(spec: ControllerSpec, waypoint: str) -> ControllerSpec:
    return replace(spec, name=f"{spec.name}, alone" if waypoint == "kinematic" else spec.name, waypoint=waypoint)


def _kind(file: str) -> str:
    """Which controller flies a network; what cannot be read is left for the rollouts to refuse."""
    try:
        return find_network(file).kind
    except ValueError:
        return "inverse-model"


def _shipped() -> list[tuple[str, str, str]]:
    return [(name, str(file.resolve()), _digest(file)) for name, file in shipped_networks().items()]


def _networks_in(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Names, files and checksums of the networks in a folder and those below it."""
    for file in sorted(folder.rglob("*.safetensors")):
        if file.name == "progress.safetensors" or any(part.startswith(".") for part in file.parts):
            continue
        checksum, place = _digest(file), file.relative_to(folder)
        count = _networks_of_study(file)
        if count is None:
            yield str(place.with_suffix("")), str(file.resolve()), checksum
            continue
        study = "" if len(place.parts) == 1 else f"{place.parent}@"
        for index in range(count):
            yield f"{study}{file.stem}:{index}", f"{file.parent.resolve()}@{file.stem}:{index}", f"{checksum}:{index}"


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _networks_of_study(file: Path) -> int | None:
    """Number of networks in a study's file of a level; none of any other file."""
    try:
        with safe_open(file, framework="numpy") as stream:
            return stream.get_slice("losses").get_shape()[0] if {"losses", "mask.0"} <= set(stream.keys()) else None
    except (SafetensorError, OSError):
        return None


def find_scenarios(names: Sequence[str], duration_scale: float = 1.0, argument: str = "tasks") -> list[Scenario]:
    """Look tasks up by name.

    Args:
        names: of `SCENARIOS`, .csv files, or import paths of targets of the user's own, each once.
        duration_scale: times their usual length.
        argument: what the names are called in messages.

    Raises:
        ValueError: no task, an unknown one or one named twice, or a scale that is not above zero or too large.
    """
    if not (math.isfinite(duration_scale) and duration_scale > 0):
        raise ValueError(f"duration_scale = {duration_scale!r}: expected a number above zero")
    own = {name: _own(name) for name in names if is_import_path(name) or _is_table(name)}
    known = SCENARIOS | own
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        found = repr(unknown[0]) if unknown else "nothing"
        raise ValueError(f"{argument} = {found}: expected some of {', '.join(SCENARIOS)}, a .csv file, or module:name")
    named_once(argument, names)
    found = [replace(known[name], duration=duration_scale * known[name].duration) for name in names]
    if max(one.duration for one in found) > LONGEST:
        raise ValueError(f"duration_scale = {duration_scale!r}: expected flights of at most {LONGEST:g} s")
    return found


def _own(name: str) -> Scenario:
    """The scenario of a target of the user's own, flown from a file's first row to its last, or for five seconds."""
    rows = make_trajectory(name).rows
    if _is_table(name):
        return Scenario(name, str(Path(name).resolve()), float(rows[-1] - rows[0]), checksum=_digest(Path(name)))
    return Scenario(name, absolute(name), 5.0, checksum=object_sources(name, "tasks"))


def _is_table(name: str) -> bool:
    return name.lower().endswith(".csv")


def named_once(argument: str, names: Sequence[str]) -> None:
    """Refuse names that are given twice, which would count twice in every mean.

    Raises:
        ValueError: names the argument and the name.
    """
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{argument} = {twice[0]!r} twice: expected each once")
