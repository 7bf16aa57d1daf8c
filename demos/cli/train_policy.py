"""`mothsim train policy`: a network that flies alone, trained through the flight."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tqdm import tqdm
from tyro.conf import OmitArgPrefixes

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import (
    EXPLAINED,
    CountOrDefault,
    CountsOrDefault,
    DaskAddress,
    Noise,
    Seed,
    Seeds,
    Workers,
    each_once,
    seed_or_seeds,
)
from mothsim.workers import places_to_work, run_tasks

if TYPE_CHECKING:
    from mothsim.controllers.learning.training_run import StepProgress
    from mothsim.controllers.networks.network import Network

_POLICY, _CURVE = "policy.safetensors", "learning-curve.png"
_DELAY = 0.02  # s
_MOTHS = {"numba": 128, "jax": 2048}  # a GPU is filled by thousands only


@dataclass
class PolicyNetwork:
    """What the policy is."""

    robust: bool = False
    """Train a policy with memory on flights with noise, delay, gusts and other bodies."""
    hidden: Annotated[CountsOrDefault, EXPLAINED] = None
    """Give the hidden layers so many nodes; by default 32 32, and 48 48 for a robust policy."""


@dataclass
class PolicyTraining:
    """How it is trained."""

    steps: Annotated[CountOrDefault, EXPLAINED] = None
    """Train so many steps by the gradient, each on a window of flight; by default 400, robust 4000."""
    refining_steps: Annotated[CountOrDefault, EXPLAINED] = None
    """Refine for so many steps by the gradient and the curvature; by default 320, and robust none: 170 bring it
    much nearer, in half an hour of one core."""
    moths: Annotated[CountOrDefault, EXPLAINED] = None
    """Fly so many moths side by side, in refining a third; by default 128, by JAX's engine 2048, robust 192 in groups
    of 16 on one body each."""
    segments: Annotated[CountOrDefault, EXPLAINED] = None
    """Make a window of flight so many segments of 20 ms long, in refining two and a half times as many; by default 40,
    robust 25."""
    delay: Noise = _DELAY
    """Fly a robust policy with delays up to this, s, at most 0.06."""
    engine: Literal["numba", "jax"] = "numba"
    """Fly by numba's engine, on the processor, or by JAX's, which a GPU computes; robust by numba's alone."""
    seed: Seed = 0
    """Draw first weights, targets and starts from this seed."""


@dataclass
class PolicySweep:
    """Several policies, where there are several."""

    seeds: Annotated[Seeds, EXPLAINED] = ()
    """Train a policy for each of these seeds, in the folders seed-0, seed-1 and so on."""
    workers: Workers = 1
    """Train so many policies at once, each in its own process."""
    dask: DaskAddress = None


@dataclass
class PolicyOutput:
    """What is written, and where."""

    out: Path = Path("out/policy")
    """Write policy.safetensors and the learning curve to this folder, or the folders of several policies."""
    json: bool = False
    """Print one JSON object on standard output instead of the table."""


