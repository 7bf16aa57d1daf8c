"""Arrays and a JSON header in one `.safetensors` file, with a checksum over both."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

_VERSION = 2
"""Of the metadata: since version 2 the checksum covers the header as well as the arrays."""


class DamagedFileError(ValueError):
    """A file that is cut short or whose content does not match its checksum."""


def pack(tensors: dict[str, np.ndarray], header: dict[str, Any]) -> bytes:
    """Return arrays and a header of JSON values as the bytes of a `.safetensors` file."""
    text = _as_text(header)
    content = {"version": _VERSION, "checksum": _checksum(tensors, text), "header": json.loads(text)}
    # One entry alone, since the library writes several in any order and files are compared bit by bit.
    metadata = {"mothsim": json.dumps(content, sort_keys=True)}
    return save({name: np.asarray(value, order="C") for name, value in tensors.items()}, metadata)


def unpack(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the arrays and the header of a file that `pack` made.

    Raises:
        DamagedFileError: the file is cut short or was changed.
        ValueError: it was not written by mothsim.
    """
    try:
        with safe_open(path, framework="numpy") as stream:
            metadata = stream.metadata() or {}
            names = stream.keys()
            tensors = {name: stream.get_tensor(name) for name in names}
    except (SafetensorError, OSError, TypeError, AttributeError) as error:  # the last two: a type that NumPy has not
        raise DamagedFileError(f"{path}: not a .safetensors file, or cut short ({error})") from None
    if "mothsim" not in metadata:
        raise ValueError(f"{path}: a .safetensors file, but not one of mothsim's")
    try:
        content = json.loads(metadata["mothsim"])
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path}: damaged, its header is no JSON ({error})") from None
    if isinstance(content, dict) and isinstance(content.get("header"), dict):
        header = content["header"]
        sound = content.get("version") == _VERSION and content.get("checksum") == _checksum(tensors, _as_text(header))
    else:  # version 1: the header beside a checksum of the arrays alone
        header = dict(content) if isinstance(content, dict) else {}
        sound = header.pop("crc32", None) == _checksum_of_values(tensors)
    if not sound:
        raise DamagedFileError(f"{path}: damaged, its checksum does not match its content")
    return tensors, header


def _as_text(header: dict[str, Any]) -> str:
    """Return the header as JSON that reading and writing it again does not change."""
    return json.dumps(json.loads(json.dumps(header)), sort_keys=True)


def _checksum(tensors: dict[str, np.ndarray], text: str) -> int:
    layout = [(name, value.dtype.str, value.shape) for name, value in sorted(tensors.items())]
    return zlib.crc32(f"{layout} {text}".encode(), _checksum_of_values(tensors))


def _checksum_of_values(tensors: dict[str, np.ndarray]) -> int:
    value = 0
    for name in sorted(tensors):
        value = zlib.crc32(np.ascontiguousarray(tensors[name]).tobytes(), zlib.crc32(name.encode(), value))
    return value
