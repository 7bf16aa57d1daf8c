"""`mothsim export`: networks of a study, shipped ones or files, as files of their own."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from mothsim.demos.cli.output import wrote

if TYPE_CHECKING:
    from mothsim.controllers.networks.network import Network


@dataclass
class Export:
    """Write networks as files of their own: ours, which `fly` takes, or plain arrays for any other program."""

    networks: Positional[tuple[str, ...]]
    """Write these networks: STUDY@LEVEL:INDEX such as out/study@93:4, names of shipped ones, or files."""
    format: Literal["safetensors", "npz"] = "safetensors"
    """Write our files (safetensors), or NumPy's arrays weight.0, bias.0 ... with scaling and names (npz)."""
    out: Path = Path("out/export")
    """Write the files to this folder."""

    def run(self) -> None:
        """Find the networks and write them.

        Raises:
            ValueError: no network, an unknown one, or two that would have one file.
        """
        from mothsim.controllers.networks.storage import find_network, save_network
        from mothsim.io import open_folder, write_atomically

        if not self.networks:
            raise ValueError("networks = (): expected at least one")
        files = {name: self.out / f"{_file_name(name)}.{self.format}" for name in self.networks}
        if len(set(files.values())) < len(self.networks):
            raise ValueError(f"networks = {', '.join(self.networks)}: expected networks whose files differ")
        found = {file: find_network(name) for name, file in files.items()}
        open_folder(self.out)
        for file, network in found.items():
            if self.format == "npz":
                write_atomically(file, as_npz(network))
            else:
                save_network(network, file)
        wrote(*found)


def _file_name(name: str) -> str:
    """Name of a network's file: `study-93-4` for `out/study@93:4`."""
    last = Path(name).name
    return (last.removesuffix(".safetensors") if "@" not in last else last).replace("@", "-").replace(":", "-")


def as_npz(network: Network) -> bytes:
    """Return a network as the content of an `.npz` file.

    With inputs x in cgs units: `h = (x - input_min) / (input_max - input_min) - 0.5`; for each layer but the last
    `h = tanh(h @ weight + bias)`, for that `h @ weight + bias`; the outputs are
    `(h + 0.5) * (output_max - output_min) + output_min`.
    """
    import numpy as np

    arrays: dict[str, Any] = {f"weight.{i}": weight for i, weight in enumerate(network.weights)}
    arrays |= {f"bias.{i}": bias for i, bias in enumerate(network.biases)}
    arrays |= {name: getattr(network.scaling, name) for name in ("input_min", "input_max", "output_min", "output_max")}
    arrays |= {"inputs": np.array(network.input_names), "outputs": np.array(network.output_names)}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()
