"""`mothsim benchmark`: the speed of this machine against the alternatives."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from mothsim.demos.cli.output import show


@dataclass
class Benchmark:
    """Time the engine beside other solvers (those installed), a segment, the environments, controllers, networks."""

    rows: int = 10_000
    """Random segments for the engine."""
    baseline_rows: int = 200
    """Segments for each other solver."""
    moths: int = 4096
    """In the batched environment."""
    batch: int = 256
    """Moths in a batch of network decisions."""
    repeats: int = 5
    """Best of so many."""
    decisions: int = 50
    """Of every controller a repeat."""
    seed: int = 0
    """Of the segments."""
    json: bool = False
    """One JSON object on standard output instead of the tables."""

    def run(self) -> None:
        """Measure and print."""
        from mothsim.controllers.networks.storage import find_network
        from mothsim.demos.benchmarks import sparse_speed as sparse
        from mothsim.demos.benchmarks.decision_speed import decisions
        from mothsim.demos.benchmarks.decision_speed import report as controllers_report
        from mothsim.demos.benchmarks.engine_speed import Options, report, run
        from mothsim.demos.benchmarks.environment_speed import environment

        print("timing the engine, the environments, the controllers, the networks ...", file=sys.stderr)
        result = run(Options(self.rows, self.baseline_rows, self.repeats, self.seed))
        steps = environment(self.moths, repeats=self.repeats)
        deciding = decisions(self.decisions, self.repeats, self.seed)
        pruned = [find_network(name) for name in ("sparse-93", "sparse-98")]
        networks = sparse.decisions(find_network("dense"), pruned, batch=self.batch, repeats=10 * self.repeats)
        if self.json:
            show({**result, "environment": steps, "decisions": deciding, "networks": networks}, True)
            return
        print(report(result))
        print(f"environment: {steps['steps_per_second']:,.0f} segment steps a second with {steps['moths']:,} moths, "
              f"{steps['ratio']:.0f} times SyncVectorEnv of {steps['sync_moths']}")  # fmt: skip
        print(controllers_report(deciding))
        print(sparse.report(networks, self.batch))
