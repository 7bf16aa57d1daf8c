import atexit
import io
import json
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mothsim import Flight, fly
from mothsim.body import make_body
from mothsim.controllers import LQR
from mothsim.metrics import error_between_decisions
from mothsim.records import load_flights, save_flights

FAST = np.array([0, 0, 1.5, 4.6, 900.0, 0, 0, 0])


@pytest.fixture(scope="module")
def flights() -> dict[str, Flight]:
    return {
        "one": fly(LQR(), "figure-eight", duration=0.6),
        "three moths": fly(LQR(), "step", duration=1.2, moths=3, body=make_body("bustamante2022-fs")),
        "lost": fly(LQR(), "hover", duration=0.4, starts=FAST),
    }


def test_flights_come_back_to_the_bit(flights: dict[str, Flight], tmp_path: Path) -> None:
    save_flights(flights, tmp_path / "new" / "flight.npz")
    back = load_flights(tmp_path / "new" / "flight.npz")
    assert list(back) == list(flights)
    for name, flight in flights.items():
        read = back[name]
        assert (read.body, read.trajectory.name) == (flight.body, flight.trajectory.name)
        assert read.trajectory.lost_distance == flight.trajectory.lost_distance
        for field in ("times", "states", "controls", "errors", "lost", "targets", "rms_error", "max_error"):
            np.testing.assert_array_equal(getattr(read, field), getattr(flight, field), strict=True)
        for curve in ("velocity", "angle"):
            expected = getattr(flight.trajectory, curve)(flight.times)
            np.testing.assert_array_equal(getattr(read.trajectory, curve)(flight.times), expected)
        np.testing.assert_array_equal(error_between_decisions(read), error_between_decisions(flight))
        assert (read.decision_seconds, read.wall_seconds) == (flight.decision_seconds, flight.wall_seconds)
    assert back["lost"].lost
    assert not back["one"].lost


def test_what_cannot_be_saved_is_refused(flights: dict[str, Flight], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"flight\.json.*\.npz"):
        save_flights(flights, tmp_path / "flight.json")
    for unnamed in ({}, next(iter(flights.values()))):
        with pytest.raises(ValueError, match="expected flights by name"):
            save_flights(unnamed, tmp_path / "flight.npz")  # pyright: ignore[reportArgumentType]
    for wrong in ({("lqr", 0): next(iter(flights.values()))}, {"lqr": None}):
        with pytest.raises(ValueError, match=r"flights\[.*expected a text and a flight"):
            save_flights(wrong, tmp_path / "flight.npz")  # pyright: ignore[reportArgumentType]
    assert not list(tmp_path.iterdir())


@cache
def _record() -> tuple[bytes, dict[str, Flight], Path]:
    """A record's bytes, what it holds, and where a damaged copy may lie."""
    folder = Path(mkdtemp())
    atexit.register(rmtree, folder)
    flights = {"one": fly(LQR(), "figure-eight", duration=0.6), "lost": fly(LQR(), "hover", duration=0.4, starts=FAST)}
    save_flights(flights, folder / "flight.npz")
    return (folder / "flight.npz").read_bytes(), flights, folder / "damaged.npz"


@pytest.fixture
def content() -> bytes:
    return _record()[0]


@settings(max_examples=150, deadline=None)
@given(cut=st.booleans(), place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_damaged_file_is_refused_by_name(cut: bool, place: float, flip: int) -> None:
    """A cut file, or one with a changed byte, is refused, or is read as it was."""
    content, original, file = _record()
    at = int(place * len(content))
    file.write_bytes(content[:at] if cut else content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :])
    try:
        read = load_flights(file)
    except ValueError as error:
        message = str(error)
    else:
        message = str(file)
        for name, flight in original.items():
            np.testing.assert_array_equal(read[name].states, flight.states)
    assert message.startswith(str(file))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "version 2"),
        ({"format": "other"}, "other"),
        ({"flights": [{"name": "x", "body": {}}]}, "trajectory"),
        ({"flights": []}, "no flights"),
    ],
)
def test_another_header_is_refused(change: dict, message: str, content: bytes, tmp_path: Path) -> None:
    with np.load(io.BytesIO(content)) as archive:
        arrays = dict(archive)
    arrays["header"] = np.array(json.dumps(json.loads(str(arrays["header"])) | change))
    np.savez(tmp_path / "changed.npz", **arrays)
    with pytest.raises(ValueError, match=rf"changed\.npz.*{message}"):
        load_flights(tmp_path / "changed.npz")


def test_an_older_file_knows_its_targets_at_the_decisions(content: bytes, tmp_path: Path) -> None:
    with np.load(io.BytesIO(content)) as archive:
        arrays = {name: values for name, values in archive.items() if not name.endswith("halfway")}
    np.savez(tmp_path / "older.npz", **arrays)
    flight = next(iter(load_flights(tmp_path / "older.npz").values()))
    np.testing.assert_array_equal(flight.targets, arrays["0/targets"])


def test_an_array_of_another_shape_is_refused(content: bytes, tmp_path: Path) -> None:
    with np.load(io.BytesIO(content)) as archive:
        arrays = dict(archive)
    arrays["0/states"] = arrays["0/states"][:, :7]
    np.savez(tmp_path / "changed.npz", **arrays)
    with pytest.raises(ValueError, match=r"changed\.npz.*0/states.*\(30, 7\).*\(30, 8\)"):
        load_flights(tmp_path / "changed.npz")
