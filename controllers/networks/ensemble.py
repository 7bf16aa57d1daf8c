"""Networks trained side by side, at one level of sparsity: as arrays over all of them, and as a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.networks.tensor_file import pack, unpack
from mothsim.io import write_atomically

FORMAT = "mothsim-study-level-1"
_SCALING = ("input_min", "input_max", "output_min", "output_max")


@dataclass(frozen=True)
class Ensemble:
    """The N networks of a study at one level; the first axis of every array is the network.

    Attributes:
        weights: one (N, n_in, n_out) float32 array a layer; pruned ones are 0, unless the method may regrow them.
        biases: one (N, n_out) float32 array a layer.
        masks: one (N, n_in, n_out) array a layer, true where a connection is left.
        curve: mean training loss of each chunk of steps (N, chunks), scaled; NaN after a network has stopped.
        steps: training steps of each network at this level (N,).
        losses: mean squared error of each network on test segments (N,), scaled.
        optimiser: arrays (N, ...) of the optimiser's state, where the next level goes on with it.
    """

    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]
    masks: tuple[NDArray[np.bool_], ...]
    curve: NDArray[np.float32]
    steps: NDArray[np.int64]
    losses: NDArray[np.float32]
    optimiser: tuple[NDArray, ...] = ()


@dataclass(frozen=True)
class Level:
    """One level of a study.

    Attributes:
        percent: sparsity in per cent; 0 is dense.
        ensemble: the networks.
        scaling: of their inputs and outputs.
        settings: of the study, with the levels up to this one; empty in files that do not record them.
    """

    percent: float
    ensemble: Ensemble
    scaling: Scaling
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Nodes by layer, inputs first."""
        return (self.ensemble.weights[0].shape[1], *(weight.shape[2] for weight in self.ensemble.weights))

    def network(self, index: int) -> Network:
        """Return one of the networks.

        Raises:
            ValueError: there is no network of that index, or its training diverged.
        """
        e = self.ensemble
        if not 0 <= index < len(e.losses):
            raise ValueError(f"index = {index}: expected 0 to {len(e.losses) - 1}")
        weights = tuple(np.where(m[index], w[index], np.float32(0)) for w, m in zip(e.weights, e.masks, strict=True))
        curve = [float(f"{loss:.4g}") for loss in e.curve[index] if np.isfinite(loss)]
        info = {"level": self.percent, "network": index, "steps": int(e.steps[index]),
                "test_loss": float(e.losses[index]), "learning_curve": curve}  # fmt: skip
        if "body" in self.settings:  # which the usual one is not
            info["body"] = self.settings["body"]
        try:
            return Network(weights, tuple(bias[index] for bias in e.biases), self.scaling, info)
        except ValueError as error:
            raise ValueError(f"network {index} of level {self.percent:g}: {error}") from None


def save_level(level: Level, file: Path) -> None:
    """Write a checkpoint, atomically and with a checksum."""
    e = level.ensemble
    tensors: dict[str, NDArray] = {name: getattr(level.scaling, name) for name in _SCALING}
    tensors |= {"curve": e.curve, "steps": e.steps, "losses": e.losses}
    for i, (weight, bias, mask) in enumerate(zip(e.weights, e.biases, e.masks, strict=True)):
        tensors |= {f"weight.{i}": weight, f"bias.{i}": bias, f"mask.{i}": np.packbits(mask)}
    tensors |= {f"optimiser.{i:03d}": leaf for i, leaf in enumerate(e.optimiser)}
    header = {"format": FORMAT, "level": level.percent, "sizes": level.sizes, "settings": level.settings}
    write_atomically(file, pack(tensors, header))


def load_level(file: Path) -> Level:
    """Read a checkpoint.

    Raises:
        DamagedFileError: the file is cut short or was changed.
        ValueError: it is missing, or is not a study's checkpoint.
    """
    if not file.is_file():
        raise ValueError(f"{file}: no such file")
    tensors, header = unpack(file)
    if header.get("format", FORMAT) != FORMAT or "losses" not in tensors or "mask.0" not in tensors:
        raise ValueError(f"{file}: holds {header.get('format')!r}, expected the networks of a study")
    try:
        layers = range(sum(name.startswith("weight.") for name in tensors))
        weights = tuple(tensors[f"weight.{i}"] for i in layers)
        masks = tuple(
            np.unpackbits(tensors[f"mask.{i}"], count=weight.size).reshape(weight.shape).astype(bool)
            for i, weight in enumerate(weights)
        )
        biases = tuple(tensors[f"bias.{i}"] for i in layers)
        moments = tuple(tensors[name] for name in sorted(tensors) if name.startswith("optimiser."))
        ensemble = Ensemble(weights, biases, masks, tensors["curve"], tensors["steps"], tensors["losses"], moments)
        scaling = Scaling(*(tensors[name] for name in _SCALING))
        level = Level(header["level"], ensemble, scaling, header.get("settings", {}))
        _check_shapes(level)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"{file}: not the networks of a study ({error})") from None
    return level


@lru_cache(maxsize=1)
def load_level_once(file: Path, written: int) -> Level:
    """Read a checkpoint, or return the one that was read last: many networks are taken from one file.

    Args:
        file: the checkpoint.
        written: when it was last written (ns), so that a file that has changed is read again.
    """
    return load_level(file)


def _check_shapes(level: Level) -> None:
    e, sizes = level.ensemble, level.sizes
    count = len(e.losses)
    for i, (weight, bias) in enumerate(zip(e.weights, e.biases, strict=True)):
        expected = (count, sizes[i], sizes[i + 1])
        if weight.shape != expected or bias.shape != (count, sizes[i + 1]):
            raise ValueError(f"layer {i} has weights {weight.shape} and biases {bias.shape}, expected {expected}")
    if e.steps.shape != (count,) or e.curve.ndim != 2 or len(e.curve) != count:
        raise ValueError(f"steps {e.steps.shape} and learning curves {e.curve.shape} of {count} networks")
