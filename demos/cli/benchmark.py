"""`mothsim benchmark`: measure the speed of engine, environments, controllers and networks on this machine."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Annotated

from tyro.conf import OmitArgPrefixes

from mothsim.demos.cli.output import show
from mothsim.demos.options import Count, Seed


@dataclass
class BenchmarkSizes:
    """How much is timed at once."""

    rows: Count = 10_000
    """Solve so many random segments with the engine."""
    baseline_rows: Count = 200
    """Solve so many of them with each other solver."""
    moths: Count = 4096
    """Fly so many moths in the batched environment."""
    batch: Count = 256
    """Evaluate networks for so many moths at once."""
    decisions: Count = 50
    """Let every controller decide so many times in a repeat."""


@dataclass
class BenchmarkTiming:
    """How it is timed."""

    repeats: Count = 5
    """Repeat every measurement so many times, of which the fastest counts."""
    reverse_mode: bool = False
    """Time the gradient through a flight by reverse mode as well, which takes half a minute to compile."""
    seed: Seed = 0
    """Draw the segments and the starts from this seed."""
    json: bool = False
    """Print one JSON object on standard output instead of the tables."""


@dataclass
class Benchmark:
    """Time the engine beside other installed solvers, the environments, the controllers and the networks."""

    size: Annotated[BenchmarkSizes, OmitArgPrefixes] = field(default_factory=BenchmarkSizes)
    timing: Annotated[BenchmarkTiming, OmitArgPrefixes] = field(default_factory=BenchmarkTiming)

    def run(self) -> None:
        """Measure and print the results."""
        from mothsim.controllers.networks.storage import find_network
        from mothsim.demos.benchmarks import sparse_speed as sparse
        from mothsim.demos.benchmarks.decision_speed import decisions
        from mothsim.demos.benchmarks.decision_speed import report as controllers_report
        from mothsim.demos.benchmarks.engine_speed import Options, report, run
        from mothsim.demos.benchmarks.environment_speed import environment, rendering
        from mothsim.demos.benchmarks.gradient_speed import gradient_speeds
        from mothsim.demos.benchmarks.gradient_speed import report as gradient_report

        print("timing the engine, the environments, the controllers, the networks, policies ...", file=sys.stderr)
        result = run(Options(self.size.rows, self.size.baseline_rows, self.timing.repeats, self.timing.seed))
        steps = environment(self.size.moths, repeats=self.timing.repeats) | rendering()
        deciding = decisions(self.size.decisions, self.timing.repeats, self.timing.seed)
        pruned = [find_network(name) for name in ("sparse-93", "sparse-98")]
        networks = sparse.decisions(
            find_network("dense"), pruned, batch=self.size.batch, repeats=10 * self.timing.repeats
        )
        alone, fewest = find_network("alone"), find_network("alone-6")
        deciding_alone = sparse.policy_decisions(alone, [fewest], repeats=10 * self.timing.repeats)
        policies = gradient_speeds(self.timing.repeats, self.timing.reverse_mode, self.timing.seed)
        if self.timing.json:
            show({**result, "environment": steps, "decisions": deciding, "networks": networks, "policies": policies,
                  "policy_decisions": deciding_alone}, True)  # fmt: skip
            return
        print(report(result))
        print(f"environment: {steps['steps_per_second']:,.0f} segment steps a second with {steps['moths']:,} moths, "
              f"{steps['ratio']:.0f} times SyncVectorEnv of {steps['sync_moths']}; "
              f"{steps['frames_per_second']:.0f} frames a second of one moth in a window")  # fmt: skip
        print(controllers_report(deciding))
        print(*map(gradient_report, policies), sep="\n")
        print(sparse.report(networks, self.size.batch))
        print(sparse.policy_report(deciding_alone))
