"""Makes the policies that ship with the package: `python -m mothsim.demos.reproduce.build_policies`.

`alone` is a dense one, trained and then refined. `alone-N` is a linear one of which N weights are left: pruned for as
long as it meets what is asked, and selected and tested on other starts than those that it was pruned by. Killed at any
moment, training goes on; pruning goes on from the last policy that was taken.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mothsim.controllers.learning.policy_flights import REQUIREMENTS, fly_all
from mothsim.controllers.learning.policy_pruning import prune_policy
from mothsim.controllers.learning.policy_training import PolicySettings, run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network, save_network
from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Count, Seed
from mothsim.demos.run import run as run_program

_SELECTION, _VALIDATION, _TEST = 1000, 2000, 0  # seeds of starts: to prune by, to choose by, and to judge by

DENSE = PolicySettings()
REFINED = PolicySettings(
    steps=700, learning_rate=2e-3, precision=0.005, weights={"effort": 2e-3, "calm": 0.005, "arrival": 0.0}, seed=1,
    refining=True,
)  # fmt: skip
LINEAR = PolicySettings(hidden=(), steps=500, moths=64, learning_rate=2e-2, violence=1.2)
PRUNED = replace(
    LINEAR, steps=100, learning_rate=1e-2, precision=0.02, violence=1.5, weights={"effort": 1e-3, "calm": 0.05},
    refining=True,
)  # fmt: skip
"""How policies are trained, and how pruned ones are retrained after every removal."""


@dataclass
class BuildPolicies:
    """Train, refine and prune the policies that ship with the package."""

    names: tuple[Literal["alone", "pruned"], ...] = ("alone", "pruned")
    """Which to make."""
    requirement: Literal["gentle", "all"] = "all"
    """What pruned ones are to meet."""
    flights: Count = 100
    """Flights of each task, to prune and to choose by."""
    tries: Count = 6
    """Connections that are tried one by one before the rest is held to be needed."""
    seed: Seed = 0
    """Of training."""
    out: Path = Path("out/policies")
    """Folder for the policies."""

    def run(self) -> None:
        """Make them and print how they fly."""
        for name in self.names:
            network, file = self._dense() if name == "alone" else self._pruned()
            show({"weights": network.connections, **fly_all(network, 100, _TEST)}, False)
            wrote(file)

    def _dense(self) -> tuple[Network, Path]:
        first = run(replace(DENSE, seed=self.seed), self.out / "dense.safetensors")
        file = self.out / "alone.safetensors"
        return run(replace(REFINED, seed=self.seed + 1), file, start=first), file

    def _pruned(self) -> tuple[Network, Path]:
        network = run(replace(LINEAR, seed=self.seed), self.out / "linear.safetensors")
        settings, requirement = replace(PRUNED, seed=self.seed), REQUIREMENTS[self.requirement]

        def file(policy: Network) -> Path:
            return self.out / f"{self.requirement}-{policy.connections}.safetensors"

        def taken(policy: Network) -> None:
            save_network(policy, file(policy))
            print(f"{policy.connections} weights meet it", file=sys.stderr, flush=True)

        def fewest_first() -> list[Network]:
            found = map(load_network, self.out.glob(f"{self.requirement}-*.safetensors"))
            return sorted(found, key=lambda policy: policy.connections)

        prune_policy(
            next(iter(fewest_first()), network), settings,
            lambda policy: requirement.met_by(policy, self.flights, _SELECTION), tries=self.tries, callback=taken,
        )  # fmt: skip
        # The fewest of many tried are lucky on the starts that they were pruned by.
        sound = (policy for policy in fewest_first() if requirement.met_by(policy, self.flights, _VALIDATION))
        network = next(sound, network)
        return network, file(network)


if __name__ == "__main__":
    sys.exit(run_program(BuildPolicies, prog="python -m mothsim.demos.reproduce.build_policies"))
