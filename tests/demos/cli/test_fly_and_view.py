"""Several flights of one command, their record and their viewer."""

import json
import re
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mothsim
from mothsim import controllers
from mothsim.controllers import LQR
from mothsim.demos.cli.main import main
from mothsim.plotting.viewer.page import MAX_MOTHS


def lean(t: float) -> tuple[float, float, float]:
    """A target of x, y and theta."""
    return 0.0, 0.0, 1.5


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was opened with."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    monkeypatch.setenv("DISPLAY", ":0")
    return addresses


def names(page: Path) -> list[str]:
    return re.findall(r'"name": "([^"]+)"', page.read_text(encoding="utf-8"))


def test_several_controllers_and_networks_fly_from_one_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], opened: list[str]
) -> None:
    out, record = tmp_path / "out", tmp_path / "records" / "flights.npz"
    command = ["fly", "--controller", "lqr", "inverse-model", "--network", "small", "fewest", "--duration", "1"]
    assert main([*command, "--out", str(out), "--save", str(record), "--view", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["flights"]
    assert [(row["controller"], row["network"]) for row in rows] == [
        ("lqr", None), ("inverse-model", "small"), ("inverse-model", "fewest"),
    ]  # fmt: skip
    flights = mothsim.load_flights(record)
    assert list(flights) == names(out / "flight.html") == ["lqr", "small", "fewest"]
    assert opened == [(out / "flight.html").as_uri()]
    for row, flight in zip(rows, flights.values(), strict=True):
        np.testing.assert_array_equal(flight.states[0], flights["lqr"].states[0])
        assert row["rms_error_cm"] == (None if flight.lost else flight.rms_error)
    assert np.asarray(Image.open(out / "flight.png").convert("L")).std() > 10
    assert not (out / "flight.gif").exists()

    assert main(["fly", "--network", "small", "--duration", "1", "--out", str(out), "--no-animation", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rms_error_cm"] == rows[1]["rms_error_cm"]  # alone as beside others


def test_the_table_has_a_row_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly", "--controller", "lqr", "mppi", "--duration", "0.1", "--out", str(tmp_path)]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["controller", "network", "weights", "rms_error_cm"]
    assert [row.split()[:3] for row in rows] == [["lqr", "-", "-"], ["mppi", "-", "-"]]


def test_each_network_is_flown_by_the_controller_of_its_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fly", "--network", "small", "alone-6", "--duration", "0.1", "--json", "--out", str(tmp_path)]
    assert main(command) == 0
    rows = json.loads(capsys.readouterr().out)["flights"]
    assert [(row["controller"], row["network"]) for row in rows] == [("inverse-model", "small"), ("policy", "alone-6")]


def test_many_moths_fly_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str], opened: list[str]) -> None:
    command = ["fly", "--controller", "lqr", "policy", "--moths", "10", "--trajectory", "hover", "--duration", "0.6"]
    assert main([*command, "--out", str(tmp_path), "--view", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["flights"]
    flights = [mothsim.fly(controllers.make(name), "hover", duration=0.6, moths=10) for name in ("lqr", "policy")]
    assert [row["rms_error_cm"] for row in rows] == [float(np.median(flight.rms_error)) for flight in flights]
    assert [row["max_error_cm"] for row in rows] == [float(np.max(flight.max_error)) for flight in flights]
    assert [row["lost"] for row in rows] == [0, 0]
    assert len(names(tmp_path / "flight.html")) == MAX_MOTHS
    assert f"the first {MAX_MOTHS} of 20 moths" in (tmp_path / "flight.html").read_text(encoding="utf-8")


def test_view_writes_the_page_beside_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flight = mothsim.fly(LQR(), "hover", duration=0.1, moths=2)
    mothsim.save_flights({"lqr": flight}, tmp_path / "flight.npz")
    assert main(["view", str(tmp_path / "flight.npz"), "--no-open"]) == 0
    assert names(tmp_path / "flight.html") == ["lqr #0", "lqr #1"]
    assert opened == []
    assert main(["view", str(tmp_path / "flight.npz"), "--out", str(tmp_path / "new" / "page.html")]) == 0
    assert opened == [(tmp_path / "new" / "page.html").as_uri()]
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert main(["view", str(tmp_path / "flight.npz")]) == 0
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly", "--controller", "lqr", "lqr"], "controller = 'lqr': expected each once"),
        (["fly", "--network", "small", "small"], "network = 'small': expected each once"),
        (["fly", "--controller"], "controller, network: expected one or more"),
        (["fly", "--controller", "lqr", "--network", "small"], "network = small: expected networks that lqr fly"),
        (
            ["fly", "--network", "alone", "--waypoint", "kinematic"],
            "waypoint = 'kinematic': expected the inverse model",
        ),
        (["fly", "--controller", "policy", "inverse-model", "--network", "small"], "controller = policy: expected"),
        (["fly", "--trajectory", f"{__file__}:lean", "--angle", "1.2"], "lean' has body angles of its own"),
        (["fly", "--save", "flight.json"], "save = 'flight.json': expected a name that ends in .npz"),
        (["view", "a.npz", "--out", "a.npz"], "out = 'a.npz': expected a name that ends in .html"),
        (["view", __file__], "test_fly_and_view.py: expected flights saved by mothsim"),
    ],
)
def test_mistakes_are_found_before_a_flight(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not list(tmp_path.rglob("*.npz")) + list(tmp_path.rglob("*.html")) + list(tmp_path.rglob("*.png"))


def test_a_picture_is_a_vector_graphic_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fly", "--controller", "lqr", "--duration", "0.1", "--no-animation", "--out", str(tmp_path)]
    for kind, begin in (("svg", b"<?xml"), ("pdf", b"%PDF")):
        assert main([*command, "--picture", kind]) == 0
        assert (tmp_path / f"flight.{kind}").read_bytes().startswith(begin)
    assert f"from an earlier run: {tmp_path / 'flight.svg'}\n" in capsys.readouterr().err
