"""`mothsim import`: Zahn et al.'s Keras files to ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Count, Seed


@dataclass
class ImportKeras:
    """Turn Keras files of Zahn et al.'s networks into .safetensors (needs the extra [keras])."""

    files: tuple[Path, ...]
    """Read these .h5 files."""
    scaling: Path
    """Take their scaling from this JSON file."""
    out: Path = Path("out/import")
    """Write the networks to this folder."""
    segments: Count = 100_000
    """Measure the loss on so many fresh segments."""
    seed: Seed = 0
    """Draw those segments from this seed."""
    json: bool = False
    """Print one JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Read, test, write."""
        from mothsim.controllers.networks.keras_import import import_keras
        from mothsim.controllers.networks.storage import save_network
        from mothsim.io import open_folder
        from mothsim.segments import generate

        if not self.files:
            raise ValueError("files: expected at least one .h5 file")
        names = [file.stem for file in self.files]
        same = [str(file) for file in self.files if names.count(file.stem) > 1]
        if same:
            raise ValueError(f"files = {', '.join(same)}: expected files of different names, which the networks keep")
        open_folder(self.out)
        networks = {self.out / f"{file.stem}.safetensors": import_keras(file, self.scaling) for file in self.files}
        tests = generate(self.segments, self.seed)
        losses = {}
        for file, network in networks.items():
            save_network(network, file)
            losses[file.stem] = network.loss(tests.inputs, tests.outputs)
        if self.json:
            show({"out": self.out, "losses": losses}, True)
        else:
            show({f"loss of {name}": loss for name, loss in losses.items()}, False)
        wrote(*networks)
