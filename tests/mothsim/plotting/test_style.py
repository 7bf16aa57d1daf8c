import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from PIL import Image

from mothsim import Flight, fly
from mothsim.controllers import LQR
from mothsim.plotting.animation import animate
from mothsim.plotting.figures import draw_flight, encode_figure, save_figure
from mothsim.plotting.moth_diagram import write_moth_diagram

HOSTILE: Any = {
    "text.usetex": True, "font.family": "No Such Font", "font.size": 31, "savefig.bbox": "tight", "figure.dpi": 37,
    "axes.titlesize": 40, "savefig.transparent": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def flight() -> Flight:
    return fly(LQR(), "hover", duration=0.1)


def test_settings_of_the_user_do_not_reach_a_picture(flight: Flight, tmp_path: Path) -> None:
    expected = encode_figure(draw_flight(flight))
    animate(flight, tmp_path / "expected.gif")
    write_moth_diagram(tmp_path / "expected.svg")
    with matplotlib.rc_context(HOSTILE):
        assert encode_figure(draw_flight(flight)) == expected
        animate(flight, tmp_path / "flight.gif")
        write_moth_diagram(tmp_path / "moth.svg")
        assert matplotlib.rcParams["font.size"] == 31
    assert (tmp_path / "flight.gif").read_bytes() == (tmp_path / "expected.gif").read_bytes()
    assert (tmp_path / "moth.svg").read_bytes() == (tmp_path / "expected.svg").read_bytes()


def test_a_picture_has_the_size_asked_for(flight: Flight, tmp_path: Path) -> None:
    figure = draw_flight(flight)
    save_figure(figure, tmp_path / "flight.png", dpi=50)
    assert Image.open(BytesIO((tmp_path / "flight.png").read_bytes())).size == (550, 350)
    with pytest.raises(ValueError, match="xyz"):
        save_figure(figure, tmp_path / "flight.xyz")
    assert [file.name for file in tmp_path.iterdir()] == ["flight.png"]


def test_no_thread_stays_behind_without_a_bar(flight: Flight, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    animate(flight, tmp_path / "flight.gif")
    assert set(threading.enumerate()) <= before
