"""What an evaluation flies: who, which course, under which conditions."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import mothsim
from mothsim.body import MothBody
from mothsim.controllers.networks.storage import shipped_networks


@dataclass(frozen=True)
class ControllerSpec:
    """Who flies: a controller of the registry, and for `inverse-model` the network's file.

    Attributes:
        name: in the tables; of a network its place in its folder.
        checksum: of the network's file.
    """

    name: str
    controller: str
    file: str | None = None
    checksum: str = ""


@dataclass(frozen=True)
class Scenario:
    """A task of the tables: a trajectory, s of flight, and times the spread of its random starts."""

    name: str
    trajectory: str
    duration: float
    start_scale: float = 1.0


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("hover", "hover", 5.0),
        Scenario("step", "step", 4.0),
        Scenario("sum-of-primes", "sum-of-primes", 10.0),
        Scenario("figure-eight", "figure-eight", 5.0),
        Scenario("forward", "forward", 5.0),
        Scenario("recover", "recover", 4.0),
        Scenario("recover-half", "recover", 4.0, 0.5),
    )
}
"""By name; `recover-half` is `recover` from half as violent starts."""


@dataclass(frozen=True)
class Perturbation:
    """What the controller is not told.

    Attributes:
        sensor_noise: standard deviation, as a share of each state's range in undisturbed flight on that course.
        delay: segments.
        gusts: standard deviation of the wind, cm/s.
        size: times the body's seven lengths.
        abdomen: times the abdomen's mass.
    """

    name: str = "nominal"
    sensor_noise: float = 0.0
    delay: int = 0
    gusts: float = 0.0
    size: float = 1.0
    abdomen: float = 1.0

    def body(self, nominal: MothBody) -> MothBody:
        """The moth that flies, where the controller assumes the nominal one."""
        return replace(nominal, abdomen_density=nominal.abdomen_density * self.abdomen).scaled(self.size)


PERTURBATIONS = {
    perturbation.name: perturbation
    for perturbation in (
        Perturbation(),
        *(Perturbation(f"noise {share:.0%}", sensor_noise=share) for share in (0.01, 0.02, 0.05)),
        Perturbation("delay 20 ms", delay=1),
        *(Perturbation(f"gusts {speed:g} cm/s", gusts=speed) for speed in (100.0, 300.0)),
        *(Perturbation(f"size {scale:g}", size=scale) for scale in (0.8, 0.9, 1.1, 1.25)),
        *(Perturbation(f"abdomen mass {factor:g}", abdomen=factor) for factor in (0.5, 0.75, 1.5, 2.0)),
    )
}
"""By name, the undisturbed first."""


@dataclass(frozen=True)
class RolloutBatch:
    """A batch of flights: a controller in a scenario under a perturbation, from `starts` seeded starts."""

    spec: ControllerSpec
    scenario: Scenario
    perturbation: Perturbation
    starts: int
    seed: int

    @property
    def key(self) -> str:
        """Names the batch by all that its result depends on."""
        # The names of the first release: a key, and with it the file of a batch, stays what it was.
        parts = {"pilot": self.spec, "course": self.scenario, "condition": self.perturbation}
        identity = {name: asdict(part) for name, part in parts.items()}
        identity["pilot"].pop("file")
        identity |= {"starts": self.starts, "seed": self.seed, "version": mothsim.__version__}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]


def find_controllers(networks: Path | None, baselines: Sequence[str]) -> list[ControllerSpec]:
    """Baselines, and every network in a folder and those below it; without one, the shipped networks.

    Raises:
        ValueError: the folder holds no network.
    """
    files = shipped_networks() if networks is None else _networks_in(networks)
    flown = [
        ControllerSpec(name, "inverse-model", str(file.resolve()), hashlib.sha256(file.read_bytes()).hexdigest())
        for name, file in files.items()
    ]
    # A dense network that two prunings start from flies once.
    unique = {spec.checksum: spec for spec in reversed(flown)}
    return [*(ControllerSpec(name, name) for name in baselines), *reversed(unique.values())]


def _networks_in(folder: Path) -> dict[str, Path]:
    files = {
        str(file.relative_to(folder).with_suffix("")): file
        for file in sorted(folder.rglob("*.safetensors"))
        if file.name != "progress.safetensors" and not any(part.startswith(".") for part in file.parts)
    }
    if not files:
        raise ValueError(f"networks = {str(folder)!r}: expected a folder with .safetensors files in it or below")
    return files


def find_scenarios(names: Sequence[str], duration_scale: float = 1.0) -> list[Scenario]:
    """Courses by name, each as long as usual times `duration_scale`.

    Raises:
        ValueError: an unknown course, or a share that is not above zero.
    """
    if not (math.isfinite(duration_scale) and duration_scale > 0):
        raise ValueError(f"shorten = {duration_scale!r}: expected a number above zero")
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise ValueError(f"tasks = {unknown[0]!r}: expected some of {', '.join(SCENARIOS)}")
    return [replace(SCENARIOS[name], duration=duration_scale * SCENARIOS[name].duration) for name in names]
