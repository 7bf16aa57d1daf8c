"""`mothsim benchmark`: measure the speed of engine, environments, controllers and networks on this machine."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from mothsim.demos.cli.output import show
from mothsim.demos.options import Count, Seed


@dataclass
class Benchmark:
    """Time the engine beside other installed solvers, the environments, the controllers and the networks."""

    rows: Count = 10_000
    """Random segments for the engine."""
    baseline_rows: Count = 200
    """Segments for each other solver."""
    moths: Count = 4096
    """Moths in the batched environment."""
    batch: Count = 256
    """Moths in a batch of network decisions."""
    repeats: Count = 5
    """Repeats of every measurement, of which the fastest counts."""
    decisions: Count = 50
    """Decisions of every controller in a repeat."""
    reverse_mode: bool = False
    """Time the gradient through a flight by reverse mode as well, which takes a minute to compile."""
    seed: Seed = 0
    """Seed of the segments and of the starts."""
    json: bool = False
    """One JSON object on standard output instead of the tables."""

    def run(self) -> None:
        """Measure and print the results."""
        from mothsim.controllers.networks.storage import find_network
        from mothsim.demos.benchmarks import sparse_speed as sparse
        from mothsim.demos.benchmarks.decision_speed import decisions
        from mothsim.demos.benchmarks.decision_speed import report as controllers_report
        from mothsim.demos.benchmarks.engine_speed import Options, report, run
        from mothsim.demos.benchmarks.environment_speed import environment, rendering
        from mothsim.demos.benchmarks.gradient_speed import gradient_speed
        from mothsim.demos.benchmarks.gradient_speed import report as gradient_report

        print("timing the engine, the environments, the controllers, the networks, policies ...", file=sys.stderr)
        result = run(Options(self.rows, self.baseline_rows, self.repeats, self.seed))
        steps = environment(self.moths, repeats=self.repeats) | rendering()
        deciding = decisions(self.decisions, self.repeats, self.seed)
        pruned = [find_network(name) for name in ("sparse-93", "sparse-98")]
        networks = sparse.decisions(find_network("dense"), pruned, batch=self.batch, repeats=10 * self.repeats)
        alone, fewest = find_network("alone"), find_network("alone-6")
        deciding_alone = sparse.policy_decisions(alone, [fewest], repeats=10 * self.repeats)
        policies = gradient_speed(repeats=self.repeats, reverse_mode=self.reverse_mode, seed=self.seed)
        if self.json:
            show({**result, "environment": steps, "decisions": deciding, "networks": networks, "policies": policies,
                  "policy_decisions": deciding_alone}, True)  # fmt: skip
            return
        print(report(result))
        print(f"environment: {steps['steps_per_second']:,.0f} segment steps a second with {steps['moths']:,} moths, "
              f"{steps['ratio']:.0f} times SyncVectorEnv of {steps['sync_moths']}; "
              f"{steps['frames_per_second']:.0f} frames a second of one moth in a window")  # fmt: skip
        print(controllers_report(deciding))
        print(gradient_report(policies))
        print(sparse.report(networks, self.batch))
        print(sparse.policy_report(deciding_alone))
