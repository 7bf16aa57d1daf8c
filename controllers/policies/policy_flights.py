"""Flights of policies in every task from many starts, and requirements on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import mothsim
from mothsim.controllers.evaluation.envelope import ON_TARGET, fly_envelope
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policy import Policy
from mothsim.metrics import recovered
from mothsim.perturbations import PERTURBATIONS

DURATIONS = {
    "hover": 5.0, "step": 4.0, "sum-of-primes": 10.0, "sine": 5.0, "figure-eight": 5.0, "forward": 5.0, "recover": 4.0,
}  # fmt: skip
"""Seconds of a flight of every task."""
DISTURBED = ("recover", "figure-eight", "sum-of-primes", "forward", "hover")
"""Tasks that are flown disturbed."""
_HARDEST, _OFTENER = ("recover", "delay 20 ms"), 10  # what is likeliest to fail, and how much oftener it is flown


@dataclass(frozen=True)
class PolicyRequirement:
    """A requirement on a policy, none of whose flights may be lost.

    Attributes:
        errors: largest median of the rms errors, cm, by task; infinite where not to be lost is enough.
        recovered: least share of the moths that recover, where `recover` is among the tasks.
    """

    errors: Mapping[str, float]
    recovered: float = 0.0

    def met_by(self, network: Network, moths: int, seed: int, losses: float = 0.0) -> bool:
        """Whether so many flights a task meet it; tasks after the first that fails are not flown.

        Args:
            network: a policy.
            moths: flights of each task.
            seed: of their starts.
            losses: largest share of a task's flights that may be lost.
        """
        for task, most in self.errors.items():
            error, lost, back = fly_task(network, task, moths, seed)
            if lost > losses * moths or error > most or (task == "recover" and back < self.recovered):
                return False
        return True


class EnvelopeRequirement:
    """What is asked of a policy over the envelope: 48 body angles, cruises to 300 cm/s, and to recover every time.

    The median error of every manoeuvre is to be within `ON_TARGET`.
    """

    def met_by(self, network: Network, moths: int, seed: int, losses: float = 0.0) -> bool:
        """Whether a policy meets it, see `fly_all_angles` and `PolicyRequirement.met_by`."""
        flown = fly_all_angles(network, moths, seed)
        near, back = flown["worst_cm"] <= ON_TARGET, flown["recovered"] >= 1 - losses
        return near and back and flown["lost"] <= losses * flown["flights"]


class RobustRequirement:
    """What is asked of a policy that is not told of noise, delay, gusts or its body: to lose no flight.

    Every task of `DISTURBED` is flown under each of `PERTURBATIONS`.
    """

    def met_by(self, network: Network, moths: int, seed: int, losses: float = 0.0) -> bool:
        """Whether a policy meets it by a fifth as many flights of each task under each perturbation.

        What is likeliest to fail is flown first, ten times as often, and no more of it may be lost than of another
        task; after the first failure no more is flown.
        """
        each = max(1, moths // 5)
        if _fly_disturbed(network, *_HARDEST, _OFTENER * each, seed).lost.sum() > losses * each:
            return False
        return all(
            _fly_disturbed(network, task, name, each, seed).lost.sum() <= losses * each
            for name in PERTURBATIONS
            for task in DISTURBED
        )


Requirement = PolicyRequirement | EnvelopeRequirement | RobustRequirement
"""What may be asked of a policy: with `met_by`."""

REQUIREMENTS: dict[str, Requirement] = {
    "gentle": PolicyRequirement({"hover": 0.05, "sum-of-primes": 0.10}),
    "all": PolicyRequirement(dict.fromkeys(("step", "recover", *DURATIONS), float("inf")), recovered=0.95),
    "envelope": EnvelopeRequirement(),
    "robust": RobustRequirement(),
}
"""By name: near-hover flight (key `gentle`), every task, of which the likeliest to fail are flown first, the envelope,
and flight under all perturbations."""


def fly_task(network: Network, task: str, moths: int, seed: int) -> tuple[float, int, float]:
    """Median rms error (cm), moths lost, and in `recover` the share of moths that recover."""
    flights = mothsim.fly(Policy(network), task, duration=DURATIONS[task], moths=moths, seed=seed)
    back = float(recovered(flights).mean()) if task == "recover" else 0.0
    return float(np.median(flights.rms_error)), int(flights.lost.sum()), back


def fly_all_angles(network: Network, moths: int, seed: int) -> dict[str, Any]:
    """Figures over the envelope, see `mothsim.controllers.evaluation.envelope.fly_envelope`.

    Args:
        network: a policy.
        moths: flights from violent starts; each of the 73 manoeuvres is flown by a fifth as many.
        seed: of the starts.
    """
    each = max(1, moths // 5)
    found = fly_envelope(lambda: Policy(network), angles=48, speeds=5, moths=each, back=moths, seed=seed)
    flights = each * len(found.manoeuvres)
    return {"worst_cm": found.worst, "flown": found.flown, "recovered": found.recovered, "flights": flights,
            "lost": round(found.lost * flights)}  # fmt: skip


def fly_all_disturbed(network: Network, moths: int, seed: int) -> dict[str, Any]:
    """Figures of the tasks of `DISTURBED` under all perturbations: the worst medians, cm, and the fewest recovered.

    Args:
        network: a policy with memory.
        moths: flights of each task under each perturbation.
        seed: of the starts.
    """
    figures: dict[str, Any] = {}
    losses = 0
    for task in DISTURBED:
        flights = [_fly_disturbed(network, task, name, moths, seed) for name in PERTURBATIONS]
        losses += sum(int(flight.lost.sum()) for flight in flights)
        figures[f"{task}_worst_cm"] = max(float(np.median(flight.rms_error)) for flight in flights)
        if task == "recover":
            figures["least_recovered"] = min(float(recovered(flight).mean()) for flight in flights)
    return {**figures, "flights": moths * len(DISTURBED) * len(PERTURBATIONS), "lost": losses}


def _fly_disturbed(network: Network, task: str, name: str, moths: int, seed: int) -> mothsim.Flight:
    return mothsim.fly(
        Policy(network), task, duration=DURATIONS[task], moths=moths, seed=seed, perturbation=PERTURBATIONS[name]
    )


def fly_all(network: Network, moths: int = 20, seed: int = 0) -> dict[str, Any]:
    """Figures of every task, named for a table."""
    figures: dict[str, Any] = {}
    losses = 0
    for task in DURATIONS:
        error, lost, back = fly_task(network, task, moths, seed)
        losses += lost
        figures[f"{task}_rms_cm"] = error
        if task == "recover":
            figures["recovered"] = back
    return {**figures, "flights": moths * len(DURATIONS), "lost": losses}
