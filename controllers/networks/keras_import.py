"""Import of networks in Keras HDF5 files, such as those that Zahn et al. 2022 published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mothsim.controllers.networks.network import Network, Scaling
from mothsim.segments import INPUTS, OUTPUTS

_FIELDS = {"input_min": INPUTS, "input_max": INPUTS, "output_min": OUTPUTS, "output_max": OUTPUTS}


def import_keras(path: Path, scaling: Path) -> Network:
    """Read a Keras HDF5 file of dense layers (extra `[keras]`); pruned weights are zeros in it.

    Args:
        path: the `.h5` file.
        scaling: a JSON file with `input_min`, `input_max`, `output_min`, `output_max`, cgs units.

    Raises:
        ValueError: h5py is not installed, or either file does not hold what it should.
    """
    try:
        import h5py
    except ImportError:
        raise ValueError("reading Keras files needs h5py: pip install 'mothsim[keras]'") from None
    weights, biases = [], []
    try:
        with h5py.File(path, "r") as file:
            layers: Any = file["model_weights"]
            for name in layers.attrs["layer_names"]:
                arrays = [np.asarray(layers[name][key]) for key in layers[name].attrs["weight_names"]]
                if arrays:
                    weights.append(next(array for array in arrays if array.ndim == 2))
                    biases.append(next(array for array in arrays if array.ndim == 1))
    except (OSError, KeyError, StopIteration, AttributeError) as error:
        raise ValueError(f"{path}: not a Keras HDF5 file of dense layers, or cut short ({error})") from None
    info = {"source": Path(path).name, "protocol": "Zahn et al. 2022, Keras"}
    scales = read_scaling(scaling)
    try:
        return Network(tuple(weights), tuple(biases), scales, info)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path}: not an inverse model ({error})") from None


def read_scaling(path: Path) -> Scaling:
    """Read the scaling of Keras networks from a JSON file.

    Raises:
        ValueError: the file is not JSON, lacks a field of the right length, or a minimum is not below its maximum.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        arrays = {name: np.array(content[name], dtype=np.float64) for name in _FIELDS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a scaling file ({error})") from None
    for name, columns in _FIELDS.items():
        if arrays[name].shape != (len(columns),):
            raise ValueError(f"{path}: {name} has shape {arrays[name].shape}, expected {(len(columns),)}")
    try:
        return Scaling(**arrays)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
