"""`mothsim import`: Zahn et al.'s Keras files to ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Count, Seed


@dataclass
class KerasFiles:
    """What is read."""

    files: tuple[Path, ...]
    """Read these .h5 files."""
    scaling: Path
    """Take their scaling from this JSON file."""


@dataclass
class LossTest:
    """On what the networks are tested."""

    segments: Count = 100_000
    """Measure the loss on so many fresh segments."""
    seed: Seed = 0
    """Draw those segments from this seed."""


@dataclass
class ImportOutput:
    """What is written, and where."""

    out: Path = Path("out/import")
    """Write the networks to this folder."""
    json: bool = False
    """Print one JSON object on standard output instead of the table."""


@dataclass
class ImportKeras:
    """Turn Keras files of Zahn et al.'s networks into .safetensors (needs the extra [keras])."""

    keras: Annotated[KerasFiles, OmitArgPrefixes]
    test: Annotated[LossTest, OmitArgPrefixes] = field(default_factory=LossTest)
    output: Annotated[ImportOutput, OmitArgPrefixes] = field(default_factory=ImportOutput)

    def run(self) -> None:
        """Read, test, write."""
        from mothsim.controllers.networks.keras_import import import_keras
        from mothsim.controllers.networks.storage import save_network
        from mothsim.io import open_folder
        from mothsim.segments import generate

        files, out = self.keras.files, self.output.out
        if not files:
            raise ValueError("files: expected at least one .h5 file")
        names = [file.stem for file in files]
        same = [str(file) for file in files if names.count(file.stem) > 1]
        if same:
            raise ValueError(f"files = {', '.join(same)}: expected files of different names, which the networks keep")
        open_folder(out)
        networks = {out / f"{file.stem}.safetensors": import_keras(file, self.keras.scaling) for file in files}
        tests = generate(self.test.segments, self.test.seed)
        losses = {}
        for file, network in networks.items():
            save_network(network, file)
            losses[file.stem] = network.loss(tests.inputs, tests.outputs)
        if self.output.json:
            show({"out": out, "losses": losses}, True)
        else:
            show({f"loss of {name}": loss for name, loss in losses.items()}, False)
        wrote(*networks)
