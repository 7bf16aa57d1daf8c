"""The networks of a study at one level, as arrays over all of them, and as a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.training import CHUNK
from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.networks.storage import pack, unpack
from mothsim.io import write_atomically

_SCALING = ("input_min", "input_max", "output_min", "output_max")


@dataclass(frozen=True)
class Ensemble:
    """The networks of a study at one level, network by network along the first axis of every array.

    Attributes:
        weights: one (N, n_in, n_out) float32 array a layer; pruned ones are 0, unless they may come back.
        biases: one (N, n_out) float32 array a layer.
        masks: one (N, n_in, n_out) array a layer.
        curve: mean loss of each chunk of steps (N, chunks); not a number once a network has stopped.
        steps: that each network was trained at this level (N,).
        losses: on fresh segments (N,).
    """

    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]
    masks: tuple[NDArray[np.bool_], ...]
    curve: NDArray[np.float32]
    steps: NDArray[np.int64]
    losses: NDArray[np.float32]


@dataclass(frozen=True)
class Level:
    """One level of a study: its sparsity in per cent, its networks and their scaling."""

    percent: float
    ensemble: Ensemble
    scaling: Scaling

    def network(self, index: int) -> Network:
        """One of the networks.

        Raises:
            ValueError: its training diverged.
        """
        e = self.ensemble
        weights = tuple(np.where(m[index], w[index], np.float32(0)) for w, m in zip(e.weights, e.masks, strict=True))
        curve = [float(f"{loss:.4g}") for loss in e.curve[index, : e.steps[index] // CHUNK]]
        info = {"level": self.percent, "network": index, "steps": int(e.steps[index]),
                "test_loss": float(e.losses[index]), "learning_curve": curve}  # fmt: skip
        return Network(weights, tuple(bias[index] for bias in e.biases), self.scaling, info)


def save_level(level: Level, file: Path) -> None:
    """Write a checkpoint, atomically and with a checksum."""
    e = level.ensemble
    tensors: dict[str, NDArray] = {name: getattr(level.scaling, name) for name in _SCALING}
    tensors |= {"curve": e.curve, "steps": e.steps, "losses": e.losses}
    for i, (weight, bias, mask) in enumerate(zip(e.weights, e.biases, e.masks, strict=True)):
        tensors |= {f"weight.{i}": weight, f"bias.{i}": bias, f"mask.{i}": np.packbits(mask)}
    write_atomically(file, pack(tensors, {"level": level.percent}))


def load_level(file: Path, percent: float, sizes: Sequence[int]) -> Level:
    """Read a checkpoint of networks of these sizes (inputs and outputs included).

    Raises:
        ValueError: it is missing or damaged, or holds another level.
    """
    tensors, header = unpack(file)
    if header.get("level") != percent:
        raise ValueError(f"{file}: holds level {header.get('level')!r}, expected {percent!r}")
    layers = range(len(sizes) - 1)
    weights = tuple(tensors[f"weight.{i}"] for i in layers)
    masks = tuple(
        np.unpackbits(tensors[f"mask.{i}"], count=weight.size).reshape(weight.shape).astype(bool)
        for i, weight in enumerate(weights)
    )
    biases = tuple(tensors[f"bias.{i}"] for i in layers)
    ensemble = Ensemble(weights, biases, masks, tensors["curve"], tensors["steps"], tensors["losses"])
    return Level(percent, ensemble, Scaling(*(tensors[name] for name in _SCALING)))
