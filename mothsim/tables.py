"""Typed tables as CSV files: a row is a dictionary, a schema gives the type of every column.

The same rows give the same bytes, and `read_table` gives the same rows back: floats to the last bit, and text as it
was, whatever it looks like (`007`, `1e5`, `nan`, `True`). No value is guessed from its text. An empty field is no
value, `None`, in a column of numbers or of truth values, and the empty text in a column of text.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

from mothsim.io import write_atomically

Row = dict[str, Any]
T = TypeVar("T")
Schema = Mapping[str, type]
"""The columns of a table in order, each with its type: `str`, `int`, `float` or `bool`."""

# File names may hold bytes that are not UTF-8; they come back as they were.
_ENCODING = "utf-8", "surrogateescape"


def as_csv(rows: Iterable[Row], columns: Iterable[str]) -> bytes:
    """Write rows as CSV with a header.

    Args:
        rows: each with a value in every column; more are left out.
        columns: names, or a schema.

    Raises:
        ValueError: a row lacks a column.
    """
    columns = list(columns)
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")  # it quotes the letters that end its lines, and no others
    writer.writerow(columns)
    for number, row in enumerate(rows):
        if lacking := [name for name in columns if name not in row]:
            raise ValueError(f"rows[{number}]: expected a value for {', '.join(lacking)}")
        writer.writerow([_format(row[name]) for name in columns])
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines).encode(*_ENCODING)


def write_table(rows: Sequence[Row], file: Path, schema: Schema | None = None) -> None:
    """Write a table to a file in one piece.

    Args:
        rows: each with a value in every column.
        file: ends in `.csv`; its folder is made.
        schema: the columns; by default those of the first row.

    Raises:
        ValueError: a row lacks a column, or there are neither rows nor a schema.
        OSError: the file cannot be written.
    """
    if schema is None and not rows:
        raise ValueError(f"{file}: expected rows, or a schema for a table without any")
    write_atomically(file, as_csv(rows, rows[0] if schema is None else schema))


def read_table(file: Path, schema: Schema) -> list[Row]:
    """Read a table from a file.

    Args:
        file: as `write_table` wrote it.
        schema: the columns in their order, and their types.

    Raises:
        ValueError: another header, a row that is too short or too long, or a value that is not of its column's type;
            names the file, the line and the value.
        OSError: the file cannot be read.
    """
    encoding, errors = _ENCODING
    with file.open(newline="", encoding=encoding, errors=errors) as stream:
        lines = csv.reader(stream, strict=True)
        try:
            header = next(lines, [])
            if header != list(schema):
                raise ValueError(f"expected the columns {','.join(schema)}, not {','.join(header)}")
            return [_row(line, schema) for line in lines]
        except (ValueError, csv.Error) as error:
            raise ValueError(f"{file}, line {max(1, lines.line_num)}: {error}") from None


def grouped(rows: Iterable[T], key: Callable[[T], Any]) -> dict[Any, list[T]]:
    """Rows by a key, in the order in which the keys come."""
    groups: dict[Any, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


class _Lines(list[str]):
    """Lines of CSV as its writer gives them, one a call."""

    def write(self, line: str) -> None:
        self.append(line)


def _row(line: list[str], schema: Schema) -> Row:
    if len(line) != len(schema):
        raise ValueError(f"expected {len(schema)} values, not {len(line)}")
    return {name: _parse(text, name, kind) for text, (name, kind) in zip(line, schema.items(), strict=True)}


def _format(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Real) and not isinstance(value, (Integral, bool)):
        return repr(float(value))
    return str(value)


_TRUTH = {"True": True, "False": False}
_EXPECTED = {int: "a whole number", float: "a number", bool: "True or False"}


def _parse(text: str, name: str, kind: type) -> Any:
    if kind is str:
        return text
    if text == "":
        return None
    try:
        return _TRUTH[text] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise ValueError(f"{name} = {text!r}: expected {_EXPECTED[kind]}") from None
