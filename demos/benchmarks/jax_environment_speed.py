"""How fast the JAX environment steps, observation, reward and new episodes included (`python -m`, prints a table)."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import jax

from mothsim.demos.cli.output import show_rows
from mothsim.demos.options import Count, Counts
from mothsim.demos.run import run
from mothsim.envs.jax_track import TrackJax


@dataclass
class JaxEnvironmentSpeed:
    """Time steps of the JAX environment under random actions, compilation excluded, on the device that JAX finds."""

    moths: Counts = (64, 1024, 8192)
    """Moths in the batch, a row each."""
    steps: Count = 50
    """Decisions of every moth in a repeat."""
    repeats: Count = 5
    """Repeats, of which the best counts."""

    def run(self) -> list[dict[str, float]]:
        """Time each size and print the rows: steps a second of wall time, and of processor time of all cores."""
        rows = [self._row(moths) for moths in self.moths]
        show_rows(rows, tuple(rows[0]), False)
        return rows

    def _row(self, moths: int) -> dict[str, float]:
        env = TrackJax("Hover-v1")
        _, states = env.reset(jax.random.key(0), None, moths)

        @jax.jit
        def rollout(states, key):
            def step(states, key):
                actions = jax.random.uniform(key, (moths, 3), minval=-1.0)
                _, states, reward, *_ = env.step(key, states, actions)
                return states, reward.mean()

            return jax.lax.scan(step, states, jax.random.split(key, self.steps))

        best = [0.0, 0.0]
        for repeat in range(self.repeats + 1):
            began = time.perf_counter(), time.process_time()
            jax.block_until_ready(rollout(states, jax.random.key(repeat)))
            passed = time.perf_counter() - began[0], time.process_time() - began[1]
            if repeat:  # the first compiles
                rates = (moths * self.steps / seconds for seconds in passed)
                best = [max(pair) for pair in zip(best, rates, strict=True)]
        return {"moths": moths, "steps_per_second": best[0], "steps_per_cpu_second": best[1]}


if __name__ == "__main__":
    sys.exit(run(JaxEnvironmentSpeed, prog="jax_environment_speed"))
