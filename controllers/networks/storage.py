"""Networks on disk: one `.safetensors` file each, with how it was made as JSON in its header."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mothsim.controllers.networks.network import Network, Scaling
from mothsim.io import write_atomically
from mothsim.segments import INPUTS, OUTPUTS

_FORMAT = "mothsim-network-1"
_SCALING = ("input_min", "input_max", "output_min", "output_max")
_DENSE_ABOVE = 0.5  # share of weights left above which a layer is stored whole


def pack(tensors: dict[str, np.ndarray], header: dict) -> bytes:
    """Tensors and a JSON header as the bytes of a `.safetensors` file, with a checksum over the tensors."""
    # One entry alone, since the library writes several in any order and files are compared bit by bit.
    metadata = {"mothsim": json.dumps({"crc32": _checksum(tensors), **header}, sort_keys=True)}
    return save({name: np.asarray(value, order="C") for name, value in tensors.items()}, metadata)


def unpack(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Tensors and header of a file that `pack` made.

    Raises:
        ValueError: the file is not one of ours, or is damaged.
    """
    try:
        with safe_open(path, framework="numpy") as stream:
            metadata = stream.metadata() or {}
            names = stream.keys()
            tensors = {name: stream.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not a .safetensors file, or cut short ({error})") from None
    if "mothsim" not in metadata:
        raise ValueError(f"{path}: a .safetensors file, but not one of mothsim's")
    try:
        header = json.loads(metadata["mothsim"])
    except ValueError as error:
        raise ValueError(f"{path}: damaged, its header is no JSON ({error})") from None
    if header.pop("crc32", None) != _checksum(tensors):
        raise ValueError(f"{path}: damaged, its checksum does not fit")
    return tensors, header


def _checksum(tensors: dict[str, np.ndarray]) -> int:
    value = 0
    for name in sorted(tensors):
        value = zlib.crc32(np.ascontiguousarray(tensors[name]).tobytes(), zlib.crc32(name.encode(), value))
    return value


def save_network(network: Network, path: Path) -> None:
    """Write a network; layers with more than half their weights pruned are stored as indices and values."""
    tensors: dict[str, np.ndarray] = {name: getattr(network.scaling, name) for name in _SCALING}
    for i, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        tensors[f"bias.{i}"] = bias.astype(np.float32)
        where = np.flatnonzero(weight)
        if len(where) > _DENSE_ABOVE * weight.size:
            tensors[f"weight.{i}"] = weight.astype(np.float32)
        else:
            tensors[f"index.{i}"] = where.astype(np.int32)
            tensors[f"value.{i}"] = weight.ravel()[where].astype(np.float32)
    header = {"format": _FORMAT, "inputs": INPUTS, "outputs": OUTPUTS, "sizes": network.sizes,
              "connections": network.connections, "sparsity": network.sparsity, "info": network.info}  # fmt: skip
    write_atomically(path, pack(tensors, header))


def load_network(path: Path) -> Network:
    """Read a network.

    Raises:
        ValueError: the file is missing, damaged, or not a network.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    tensors, header = unpack(path)
    try:
        if header["format"] != _FORMAT:
            raise ValueError(f"{path}: holds {header['format']!r}, not a network")
        sizes = header["sizes"]
        layers = range(len(sizes) - 1)
        weights = tuple(_weight(tensors, i, (sizes[i], sizes[i + 1])) for i in layers)
        biases = tuple(tensors[f"bias.{i}"] for i in layers)
        scaling = Scaling(*(tensors[name] for name in _SCALING))
        return Network(weights, biases, scaling, header["info"])
    except (KeyError, IndexError) as error:
        raise ValueError(f"{path}: not a network, {error} is missing or out of range") from None


def _weight(tensors: dict[str, np.ndarray], layer: int, shape: tuple[int, int]) -> np.ndarray:
    if f"weight.{layer}" in tensors:
        return tensors[f"weight.{layer}"]
    weight = np.zeros(shape[0] * shape[1], dtype=np.float32)
    weight[tensors[f"index.{layer}"]] = tensors[f"value.{layer}"]
    return weight.reshape(shape)


def shipped_networks() -> dict[str, Path]:
    """The networks that come with the package, by name."""
    folder = Path(str(files("mothsim.controllers"))) / "networks" / "shipped"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def find_network(name: str | Path) -> Network:
    """A network by the name of a shipped one, or from a file.

    Raises:
        ValueError: neither such a name nor such a file, or a file that is not a network.
    """
    shipped = shipped_networks()
    if str(name) in shipped:
        return load_network(shipped[str(name)])
    if Path(name).suffix != ".safetensors" and not Path(name).exists():
        raise ValueError(f"network = {str(name)!r}: expected one of {_listed(shipped)}, or a .safetensors file")
    return load_network(Path(name))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
