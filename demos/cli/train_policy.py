"""`mothsim train policy`: a network that flies alone, trained through the flight."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Count, CountOrDefault, CountsOrDefault, Noise, Seed

if TYPE_CHECKING:
    from mothsim.controllers.networks.network import Network
    from mothsim.controllers.policies.policy_run import PolicyProgress


@dataclass
class TrainPolicy:
    """Train a policy through its flights, refine it, and fly it; killed at any moment, the same command goes on."""

    robust: bool = False
    """Train a policy with memory on flights with noise, delay, gusts and other bodies; it is not refined."""
    hidden: CountsOrDefault = None
    """Nodes of the hidden layers; by default 32 32, and 48 48 for a robust policy."""
    steps: CountOrDefault = None
    """Of training by the gradient, each with a window of flight by all moths; by default 400, and 6000 for a robust
    policy."""
    refining_steps: Count = 220
    """Of refining by the gradient and the curvature."""
    moths: CountOrDefault = None
    """Flown side by side in training, and half as many in refining; by default 128, and 96 for a robust policy, in
    groups of 8 on one body each."""
    segments: CountOrDefault = None
    """Of 20 ms, in a window of flight; by default 40, and 25 for a robust policy."""
    delay: Noise = 0.02
    """Longest delay, s, in the flights of a robust policy, up to 0.06."""
    seed: Seed = 0
    """Of first weights, targets and starts."""
    out: Path = Path("out/policy")
    """Folder for policy.safetensors and the learning curve."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Train, draw, fly and print."""
        from mothsim.controllers.policies.policy_curve import draw_policy_curve
        from mothsim.controllers.policies.policy_flights import fly_all
        from mothsim.plotting.figures import save_figure

        file, picture = self.out / "policy.safetensors", self.out / "learning-curve.png"
        with StageBar() as bar:
            network = self._robust(file, bar) if self.robust else self._refined(file, bar)
        save_figure(draw_policy_curve(network), picture)
        show({"out": self.out, "seed": self.seed, "weights": network.connections, **fly_all(network)}, self.json)
        wrote(file, picture)

    def _refined(self, file: Path, bar: StageBar) -> Network:
        from mothsim.controllers.policies.make_policy import make_policy
        from mothsim.controllers.policies.policy_refining import RefiningSettings
        from mothsim.controllers.policies.policy_training import PolicySettings

        training = replace(PolicySettings(steps=400), **self._given("hidden", "steps", "moths", "segments"))
        refining = RefiningSettings(self.refining_steps, (training.moths + 1) // 2, training.segments, seed=self.seed)
        return make_policy(training, refining, file, bar)

    def _robust(self, file: Path, bar: StageBar) -> Network:
        from mothsim.controllers.policies.disturbed_flights import Disturbed
        from mothsim.controllers.policies.policy_run import run
        from mothsim.controllers.policies.robust_training import (
            RobustSettings,
            init_robust_policy,
            train_robust_policy,
        )

        disturbed = {"delay": self.delay} if self.delay != Disturbed().delay else {}
        settings = replace(RobustSettings(disturbed=disturbed), **self._given("hidden", "steps", "segments"))
        if self.moths is not None:
            settings = replace(settings, groups=max(1, self.moths // settings.moths))
        network = init_robust_policy(settings)
        return run(train_robust_policy, network, settings, file, partial(bar, "training"))

    def _given(self, *names: str) -> dict[str, Any]:
        """The seed, and the options of these names that were given."""
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return {"seed": self.seed, **given}


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
