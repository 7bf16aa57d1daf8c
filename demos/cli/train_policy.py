"""`mothsim train policy`: a network that flies alone, trained through the flight."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Count, Counts, Factor, Seed

if TYPE_CHECKING:
    from mothsim.controllers.learning.policy_run import PolicyProgress


@dataclass
class TrainPolicy:
    """Train a policy through its flights, refine it, and fly it; killed at any moment, the same command goes on."""

    hidden: Counts = (32, 32)
    """Nodes of the hidden layers."""
    steps: Count = 400
    """Of training by the gradient, each with a window of flight by all moths."""
    refining_steps: Count = 220
    """Of refining by the gradient and the curvature."""
    moths: Count = 128
    """Flown side by side in training, and half as many in refining."""
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
        from mothsim.controllers.learning.make_policy import make_policy
        from mothsim.controllers.learning.policy_curve import draw_policy_curve
        from mothsim.controllers.learning.policy_flights import fly_all
        from mothsim.controllers.learning.policy_refining import RefiningSettings
        from mothsim.controllers.learning.policy_training import PolicySettings
        from mothsim.plotting.figures import save_figure

        training = PolicySettings(
            self.hidden, self.steps, self.moths, self.segments, self.learning_rate, seed=self.seed
        )
        refining = RefiningSettings(self.refining_steps, (self.moths + 1) // 2, self.segments, seed=self.seed)
        file, picture = self.out / "policy.safetensors", self.out / "learning-curve.png"
        with StageBar() as bar:
            network = make_policy(training, refining, file, bar)
        save_figure(draw_policy_curve(network), picture)
        show({"out": self.out, "seed": self.seed, "weights": network.connections, **fly_all(network)}, self.json)
        wrote(file, picture)


@dataclass
class StageBar:
    """A progress bar a stage, on standard error."""

    _bar: tqdm | None = field(default=None, init=False)

    def __enter__(self) -> StageBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, stage: str, progress: PolicyProgress) -> None:
        """Show how far a stage is."""
        if self._bar is None or self._bar.desc != stage:
            self.__exit__()
            self._bar = tqdm(total=progress.steps, desc=stage, unit="step", file=sys.stderr)
        self._bar.update(progress.step - self._bar.n)
        self._bar.set_postfix(cost=f"{progress.cost:.3f}", refresh=False)
