"""`mothsim train policy`: a network that flies alone, by the gradient through the flight; and with fewer weights."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Count, Counts, Factor, Seed


@dataclass
class TrainPolicy:
    """Train a policy through its flights, and fly it; killed at any moment, the same command goes on."""

    hidden: Counts = (32, 32)
    """Nodes of the hidden layers."""
    steps: Count = 1500
    """Of the optimiser, each with a window of flight by all moths."""
    moths: Count = 128
    """Flown side by side."""
    segments: Count = 40
    """Of 20 ms, in a window of flight."""
    learning_rate: Factor = 5e-3
    """Of Adam, at first; it falls along a cosine."""
    seed: Seed = 0
    """Of first weights, targets and starts."""
    out: Path = Path("out/policy")
    """Folder for policy.safetensors and the learning curve."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Train, draw, fly and print."""
        from mothsim.controllers.learning.policy_curve import draw_policy_curve
        from mothsim.controllers.learning.policy_flights import fly_all
        from mothsim.controllers.learning.policy_training import PolicyProgress, PolicySettings, run
        from mothsim.plotting.figures import save_figure

        settings = PolicySettings(
            self.hidden, self.steps, self.moths, self.segments, self.learning_rate, seed=self.seed
        )
        file, picture = self.out / "policy.safetensors", self.out / "learning-curve.png"
        with tqdm(total=self.steps, desc="training", unit="step", file=sys.stderr) as bar:

            def update(progress: PolicyProgress) -> None:
                bar.update(progress.step - bar.n)
                bar.set_postfix(cost=f"{progress.cost:.3f}", refresh=False)

            network = run(settings, file, update)
        save_figure(draw_policy_curve(network), picture)
        show({"out": self.out, "seed": self.seed, "weights": network.connections, **fly_all(network)}, self.json)
        wrote(file, picture)
