"""Output of the commands: a short table for people, or one JSON object for programs, and folders for files."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result on standard output, as JSON or as a table of two columns."""
    if as_json:
        print(json.dumps({key: _plain(value) for key, value in result.items()}))
        return
    width = max(len(key) for key in result)
    for key, value in result.items():
        print(f"{key:<{width}}  {_readable(value)}")


def show_rows(results: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Print results on standard output: some columns as a table, a row each; or all as `{"flights": [...]}`."""
    if as_json:
        print(json.dumps({"flights": [_plain(dict(result)) for result in results]}))
        return
    cells = [columns, *([_readable(result[name]) for name in columns] for result in results)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def wrote(*files: Path, quiet: bool = False) -> None:
    """List on standard error the files that were written."""
    if not quiet:
        print("wrote " + ", ".join(str(file) for file in files), file=sys.stderr)


def left_over(folder: Path, written: Sequence[Path], *stems: str) -> None:
    """List on standard error what an earlier run wrote to a folder under these names and this one did not."""
    old = [file for stem in stems for file in sorted(folder.glob(f"{stem}.*")) if file not in written]
    if old:
        print("from an earlier run: " + ", ".join(str(file) for file in old), file=sys.stderr)


def _plain(value: Any) -> Any:
    """Convert a value for JSON: paths to text, numbers that are not finite to null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _readable(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_readable(item) for item in value)
    return "-" if value is None else str(value)
