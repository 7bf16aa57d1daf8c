"""Networks on disk: one `.safetensors` file each, with how it was made as JSON in its header."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np

from mothsim.controllers.networks import ensemble
from mothsim.controllers.networks.network import KINDS, Kind, Network, Scaling
from mothsim.controllers.networks.tensor_file import pack, unpack
from mothsim.io import write_atomically

_FORMAT = "mothsim-network-1"
_SCALING = ("input_min", "input_max", "output_min", "output_max")
_DENSE_ABOVE = 0.5  # share of weights left above which a layer is stored whole
_IN_STUDY = re.compile(r"(?P<study>.+)@(?P<level>\d+(\.\d+)?(e-\d+)?):(?P<index>\d+)")


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
    header = {"format": _FORMAT, "inputs": network.input_names, "outputs": network.output_names,
              "sizes": network.sizes, "connections": network.connections, "sparsity": network.sparsity,
              "info": network.info}  # fmt: skip
    write_atomically(path, pack(tensors, header))


def load_network(path: Path) -> Network:
    """Read a network.

    Raises:
        DamagedFileError: the file is cut short or was changed.
        ValueError: it is missing or not a network, or its arrays are not those of a network.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    tensors, header = unpack(path)
    if header.get("format") != _FORMAT:
        of_study = " (one network of a study's level 93 is named STUDY@93:0)" if "mask.0" in tensors else ""
        raise ValueError(f"{path}: holds {header.get('format')!r}, expected a network{of_study}")
    try:
        sizes, info = header["sizes"], header["info"]
        if not (isinstance(sizes, list) and len(sizes) > 1 and all(type(size) is int and size > 0 for size in sizes)):
            raise ValueError(f"sizes = {sizes!r}: expected nodes by layer")
        if not isinstance(info, dict):
            raise ValueError(f"info = {info!r}: expected names and values")
        biases = tuple(tensors[f"bias.{i}"] for i in range(len(sizes) - 1))
        kind = _kind(header["inputs"])
        if [len(header["inputs"]), *(bias.size for bias in biases)] != sizes:
            # Checked here, so that no header can ask for arrays without end.
            raise ValueError(f"biases of {[bias.shape for bias in biases]}: expected sizes {sizes}")
        weights = tuple(_weight(tensors, i, shape) for i, shape in enumerate(pairwise(sizes)))
        return Network(weights, biases, Scaling(*(tensors[name] for name in _SCALING)), info, kind)
    except KeyError as error:
        raise ValueError(f"{path}: not a network, {error} is missing") from None
    except ValueError as error:
        raise ValueError(f"{path}: not a network, {error}") from None


def _kind(inputs: list[str]) -> Kind:
    """Return the kind of network that has inputs of these names."""
    for kind, (alternatives, _) in KINDS.items():
        if any(inputs == list(names) for names in alternatives):
            return kind
    raise ValueError(f"inputs = {inputs!r}: expected those of a network of the kinds {', '.join(KINDS)}")


def _weight(tensors: dict[str, np.ndarray], layer: int, shape: tuple[int, int]) -> np.ndarray:
    if f"weight.{layer}" in tensors:
        weight = tensors[f"weight.{layer}"]
        if weight.shape != shape:
            raise ValueError(f"weight.{layer} has shape {weight.shape}: expected {shape}")
        return weight
    where, values = tensors[f"index.{layer}"], tensors[f"value.{layer}"]
    count = shape[0] * shape[1]
    if where.dtype.kind not in "iu" or where.ndim != 1 or values.shape != where.shape:
        raise ValueError(f"index.{layer} is {where.dtype} {where.shape} and value.{layer} {values.shape}: "
                         "expected as many whole numbers as values")  # fmt: skip
    if len(where) and (where.min() < 0 or where.max() >= count or (np.diff(where.astype(np.int64)) <= 0).any()):
        raise ValueError(f"index.{layer}: expected rising indices from 0 to {count - 1}, each once")
    weight = np.zeros(count, dtype=values.dtype)
    weight[where] = values
    return weight.reshape(shape)


def level_file(folder: Path, level: float) -> Path:
    """Return where a run or a study keeps its network or networks of a level (per cent; 0 is dense).

    No two levels share a file, see `level_name`.
    """
    return folder / f"{level_name(level)}.safetensors"


def level_name(level: float) -> str:
    """Return a level (per cent) with every digit that it has: `00`, `05`, `92.5`, `99.94`."""
    whole, point, fraction = repr(float(level)).partition(".")
    return whole.zfill(2) + (point + fraction if fraction != "0" else "")


def shipped_networks() -> dict[str, Path]:
    """Return the files of the networks that come with the package, by name."""
    folder = Path(str(files("mothsim.controllers"))) / "networks" / "shipped"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def find_network(name: str | Path) -> Network:
    """Return a network by the name of a shipped one, from a file, or from a study.

    Args:
        name: a shipped network's name; a `.safetensors` file; or `STUDY@LEVEL:INDEX`, such as `out/study@93:4`, the
            folder of a study, a level in per cent, and which of its networks, from 0.

    Raises:
        ValueError: there is no such network, or the file is damaged or not a network.
    """
    shipped = shipped_networks()
    if str(name) in shipped:
        return load_network(shipped[str(name)])
    if Path(name).suffix == ".safetensors" or Path(name).is_file():
        return load_network(Path(name))
    in_study = _IN_STUDY.fullmatch(str(name))
    if not in_study:
        raise ValueError(f"network = {str(name)!r}: expected one of {', '.join(shipped)}, a .safetensors file, or "
                         "STUDY@LEVEL:INDEX for a network of a study")  # fmt: skip
    file = level_file(Path(in_study["study"]), float(in_study["level"]))
    if not file.is_file():
        raise ValueError(f"network = {str(name)!r}: {file}: no such file")
    try:
        return ensemble.load_level_once(file.absolute(), file.stat().st_mtime_ns).network(int(in_study["index"]))
    except ValueError as error:
        raise ValueError(f"network = {str(name)!r}: {error}") from None


def network_of_kind(network: str | Path | Network, kind: str) -> Network:
    """Return a network, itself or as `find_network` finds it, that is of the kind `inverse-model` or `policy`.

    Raises:
        ValueError: there is no such network, or it is of another kind.
    """
    found = network if isinstance(network, Network) else find_network(network)
    if found.kind != kind:
        name = "network" if found is network else f"network = {str(network)!r}"
        raise ValueError(f"{name} is of the kind {found.kind!r}: expected {kind!r}")
    return found
