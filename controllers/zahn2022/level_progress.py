"""Where the training of a study's level stands, kept in a file so that a study goes on in the middle of a level."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.learning.run_folder import plain
from mothsim.controllers.learning.trees import named_leaves, tree_from_leaves
from mothsim.controllers.networks.tensor_file import pack, unpack
from mothsim.io import write_atomically

PROGRESS = "progress.safetensors"
"""Name of the file in the folder of a study."""
SAVE_EVERY = 60.0
"""Seconds between writes."""
_RECORDS = ("running", "steps", "curve", "validation")


@dataclass
class LevelProgress:
    """State of the training of N networks at a level.

    Attributes:
        parameters: weights and biases.
        masks: one array a layer.
        optimiser: state of the optimiser.
        running: whether a network still trains (N,).
        steps: steps so far (N,).
        curve, validation: mean losses of each chunk of steps (N, chunks).
        chunks: number of chunks so far.
        reached: chunk from which on early stopping looks at losses.
        sparsity: that the masks have, per cent.
    """

    parameters: Any
    masks: Any
    optimiser: Any
    running: NDArray[np.bool_]
    steps: NDArray[np.int64]
    curve: NDArray[np.float32]
    validation: NDArray[np.float32]
    chunks: int = 0
    reached: int = 0
    sparsity: float = 0.0

    @property
    def _tree(self) -> Any:
        return self.parameters, self.masks, self.optimiser

    def pack(self, made_with: dict[str, Any]) -> bytes:
        """Return the content of a file, which says of which study and level it is."""
        tensors = named_leaves(self._tree) | {name: getattr(self, name) for name in _RECORDS}
        return pack(tensors, {"made_with": made_with, "chunks": self.chunks, "reached": self.reached,
                              "sparsity": self.sparsity})  # fmt: skip

    def resumed(self, file: Path, made_with: dict[str, Any], spread: Any) -> LevelProgress:
        """Return the progress that a file holds, where it is sound and of this study and level; else this start.

        Args:
            file: as `pack` made it.
            made_with: of the study and the level.
            spread: shares a tree of arrays of networks out over the devices.
        """
        try:
            tensors, header = unpack(file)
            records = {name: tensors[name] for name in _RECORDS}
            tree = tree_from_leaves(tensors, self._tree)
        except (ValueError, KeyError):
            return self
        if header.get("made_with") != plain(made_with):
            return self
        tree = spread(tree)
        return LevelProgress(*tree, **records, **{name: header[name] for name in ("chunks", "reached", "sparsity")})


class Writer:
    """Writes files one after the other while the training goes on; an error is raised at the next call or the end."""

    def __enter__(self) -> Writer:
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[Any] | None = None
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown()
        if kind is None:
            self._wait()

    def __call__(self, write: Callable[..., Any], *arguments: Any) -> None:
        """Call `write` with these arguments once what was asked for before is done."""
        self._wait()
        self._last = self._pool.submit(write, *arguments)

    def _wait(self) -> None:
        last, self._last = self._last, None
        if last:
            last.result()


class ProgressFile:
    """Writes progress from time to time.

    Args:
        file: where it is kept.
        made_with: of the study and the level.
        writer: that writes it.
    """

    def __init__(self, file: Path, made_with: dict[str, Any], writer: Writer) -> None:
        self.file, self.made_with, self._writer = file, made_with, writer
        self._saved = time.monotonic()

    def save(self, progress: LevelProgress) -> None:
        """Write, unless the last write was a moment ago."""
        if time.monotonic() - self._saved > SAVE_EVERY:
            now = replace(progress, **{name: getattr(progress, name).copy() for name in _RECORDS})
            self._writer(lambda: write_atomically(self.file, now.pack(self.made_with)))
            self._saved = time.monotonic()
