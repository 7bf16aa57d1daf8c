"""Make the policies that ship with the package: `python -m mothsim.demos.reproduce.build_policies`.

`alone` is a dense one; `robust` has memory and is trained on disturbed flights. `alone-N` is a linear one of which N
weights are left, `envelope-N` one with a hidden layer, and `--requirement robust` makes one with memory: pruned for as
long as they meet what is asked, and selected and tested on other starts than those that they were pruned by. Killed at
any moment, training goes on; pruning goes on from the last policy taken.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from mothsim.controllers.learning.training_run import Train, run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network, save_network
from mothsim.controllers.policies.leading import SOON
from mothsim.controllers.policies.make_policy import make_policy
from mothsim.controllers.policies.policy_flights import (
    REQUIREMENTS,
    Requirement,
    fly_all,
    fly_all_angles,
    fly_all_disturbed,
)
from mothsim.controllers.policies.policy_pruning import prune_policy, remove_and_refine
from mothsim.controllers.policies.policy_refining import RefiningSettings, refine_policy
from mothsim.controllers.policies.policy_training import PolicySettings, init_policy, train_policy
from mothsim.controllers.policies.policy_wiring import draw_wiring
from mothsim.controllers.policies.robust_pruning import RobustPruningSettings, prune_robust_policy, unwired_policy
from mothsim.controllers.policies.robust_refining import RobustRefiningSettings, refine_robust_policy
from mothsim.controllers.policies.robust_training import RobustSettings, init_robust_policy, train_robust_policy
from mothsim.demos.cli.output import show, wrote
from mothsim.demos.cli.train_policy import StageBar
from mothsim.demos.options import Count, DaskAddress, Factor, Seed, Workers, each_once
from mothsim.demos.run import run as run_program
from mothsim.plotting.figures import save_figure
from mothsim.workers import places_to_work, run_tasks

_SELECTION, _VALIDATION, _TEST = 1000, 2000, 0  # seeds of starts: to prune by, to select by, and to test by
_LOSSES = 2e-3  # largest share of the flights of a task that a policy may lose where it is selected

DENSE = PolicySettings(steps=300)
REFINED = RefiningSettings(
    steps=360, moths=60, soon=SOON, leaping=0.2, loaded=0.05,
    weights={
        "precision": 2e-3, "calm": 3e-3, "large": 10.0, "rate": 3e-3, "posture": 0.02, "huber": 3e-3, "effort": 1.5e-3,
        "change": 6e-3, "torque": 7.5e-3, "arrival": 0.0, "leap": 4.0, "ease": 0.45,
    },
)  # fmt: skip
# With less force about still targets, and fewer loads, as a start that is tilted looks like one.
_GENTLE = replace(
    REFINED, loaded=1 / 60, least_damping=1e-2, weights={**REFINED.weights, "torque": 0.012, "patience": 4.0}
)
FINISHED = (
    replace(_GENTLE, steps=400),
    replace(_GENTLE, steps=160, soon=(70.0, 70.0)),  # nearer to lively targets, at the price of force about still ones
    replace(_GENTLE, steps=100, weights={**_GENTLE.weights, "ease": 0.4}),
)
ROBUST = RobustSettings(  # it keeps what it was made by: with undisturbed groups it was not tried
    steps=5000, last_rate=1 / 30, precision=0.005, disturbed={"gusts": 500.0, "delay": 0.06},
    weights={**RobustSettings().weights, "calm": 0.03},
)  # fmt: skip
_LATE = {**RobustRefiningSettings().disturbed, "delay": 0.06}
_SHORTER = {**_LATE, "whole_delays": (1, 1, 1, 1, 1, 2, 3)}
_WAYS = {"delay": 0.3, "size": 0.1, "noise": 0.03, "gusts": 0.02}
_SHORTER_WAYS = {**_WAYS, "abdomen": 0.3, "pair": 0.25}
# Long delays, and on small bodies, cost closeness without any; once they are borne, ever fewer keep them so.
ROBUST_REFINED = (
    RobustRefiningSettings(
        steps=520, violent=12, disturbed={**_LATE, "whole_delays": (1, 2, 3)},
        ways={**_WAYS, "delay": 0.4, "size": 0.05, "abdomen": 0.2, "pair": 0.3},
    ),
    RobustRefiningSettings(
        steps=520, violent=10, disturbed={**_LATE, "undisturbed": 0.35, "whole_delays": (1, 1, 1, 1, 2, 3, 3)},
        ways={**_WAYS, "abdomen": 0.25, "pair": 0.3},
    ),
    RobustRefiningSettings(
        steps=300, violent=9, damping=0.05, disturbed={**_SHORTER, "undisturbed": 0.45}, ways=_SHORTER_WAYS
    ),
    RobustRefiningSettings(
        steps=160, damping=0.02, ways=_SHORTER_WAYS,
        disturbed={**_SHORTER, "undisturbed": 0.3, "small_and_late": 0.4},
    ),
    RobustRefiningSettings(
        steps=180, violent=9, damping=0.02, ways=_SHORTER_WAYS,
        disturbed={**_SHORTER, "undisturbed": 0.45, "small_and_late": 0.15},
    ),
    RobustRefiningSettings(
        steps=160, violent=9, damping=0.01, ways=_SHORTER_WAYS,
        disturbed={**_SHORTER, "undisturbed": 0.5, "small_and_late": 0.08},
    ),
)  # fmt: skip
LINEAR = PolicySettings(hidden=(), steps=500, moths=64, learning_rate=2e-2, violence=1.2)
PRUNED = RefiningSettings(
    steps=20, moths=64, segments=40, violence=1.5, bobbing=1.0, led=0.0, leaping=0.0, loaded=0.0, memory=0.8,
    damping=0.01, least_damping=1e-5,
    weights={"precision": 0.02, "calm": 0.05, "effort": 1e-3, "arrival": 0.0},
)  # fmt: skip
"""How policies are trained and refined, and how pruned ones are refined after every removal."""
ALL_ANGLES = {"tilt": math.pi, "violence": 1.0}
"""Of those that are to fly the envelope."""
ROBUST_PRUNED = RobustPruningSettings()
"""How those that are to fly under all perturbations are trained and pruned at once."""
ENVELOPE = replace(PolicySettings(hidden=(8,), steps=500, moths=96), **ALL_ANGLES)
"""How these are trained: with a hidden layer, since linear ones that were trained alike missed manoeuvres."""


Settings = TypeVar(
    "Settings", PolicySettings, RefiningSettings, RobustSettings, RobustRefiningSettings, RobustPruningSettings
)


class Recipe(NamedTuple):
    """How a policy is made that is not pruned: from random weights, trained, and refined stage by stage."""

    init: Callable[[Any], Network]
    train: Train
    training: Any
    refine: Train
    refining: tuple[Any, ...]


RECIPES = {
    "alone": Recipe(init_policy, train_policy, DENSE, refine_policy, (REFINED, *FINISHED)),
    "robust": Recipe(init_robust_policy, train_robust_policy, ROBUST, refine_robust_policy, ROBUST_REFINED),
}


class PruningStages(NamedTuple):
    """How a policy is trained, refined, and refined after every removal."""

    training: PolicySettings
    refining: RefiningSettings
    pruning: RefiningSettings


def pruning_stages(requirement: str, seed: int, step_scale: float = 1.0) -> PruningStages:
    """Settings of a policy that is pruned for one of `REQUIREMENTS`, `step_scale` times their steps."""
    training, pruning, times = LINEAR, scaled(PRUNED, seed, step_scale), 3
    if requirement == "envelope":
        training, pruning, times = ENVELOPE, replace(pruning, **ALL_ANGLES), 10
    refining = replace(pruning, steps=times * pruning.steps)
    return PruningStages(scaled(training, seed, step_scale), refining, pruning)


def scaled(settings: Settings, seed: int, step_scale: float) -> Settings:
    """Settings with a seed and so many times the steps."""
    return replace(settings, steps=max(1, round(step_scale * settings.steps)), seed=seed)


@dataclass
class BuildPolicies:
    """Train, refine and prune the policies that ship with the package."""

    names: tuple[Literal["alone", "robust", "pruned"], ...] = ("alone", "robust", "pruned")
    """Policies to make."""
    requirement: Literal["gentle", "all", "envelope", "robust"] = "all"
    """Requirement on pruned policies: near-hover flight (gentle), every task (all), every body angle and cruises to
    300 cm/s (envelope), or none lost under noise, delay, gusts and on other bodies (robust)."""
    flights: Count = 100
    """Flights of each task, to prune by and to test with; ten times as many to select by."""
    tries: Count = 6
    """Least salient connections that are tried one by one before pruning ends; it ends by itself for robust."""
    step_scale: Factor = 1.0
    """Factor on the steps of training and refining."""
    seeds: tuple[Seed, ...] = (0,)
    """Seeds of training; pruned policies are made for each."""
    workers: Workers = 1
    """Make so many policies at once, each in its own process."""
    dask: DaskAddress = None
    out: Path = Path("out/policies")
    """Folder for the policies."""

    def run(self) -> None:
        """Make them and print how they fly."""
        each_once("seeds", self.seeds)
        anywhere = replace(self, out=self.out.absolute())  # the same folder for every process
        wanted = [
            (name, seed) for name in (*RECIPES, "pruned") if name in self.names
            for seed in (self.seeds if name == "pruned" else self.seeds[:1])
        ]  # fmt: skip
        pruned = {}
        with places_to_work(self.workers, self.dask) as workers:
            work = ((anywhere, name, seed) for name, seed in wanted)
            for (name, seed), (network, file) in zip(
                wanted, run_tasks(BuildPolicies.make, work, workers, threads=1, ordered=True), strict=True
            ):
                figures = fly_all(network, self.flights, _TEST)
                if network.observes_up:
                    envelope = fly_all_angles(network, self.flights, _TEST)
                    figures.update({f"envelope_{key}": value for key, value in envelope.items()})
                if network.has_memory:
                    disturbed = fly_all_disturbed(network, self.flights, _TEST)
                    figures.update({f"disturbed_{key}": value for key, value in disturbed.items()})
                show({"weights": network.connections, **figures}, False)
                wrote(file)
                if name == "pruned":
                    pruned[f"seed {seed}"] = network
        if pruned:
            picture = self.out / f"wiring-{self.requirement}.png"
            save_figure(draw_wiring(pruned), picture)
            wrote(picture)

    def make(self, name: str, seed: int) -> tuple[Network, Path]:
        """Make one policy; returns it and its file."""
        return self._pruned(seed, self.out / f"seed-{seed}") if name == "pruned" else self._unpruned(name, seed)

    def _unpruned(self, name: str, seed: int) -> tuple[Network, Path]:
        recipe, file = RECIPES[name], self.out / f"{name}.safetensors"
        stages = [scaled(each, seed + stage, self.step_scale) for stage, each in enumerate(recipe.refining)]
        training = scaled(recipe.training, seed, self.step_scale)
        with StageBar() as bar:
            network = recipe.init(training)
            for stage, settings in enumerate((training, *stages)):
                made = file if stage == len(stages) else file.with_name(f"{name}-stage-{stage}.safetensors")
                make, label = (recipe.refine, f"refining {stage}") if stage else (recipe.train, "training")
                network = run(make, network, settings, made, partial(bar, label))
        return network, file

    def _pruned(self, seed: int, folder: Path) -> tuple[Network, Path]:
        requirement = REQUIREMENTS[self.requirement]
        if self.requirement == "robust":
            self._prune_in_training(seed, folder)
        else:
            self._prune_trained(requirement, seed, folder)
        candidates = self._fewest_first(folder)
        # The fewest of many tried are lucky on the starts that they were pruned or selected by.
        sound = (
            policy for policy in candidates
            if requirement.met_by(policy, self.flights, _SELECTION)
            and requirement.met_by(policy, 10 * self.flights, _VALIDATION, _LOSSES)
        )  # fmt: skip
        network = next(sound, candidates[-1])
        return network, self._file(folder, network)

    def _file(self, folder: Path, policy: Network) -> Path:
        return folder / f"{self.requirement}-{policy.connections}.safetensors"

    def _fewest_first(self, folder: Path) -> list[Network]:
        found = map(load_network, folder.glob(f"{self.requirement}-*.safetensors"))
        return sorted(found, key=lambda policy: policy.connections)

    def _prune_trained(self, requirement: Requirement, seed: int, folder: Path) -> None:
        """Train a policy, then prune it while it meets the requirement; every policy that does is a file."""
        training, refining, settings = pruning_stages(self.requirement, seed, self.step_scale)
        with StageBar() as bar:
            network = make_policy(training, refining, folder / "unpruned.safetensors", bar)

        def taken(policy: Network) -> None:
            save_network(policy, self._file(folder, policy))
            print(f"{policy.connections} weights meet it", file=sys.stderr, flush=True)

        if not self._fewest_first(folder):
            save_network(network, self._file(folder, network))
        prune_policy(
            self._fewest_first(folder)[0], partial(remove_and_refine, settings),
            lambda policy: requirement.met_by(policy, self.flights, _SELECTION), tries=self.tries, callback=taken,
        )  # fmt: skip

    def _prune_in_training(self, seed: int, folder: Path) -> None:
        """Train a policy with memory and prune it meanwhile; as it is before every removal it is a file."""
        settings = scaled(ROBUST_PRUNED, seed, self.step_scale)
        with StageBar() as bar:
            prune = partial(prune_robust_policy, taken=lambda policy: save_network(policy, self._file(folder, policy)))
            network = run(prune, unwired_policy(), settings, folder / "pruned.safetensors", partial(bar, "robust"))
        save_network(network, self._file(folder, network))


if __name__ == "__main__":
    sys.exit(run_program(BuildPolicies, prog="python -m mothsim.demos.reproduce.build_policies"))
