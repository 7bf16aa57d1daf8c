"""Data sets of random segments as files, for training elsewhere: written piece by piece, with a README of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mothsim.body import MothBody
from mothsim.io import open_folder, write_atomically, written_aside
from mothsim.segments import BLOCK, INPUTS, RATE_RANGE, SPEED_RANGE, UNITS, Segments, generate, output_names
from mothsim.solver.propagate import SEGMENT

Format = Literal["npy", "parquet"]
TRAINING, TEST = 0, 1
"""Parts of a seed's data, each with its own random stream; training set 0 and test set 1 are those of `train`."""
_PIECE = 8 * BLOCK  # rows in memory at once, 36 MB
_NAMES = {TRAINING: "training", TEST: "test"}
_ALL_FILES = [f"{name}{end}" for name in _NAMES.values() for end in ("-inputs.npy", "-outputs.npy", ".parquet")]

Writer = Callable[[Segments], None]


def stream(seed: int, part: int) -> int:
    """Return the seed of the random stream of a part of a seed's data."""
    return seed + (part << 32)


def write_segments(
    folder: Path,
    segments: int,
    *,
    test_segments: int = 0,
    seed: int = 0,
    body: MothBody | None = None,
    body_name: str = "zahn2022",
    file_format: Format = "npy",
    callback: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write a training set, and a test set from another random stream, with a README; returns the files.

    Memory does not grow with the set. Every file is written aside and renamed at the end, so that a set that failed
    leaves the one before, whose place it takes else. The rows are those of `mothsim.segments.generate`, unscaled.

    Args:
        folder: made where there is none.
        segments: rows of the training set.
        test_segments: rows of the test set.
        seed: of the random streams.
        body: by default Zahn et al.'s.
        body_name: of the body, for the README.
        file_format: `npy` writes `training-inputs.npy` (N, 10) and `training-outputs.npy` (N, 7 or 8); `parquet` writes
            `training.parquet` with named columns, and needs the extra [parquet].
        callback: called with the number of rows after every piece.

    Raises:
        ValueError: an unknown format.
        OSError: a file could not be written.
        ImportError: pyarrow is not installed.
    """
    if file_format not in ("npy", "parquet"):
        raise ValueError(f"file_format = {file_format!r}: expected npy or parquet")
    body = body or MothBody()
    open_folder(folder)
    make = _npy if file_format == "npy" else _parquet
    files = []
    with ExitStack() as stack:  # which renames all of them at the end
        for part, count in ((TRAINING, segments), (TEST, test_segments)):
            if count == 0 and part == TEST:
                continue
            names = [f"{_NAMES[part]}-{kind}.npy" for kind in ("inputs", "outputs")]
            part_files = [folder / name for name in (names if file_format == "npy" else [f"{_NAMES[part]}.parquet"])]
            written = stack.enter_context(written_aside(part_files))
            with make(written, count, output_names(body)) as write:
                for first in range(0, count, _PIECE):
                    rows = min(_PIECE, count - first)
                    write(generate(rows, stream(seed, part), body=body, first=first))
                    if callback:
                        callback(rows)
            files += part_files
    for file in {folder / name for name in _ALL_FILES} - {*files}:  # of a set that was here before, and is no more
        file.unlink(missing_ok=True)
    readme = folder / "README.md"
    counts = {_NAMES[TRAINING]: segments, _NAMES[TEST]: test_segments}
    write_atomically(readme, _readme(counts, seed, body, body_name, files).encode())
    return [*files, readme]


@contextmanager
def _npy(files: list[Path], count: int, outputs: tuple[str, ...]) -> Iterator[Writer]:
    """Write two arrays row after row."""
    with ExitStack() as stack:
        streams = [stack.enter_context(file.open("wb")) for file in files]
        for one, columns in zip(streams, (INPUTS, outputs), strict=True):
            header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": (count, len(columns))}
            np.lib.format.write_array_header_2_0(one, header)

        def write(rows: Segments) -> None:
            streams[0].write(rows.inputs.tobytes())
            streams[1].write(rows.outputs.tobytes())

        yield write


@contextmanager
def _parquet(files: list[Path], _: int, outputs: tuple[str, ...]) -> Iterator[Writer]:
    """Write one table, a row group a piece."""
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError:
        raise ImportError('Parquet needs pyarrow: pip install "mothsim[parquet]"') from None
    names = (*INPUTS, *outputs)
    fields = [pa.field(name, pa.float32(), metadata={"unit": UNITS[name]}) for name in names]
    schema = pa.schema(fields)
    with ParquetWriter(files[0], schema) as writer:

        def write(rows: Segments) -> None:
            columns: list[Any] = [*rows.inputs.T, *rows.outputs.T]
            writer.write_table(pa.table([np.ascontiguousarray(column) for column in columns], schema=schema))

        yield write


def _readme(counts: dict[str, int], seed: int, body: MothBody, body_name: str, files: list[Path]) -> str:
    columns = [
        f"| {i} | `{name}` | {UNITS[name]} |" for names in (INPUTS, output_names(body)) for i, name in enumerate(names)
    ]
    columns.insert(len(INPUTS), "| | **outputs** | |")
    rows = "\n".join(f"| {name} | {count:,} |" for name, count in counts.items() if count)
    parameters = "\n".join(f"| `{name}` | {value!r} |" for name, value in dataclasses.asdict(body).items())
    listed = ", ".join(f"`{file.name}`" for file in files)
    return f"""# Random segments of a simulated hawkmoth

Made by mothsim {version("mothsim")} with `--seed {seed} --body {body_name}`; the same command writes the same rows.
Files: {listed}.
Numbers are float32 in cgs units, not scaled. A segment is {1000 * SEGMENT:g} ms of constant control.

| set | segments |
|---|---|
{rows}

Training and test set have random streams of their own. Drawn evenly: velocities of the joint +-{SPEED_RANGE:g} cm/s
along x and y, both angles in [0, 2 pi], both rates +-{RATE_RANGE:g} rad/s, force up to {body.force_limit:g} dyn in any
direction (components along and across the head-thorax), abdominal torque +-{body.abdomen_torque_limit:g} dyn cm,
wing torque +-{body.wing_torque_limit:g} dyn cm.
The joint starts at the origin; 0 in a name is the start of the segment, `_f` its end.

| column | inputs | unit |
|---|---|---|
{chr(10).join(columns)}

## The body

| parameter (cgs) | value |
|---|---|
{parameters}
"""
