"""`mothsim train inverse-model`: data, dense training, pruning; a folder of networks from 0 % up."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tqdm import tqdm
from tyro.conf import OmitArgPrefixes, arg

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.cli.study_options import BODY
from mothsim.demos.options import Count, Counts, Factor, Noise, Percents, Seed

if TYPE_CHECKING:
    from mothsim.controllers.learning.train_and_prune import Settings


@dataclass
class InverseModelNetwork:
    """What the network is."""

    hidden: Counts = (400, 400, 400, 16)
    """Give the hidden layers so many nodes."""
    body: Annotated[str, arg(metavar="NAME", help=BODY)] = "zahn2022"


@dataclass
class InverseModelTraining:
    """How it is trained."""

    protocol: Literal["cosine", "constant-rate"] = "cosine"
    """Train by this protocol: ours, or Adam at a constant rate with early stopping, near Zahn et al.'s."""
    segments: Count = 4_000_000
    """Draw so many segments for the training set."""
    step_scale: Factor = 1.0
    """Multiply the protocol's number of steps by this; less trains less."""
    input_noise: Noise = 0.0
    """Add noise of this standard deviation to the inputs in training, as a share of each input's range."""
    seed: Seed = 0
    """Draw data and first weights from this seed."""


@dataclass
class InverseModelPruning:
    """How it is pruned."""

    method: Annotated[
        Literal["global", "layerwise"] | None, arg(metavar="{global,layerwise}", help_behavior_hint="")
    ] = None
    """Prune by magnitude over all layers (global), or layer by layer; the default is the protocol's own."""
    levels: Percents = (15, 25, 35, 45, 55, 65, 75, 85, 90, 91, 92, 93, 94, 95, 96, 97, 98)
    """Prune to these sparsities one after another, per cent."""


@dataclass
class InverseModelOutput:
    """What is written, and where."""

    out: Path = Path("out/train")
    """Write the networks, one a level, and the learning curve to this folder."""
    json: bool = False
    """Print one JSON object on standard output instead of the table."""


@dataclass
class TrainInverseModel:
    """Train a network and prune it level by level; killed at any moment, the same command goes on."""

    network: Annotated[InverseModelNetwork, OmitArgPrefixes] = field(default_factory=InverseModelNetwork)
    training: Annotated[InverseModelTraining, OmitArgPrefixes] = field(default_factory=InverseModelTraining)
    pruning: Annotated[InverseModelPruning, OmitArgPrefixes] = field(default_factory=InverseModelPruning)
    output: Annotated[InverseModelOutput, OmitArgPrefixes] = field(default_factory=InverseModelOutput)

    def settings(self) -> Settings:
        """What is trained and pruned, checked."""
        from mothsim.controllers.learning.train_and_prune import Settings

        network, training, pruning = self.network, self.training, self.pruning
        return Settings(
            training.protocol, pruning.method or "", network.hidden, pruning.levels, training.segments, training.seed,
            training.step_scale, body=network.body, input_noise=training.input_noise,
        )  # fmt: skip

    def run(self) -> None:
        """Train, draw and print."""
        from mothsim.controllers.learning.learning_curve import draw_learning_curve
        from mothsim.controllers.learning.train_and_prune import run
        from mothsim.controllers.networks.storage import load_network
        from mothsim.plotting.figures import save_figure

        settings = self.settings()
        with LevelBar() as bar:
            files = run(settings, self.output.out, bar, lambda line: print(f"mothsim: {line}", file=sys.stderr))
        networks = [load_network(file) for file in files]
        picture = self.output.out / "learning-curve.png"
        save_figure(draw_learning_curve(networks), picture)
        if self.output.json:
            columns = ("level", "connections", "test_loss", "steps")
            rows = [[n.info["level"], n.connections, n.info["test_loss"], n.info["steps"]] for n in networks]
            show({"out": self.output.out, "seed": self.training.seed, "columns": columns, "networks": rows}, True)
        else:
            print(f"{'sparsity, %':>11} {'weights':>9} {'loss':>9} {'steps':>7}")
            for n in networks:
                print(f"{n.info['level']:11g} {n.connections:9,} {n.info['test_loss']:9.2e} {n.info['steps']:7,}")
        wrote(*files, picture)


class LevelBar:
    """A progress bar a level, on standard error."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._level: float | None = None

    def __enter__(self) -> LevelBar:
        print("drawing and solving segments ...", file=sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, event: Any) -> None:
        """Advance the bar of the event's level, or begin one."""
        if event.level != self._level:
            self.__exit__()
            name = f"{event.level:g} %" if event.level else "dense"
            self._bar = tqdm(total=event.steps, desc=name, unit="step", file=sys.stderr)
            self._level = event.level
        self._bar.update(event.step - self._bar.n)
        self._bar.set_postfix(loss=f"{event.loss:.2e}", refresh=False)
