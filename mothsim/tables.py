"""Tables as CSV: one row a dictionary, the same bytes for the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from mothsim.io import write_atomically

Row = dict[str, Any]


def as_csv(rows: Iterable[Row], columns: Sequence[str]) -> bytes:
    """Rows as CSV with a header; floats in the fewest digits that give them back, none as an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _written(row[name]) for name in columns} for row in rows)
    return text.getvalue().encode()


def write_table(rows: Sequence[Row], file: Path) -> None:
    """Write rows, which all have the columns of the first, in one piece."""
    write_atomically(file, as_csv(rows, list(rows[0])))


def read_table(file: Path) -> list[Row]:
    """Rows of a file that `write_table` wrote: numbers as numbers, truth as truth, empty fields as none."""
    with file.open(newline="", encoding="utf-8") as stream:
        return [{name: _read(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Rows by a key, in the order in which the keys come."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _written(value: Any) -> str:
    return "" if value is None else repr(float(value)) if isinstance(value, float) else str(value)


def _read(text: str) -> Any:
    if text in ("", "True", "False"):
        return None if text == "" else text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
