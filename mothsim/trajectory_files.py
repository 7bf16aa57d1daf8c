"""Target trajectories in CSV files: rows of `t, x, y[, theta]` in s, cm and rad, and the curves through them."""

from __future__ import annotations

import csv
import hashlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO, get_args

import numpy as np
from numpy.typing import NDArray

from mothsim.angles import LARGEST, require_radians

if TYPE_CHECKING:
    from scipy.interpolate import PPoly

Array = NDArray[np.floating]
Interpolation = Literal["pchip", "linear", "cubic"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)

_UNITS = {"t": "s", "x": "cm", "y": "cm", "theta": "rad"}
_HEADERS = (["t", "x", "y"], ["t", "x", "y", "theta"])
_COLUMN = re.compile(r"(\w+)\s*(?:[(\[](.*)[)\]])?")


@dataclass(frozen=True)
class Curve:
    """A coordinate of the target over time; equal for equal rows, whatever file they were read from.

    Attributes:
        rows: digest of the rows and of their interpolation.
        columns: of the coordinates: x and y (0, 1), or theta, 2.
        rate: whether it gives the rate of change.
        curve: piecewise polynomials through the rows (T, 2) or (T, 3).
    """

    rows: str
    columns: tuple[int, int] | int
    rate: bool
    curve: PPoly = field(compare=False, repr=False)

    def __call__(self, t: Array) -> Array:
        """Values (T, columns), or (T,) of theta, at times (T,): at rest before the first row and after the last."""
        first, last = self.curve.x[0], self.curve.x[-1]
        if self.rate:
            moving = (t >= first) & (t < last)
            values = np.where(moving[:, None], self.curve(t, 1), 0.0)
        else:
            values = self.curve(np.clip(t, first, last))
        return values[:, list(self.columns) if isinstance(self.columns, tuple) else self.columns]


@dataclass(frozen=True)
class FileCurves:
    """The curves of a file.

    Attributes:
        position, velocity: (T, 2) at times (T,), cm and cm/s.
        angle: theta (T,), rad, or `None` where the file gives none.
        times: (T,) of the rows, s.
    """

    position: Curve
    velocity: Curve
    angle: Curve | None
    times: Array


