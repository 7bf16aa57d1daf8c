"""Try every linear policy of a few connections: `python -m mothsim.demos.reproduce.fewest_connections`.

Prints, for each number of connections, the sets that bring a hovering moth back soonest. Below a spectral radius of
0.999 a decision of 20 ms, a departure falls to a third within 20 s.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tqdm import tqdm

from mothsim.controllers.policies.policy_floor import candidates, linear_hover, slowest
from mothsim.demos.options import Count, Counts, Seed
from mothsim.demos.run import run as run_program
from mothsim.policy_interface import ENTRIES, OUTPUT_ENTRIES


@dataclass
class FewestConnections:
    """Try every linear policy of a few connections, and print which of them can hold a hover."""

    connections: Counts = (2, 3, 4)
    """Numbers of connections."""
    shown: Count = 3
    """Number of sets printed for each number of connections."""
    seed: Seed = 0
    """Seed of the first gains of the search."""

    def run(self) -> None:
        """Search and print."""
        hover = linear_hover()
        for count in self.connections:
            sets = list(candidates(count, hover))
            bar = tqdm(sets, desc=f"{count} connections", unit="set", file=sys.stderr, delay=2)
            found = sorted((slowest(each, hover, self.seed) for each in bar), key=lambda one: one.radius)
            holding = sum(one.radius < 0.999 for one in found)
            print(f"{count} connections: {len(sets):,} sets, {holding:,} of a spectral radius below 0.999")
            for one in found[: self.shown]:
                wires = "; ".join(f"{ENTRIES[i].name} -> {OUTPUT_ENTRIES[j].name}" for i, j in one.connections)
                print(f"  {one.radius:.6f}  {wires}")


if __name__ == "__main__":
    sys.exit(run_program(FewestConnections, prog="python -m mothsim.demos.reproduce.fewest_connections"))