@dataclass
class TrainPolicy:
    """Train a policy through its flights, refine it, and fly it; killed at any moment, the same command goes on."""

    network: Annotated[PolicyNetwork, OmitArgPrefixes] = field(default_factory=PolicyNetwork)
    training: Annotated[PolicyTraining, OmitArgPrefixes] = field(default_factory=PolicyTraining)
    sweep: Annotated[PolicySweep, OmitArgPrefixes] = field(default_factory=PolicySweep)
    output: Annotated[PolicyOutput, OmitArgPrefixes] = field(default_factory=PolicyOutput)

    def run(self) -> None:
        """Train, draw, fly and print."""
        out, seeds = self.output.out, self.sweep.seeds
        seed_or_seeds(self.training.seed, seeds)
        if seeds:
            each_once("seeds", seeds)
        members = [self._with(seed, out / f"seed-{seed}") for seed in seeds] or [self]
        if len(members) == 1 and self.sweep.dask is None:
            with StageBar() as bar:
                results = [members[0].make(bar)]
        else:  # in the same folder for every process
            work = [(one._with(one.training.seed, one.output.out.absolute()), None) for one in members]
            with places_to_work(self.sweep.workers, self.sweep.dask) as workers:
                done = run_tasks(TrainPolicy.make, work, workers, ordered=True)
                results = list(tqdm(done, "policies", len(work), file=sys.stderr))
        if self.output.json and seeds:
            show({"out": out, "policies": results}, True)
        else:
            for result in results:
                show(result, self.output.json)
        wrote(*(one.output.out / name for one in members for name in (_POLICY, _CURVE)))

    def _with(self, seed: int, out: Path) -> TrainPolicy:
        """The same for one policy of another seed, in another folder."""
        return replace(self, training=replace(self.training, seed=seed), output=replace(self.output, out=out))

    def make(self, bar: StageBar | None) -> dict[str, Any]:
        """Train one policy, or go on with it, and draw its learning curve; returns how it flies."""
        from mothsim.controllers.policies.policy_curve import draw_policy_curve
        from mothsim.controllers.policies.policy_flights import fly_all
        from mothsim.plotting.figures import save_figure

        out = self.output.out
        network = (self._robust if self.network.robust else self._refined)(out / _POLICY, bar)
        save_figure(draw_policy_curve(network), out / _CURVE)
        return {"out": out, "seed": self.training.seed, "weights": network.connections, **fly_all(network)}

    def _refined(self, file: Path, bar: StageBar | None) -> Network:
        from mothsim.controllers.policies.make_policy import make_policy
        from mothsim.controllers.policies.policy_refining import RefiningSettings
        from mothsim.controllers.policies.policy_training import PolicySettings

        if self.training.delay != _DELAY:
            raise ValueError(f"delay = {self.training.delay!r}: expected with --robust alone; others train undelayed")
        engine = self.training.engine
        training = PolicySettings(steps=400, moths=_MOTHS[engine], engine=engine)
        training = replace(training, **self._given("hidden", "steps", "moths", "segments"))
        refining = RefiningSettings(
            moths=-(-training.moths // 3), segments=5 * training.segments // 2, seed=self.training.seed, engine=engine
        )
        refining = replace(refining, steps=self.training.refining_steps or refining.steps)
        return make_policy(training, refining, file, bar)

    def _robust(self, file: Path, bar: StageBar | None) -> Network:
        from mothsim.controllers.learning.training_run import run
        from mothsim.controllers.policies.disturbed_scenarios import whole_segments
        from mothsim.controllers.policies.robust_refining import RobustRefiningSettings, refine_robust_policy
        from mothsim.controllers.policies.robust_training import (
            RobustSettings,
            init_robust_policy,
            train_robust_policy,
        )

        if self.training.engine == "jax":
            raise ValueError("engine = 'jax': expected numba, by which robust policies are trained")
        settings = replace(RobustSettings(), **self._given("hidden", "steps", "segments"))
        settings = replace(settings, disturbed={**settings.disturbed, "delay": self.training.delay})
        if self.training.moths is not None:
            each = min(settings.moths, self.training.moths)
            if self.training.moths % each:
                raise ValueError(f"moths = {self.training.moths}: expected whole groups of {each} for a robust policy")
            settings = replace(settings, groups=self.training.moths // each, moths=each)
        network, steps = init_robust_policy(settings), self.training.refining_steps
        trained = file if steps is None else file.with_name(f"{file.stem}-unrefined.safetensors")
        network = run(train_robust_policy, network, settings, trained, partial(bar, "training") if bar else None)
        if steps is None:
            return network
        groups = max(1, 8 * settings.groups // 3)
        refining = RobustRefiningSettings(  # about as many moths, on more bodies
            steps, groups, -(-3 * settings.moths // 8), groups // 4, 2 * settings.segments, seed=settings.seed
        )
        delay = self.training.delay
        late = {"delay": delay, "whole_delays": tuple(range(1, whole_segments(delay) + 1))}
        refining = replace(refining, disturbed={**refining.disturbed, **late})
        return run(refine_robust_policy, network, refining, file, partial(bar, "refining") if bar else None)

    def _given(self, *names: str) -> dict[str, Any]:
        """The seed, and the options of these names that were given."""
        options = {**vars(self.network), **vars(self.training)}
        return {"seed": self.training.seed} | {name: options[name] for name in names if options[name] is not None}


@dataclass
class StageBar:
    """A progress bar a stage, on standard error."""

    _bar: tqdm | None = field(default=None, init=False)

    def __enter__(self) -> StageBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, stage: str, progress: StepProgress) -> None:
        """Show how far a stage is."""
        if self._bar is None or self._bar.desc != stage:
            self.__exit__()
            self._bar = tqdm(total=progress.steps, desc=stage, unit="step", file=sys.stderr)
        self._bar.update(progress.step - self._bar.n)
        self._bar.set_postfix(cost=f"{progress.cost:.3f}", refresh=False)
