"""`mothsim train inverse-model`: data, dense training, pruning; a folder of networks from 0 % up."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Count, Counts, Factor, Noise, Percents, Seed


@dataclass
class TrainInverseModel:
    """Train a network and prune it level by level; killed at any moment, the same command goes on."""

    protocol: Literal["cosine", "constant-rate"] = "cosine"
    """Of training: ours, or Adam at a constant rate with early stopping, near Zahn et al.'s."""
    method: Literal["global", "layerwise"] | None = None
    """Of pruning: by magnitude over all layers, or layer by layer; by default the protocol's own."""
    hidden: Counts = (400, 400, 400, 16)
    """Nodes of the hidden layers."""
    levels: Percents = (15, 25, 35, 45, 55, 65, 75, 85, 90, 91, 92, 93, 94, 95, 96, 97, 98)
    """Sparsities, per cent."""
    segments: Count = 4_000_000
    """In the training set."""
    step_scale: Factor = 1.0
    """Times the protocol's steps; less trains less."""
    body: str = "zahn2022"
    """Which moth: zahn2022, or a fully actuated one, bustamante2022-fa or -fs, whose networks give a wing torque."""
    input_noise: Noise = 0.0
    """Standard deviation of noise on the inputs in training, in parts of each input's range."""
    seed: Seed = 0
    """Of data and first weights."""
    out: Path = Path("out/train")
    """Folder for the networks, one a level, and the learning curve."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Train, draw and print."""
        from mothsim.controllers.learning.learning_curve import draw_learning_curve
        from mothsim.controllers.learning.train_and_prune import Settings, run
        from mothsim.controllers.networks.storage import load_network
        from mothsim.plotting.figures import save_figure

        settings = Settings(
            self.protocol, self.method or "", self.hidden, self.levels, self.segments, self.seed, self.step_scale,
            body=self.body, input_noise=self.input_noise,
        )  # fmt: skip
        with LevelBar() as bar:
            files = run(settings, self.out, bar, lambda line: print(f"mothsim: {line}", file=sys.stderr))
        networks = [load_network(file) for file in files]
        picture = self.out / "learning-curve.png"
        save_figure(draw_learning_curve(networks), picture)
        if self.json:
            columns = ("level", "connections", "test_loss", "steps")
            rows = [[n.info["level"], n.connections, n.info["test_loss"], n.info["steps"]] for n in networks]
            show({"out": self.out, "seed": self.seed, "columns": columns, "networks": rows}, True)
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
