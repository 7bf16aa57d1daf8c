"""The finished parts of an evaluation, a small table each, kept so that interrupted work goes on.

A file is named by a key, which holds all that its rows depend on, and by a checksum of its content: what is empty,
cut, changed or foreign is not read but made again.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mothsim.io import write_atomically
from mothsim.tables import Row, Schema, as_csv, read_table

_DIGITS = 16


def print_line(line: str) -> None:
    """Print a line on standard error."""
    print(f"mothsim: {line}", file=sys.stderr)


class Parts:
    """The parts in a folder.

    Args:
        folder: where they are kept.
        log: called with a line for every damaged part.
    """

    def __init__(self, folder: Path, log: Callable[[str], object]) -> None:
        self.folder, self._log = folder, log
        self._files: dict[str, list[Path]] = {}
        for file in sorted(folder.glob("*-*.csv")):
            self._files.setdefault(file.name.partition("-")[0], []).append(file)

    def read(self, key: str, schema: Schema) -> list[Row] | None:
        """Return the rows of a part, or none where it is missing or damaged."""
        for file in self._files.get(key, ()):
            content = file.read_bytes()
            if file.stem == f"{key}-{_checksum(content)}":
                return read_table(file, schema)
            self._log(f"{file}: damaged, made again")
            file.unlink()
        return None

    def write(self, key: str, rows: Sequence[Row], schema: Schema) -> None:
        """Write a part in one piece."""
        content = as_csv(rows, schema)
        write_atomically(self.folder / f"{key}-{_checksum(content)}.csv", content)


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
