"""Data sets on disk are the segments they name, and a set that fails leaves the one before."""

from pathlib import Path

import numpy as np
import pytest

from mothsim import segment_files
from mothsim.controllers.learning.data import TESTING, make_dataset
from mothsim.segment_files import TEST, stream, write_segments
from mothsim.segments import BLOCK, INPUTS, OUTPUTS, generate


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_files, "_PIECE", BLOCK)


def test_arrays_written_in_pieces_are_the_whole_set(tmp_path: Path) -> None:
    rows: list[int] = []
    files = write_segments(tmp_path, BLOCK + 100, test_segments=50, seed=3, callback=rows.append)
    assert rows == [BLOCK, 100, 50]
    assert [file.name for file in files] == [
        "training-inputs.npy", "training-outputs.npy", "test-inputs.npy", "test-outputs.npy", "README.md"
    ]  # fmt: skip
    whole, test = generate(BLOCK + 100, 3), generate(50, stream(3, TEST))
    found = [np.load(file) for file in files[:4]]
    for one, other in zip(found, (whole.inputs, whole.outputs, test.inputs, test.outputs), strict=True):
        assert np.array_equal(one, other)
    tests = make_dataset(50, 3, TESTING)  # as networks are tested on
    assert np.allclose(tests.scaling.scale_outputs(found[3]), tests.outputs, atol=1e-6)
    readme = files[-1].read_text()
    assert "--seed 3 --body zahn2022" in readme
    assert "| training | 65,636 |" in readme
    assert "| 2 | `tau` | dyn cm |" in readme
    assert "| `abdomen_half_length` | 1.9 |" in readme


def test_a_table_has_the_same_numbers_with_their_units(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file, _ = write_segments(tmp_path, BLOCK + 100, seed=3, file_format="parquet")
    table = parquet.read_table(file)
    assert table.column_names == [*INPUTS, *OUTPUTS]
    assert table.schema.field("F_x").metadata == {b"unit": b"dyn"}
    whole = generate(BLOCK + 100, 3)
    assert np.array_equal(np.column_stack([table[name] for name in OUTPUTS]), whole.outputs)


def test_a_set_that_fails_leaves_the_one_before(tmp_path: Path) -> None:
    write_segments(tmp_path, 100, seed=1)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(_: int) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_segments(tmp_path, 200, seed=2, callback=full)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    with pytest.raises(ValueError, match="file_format = 'csv': expected npy or parquet"):
        write_segments(tmp_path, 10, file_format="csv")  # pyright: ignore[reportArgumentType]


def test_a_set_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    write_segments(tmp_path, 100, test_segments=50, seed=1)
    (tmp_path / "mine.npy").touch()
    files = write_segments(tmp_path, 100, seed=2)
    assert {*tmp_path.iterdir()} == {*files, tmp_path / "mine.npy"}


def test_pieces_begin_with_a_block() -> None:
    assert np.array_equal(generate(10, 3, first=BLOCK).inputs, generate(BLOCK + 10, 3).inputs[BLOCK:])
    with pytest.raises(ValueError, match="first = 5: expected a multiple of 65536"):
        generate(10, 3, first=5)