def read_curves(file: Path, interpolation: Interpolation) -> FileCurves:
    """Read a CSV file and interpolate between its rows.

    A byte-order mark, blank lines, comments after `#`, trailing commas and units in the header (`t (s)`) are read.

    Args:
        file: columns `t, x, y` or `t, x, y, theta`, in s, cm and rad; two or more rows, t increasing. Theta is
            unwrapped: of two neighbouring rows it takes the shorter way round.
        interpolation: `pchip`, monotone between neighbouring rows; `linear`; or `cubic`, a natural spline, which may
            leave the range of its rows.

    Raises:
        ValueError: an unknown interpolation, or a file that does not hold a trajectory; names the file and the line.
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation = {interpolation!r}: expected one of {', '.join(INTERPOLATIONS)}")
    table = _read(file)
    times, values = table[:, 0].copy(), table[:, 1:].copy()
    del table
    if values.shape[1] == 3:
        values[:, 2] = np.unwrap(values[:, 2])
    digest = hashlib.sha256(f"{interpolation} {values.shape[1]}".encode())
    digest.update(times.tobytes())
    digest.update(values.tobytes())
    rows = digest.hexdigest()
    with np.errstate(all="ignore"):
        curve = _interpolate(times, values, interpolation)
    if not (sound := np.isfinite(curve.c).all(axis=(0, 2))).all():
        after = float(times[np.argmin(sound)])
        raise ValueError(f"trajectory = {str(file)!r}: the rows from t = {after!r} on are too far apart to interpolate")
    angle = Curve(rows, 2, False, curve) if values.shape[1] == 3 else None
    return FileCurves(Curve(rows, (0, 1), False, curve), Curve(rows, (0, 1), True, curve), angle, times)


def _interpolate(times: Array, values: Array, interpolation: Interpolation) -> PPoly:
    from scipy import interpolate  # half of what importing mothsim would take

    if interpolation == "linear":
        slopes = np.diff(values, axis=0) / np.diff(times)[:, None]
        return interpolate.PPoly(np.stack([slopes, values[:-1]]), times)
    coefficients = np.empty((4, len(times) - 1, values.shape[1]))
    kind = interpolate.PchipInterpolator if interpolation == "pchip" else _natural
    for column, points in enumerate(values.T):  # one after another, for less memory
        coefficients[..., column] = kind(times, points).c
    return interpolate.PPoly(coefficients, times)


def _natural(times: Array, points: Array) -> PPoly:
    from scipy.interpolate import CubicSpline

    return CubicSpline(times, points, bc_type="natural")


def _read(file: Path) -> Array:
    """The rows (T, 3) or (T, 4) of a file, checked."""
    try:
        with file.open(newline=None, encoding="utf-8-sig") as stream:
            names, line = _header(file, stream)
            try:
                with warnings.catch_warnings(action="ignore"):  # of no rows, which `_check` refuses
                    rows = (text.rstrip(", \t\n") for text in stream)
                    table = np.loadtxt(rows, delimiter=",", comments="#", ndmin=2)
            except ValueError:  # a fault, which reading line by line finds
                table = None
        if table is None or table.shape[1] != len(names) or not table.size:
            table = _read_slowly(file, names, line)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"trajectory = {str(file)!r}: cannot be read ({error})") from None
    _check(file, names, line, table)
    return table


def _header(file: Path, stream: TextIO) -> tuple[list[str], int]:
    """The names of the columns, and the number of their line."""
    number, cells = 0, []
    while not cells and (text := stream.readline()):
        number, cells = number + 1, _cells(text)
    parts = [_COLUMN.fullmatch(cell.lower()) for cell in cells]
    names = [part[1] if part else cell for part, cell in zip(parts, cells, strict=True)]
    if names not in _HEADERS:
        raise _fault(file, max(1, number), f"expected the header t,x,y or t,x,y,theta, not {','.join(cells)!r}")
    for name, part in zip(names, parts, strict=True):
        if part and part[2] is not None and part[2].strip() != _UNITS[name]:
            raise _fault(file, number, f"the unit of {name} is {part[2]!r}: expected {_UNITS[name]}")
    return names, number


def _cells(text: str) -> list[str]:
    """The cells of a line without comments and trailing commas; none in a blank line."""
    content = text.split("#", 1)[0].strip()
    while content.endswith(","):
        content = content[:-1].rstrip()
    return [cell.strip() for cell in next(csv.reader([content]), [])]


def _lines(file: Path, header: int) -> Iterator[tuple[int, list[str]]]:
    """The rows below a header line, each with the number of its line."""
    with file.open(newline=None, encoding="utf-8-sig") as stream:
        for number, text in enumerate(stream, 1):
            if number > header and (cells := _cells(text)):
                yield number, cells


def _read_slowly(file: Path, names: list[str], header: int) -> Array:
    """Rows line by line; raises at the first that does not hold numbers."""
    rows, number = [], header
    for number, cells in _lines(file, header):
        if len(cells) != len(names):
            raise _fault(file, number, f"expected {len(names)} numbers ({','.join(names)}), not {len(cells)}")
        for name, cell in zip(names, cells, strict=True):
            try:
                if "_" in cell:  # which Python reads as part of a number
                    raise ValueError
                rows.append(float(cell))
            except ValueError:
                raise _fault(file, number, f"{name} = {cell!r}: expected a number") from None
    return np.array(rows, dtype=np.float64).reshape(-1, len(names))


def _check(file: Path, names: list[str], header: int, table: Array) -> None:
    def line(row: int) -> int:
        return next(number for index, (number, _) in enumerate(_lines(file, header)) if index == row)

    if len(table) < 2:
        number = line(len(table) - 1) if len(table) else header
        raise _fault(file, number, f"expected two or more rows below the header, not {len(table)}")
    if not (finite := np.isfinite(table)).all():
        row, column = np.argwhere(~finite)[0].tolist()
        raise _fault(file, line(row), f"{names[column]} = {table[row, column]}: expected a finite number")
    if not (rising := np.diff(table[:, 0]) > 0).all():
        row = int(np.argmin(rising)) + 1
        before, at = table[row - 1 : row + 1, 0].tolist()
        raise _fault(file, line(row), f"t = {at} after {before}: expected t increasing")
    if table.shape[1] == 4 and (off := ~(np.abs(table[:, 3]) <= LARGEST)).any():
        row = int(np.argmax(off))
        try:
            require_radians("theta", float(table[row, 3]))
        except ValueError as error:
            raise _fault(file, line(row), str(error)) from None


def _fault(file: Path, line: int, message: str) -> ValueError:
    return ValueError(f"trajectory = {str(file)!r}, line {line}: {message}")
