import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from mothsim import fly
from mothsim.controllers import LQR
from mothsim.plotting.animation import animate
from mothsim.plotting.figures import draw_flight, save_figure


def test_picture_and_animation_are_drawn(tmp_path: Path) -> None:
    flight = fly(LQR(), "sine", duration=0.6)
    save_figure(draw_flight(flight, "LQR"), tmp_path / "new" / "flight.png")
    animate(flight, tmp_path / "flight.gif")
    picture = np.asarray(Image.open(tmp_path / "new" / "flight.png").convert("RGB"))
    assert picture.std() > 10
    film = Image.open(tmp_path / "flight.gif")
    frames = [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(film)]
    assert len(frames) == 6
    assert all(np.abs(later - earlier).sum() > 0 for earlier, later in itertools.pairwise(frames))


def test_a_lost_flight_is_drawn_too(tmp_path: Path) -> None:
    start = np.array([0, 0, 1.5, 4.6, 900.0, 0, 0, 0])
    flight = fly(LQR(), "hover", duration=0.3, starts=start)
    assert flight.lost
    save_figure(draw_flight(flight), tmp_path / "lost.png")
    animate(flight, tmp_path / "lost.gif")


def test_a_moth_that_spins_is_drawn_in_turns() -> None:
    flight = fly(LQR(), "hover", duration=0.1)
    labels = []
    for turns in (0, 20):
        flight.states[:, 2:4] += np.linspace(0, 2 * np.pi * turns, len(flight.states))[:, None]
        labels.append({axes.get_ylabel() for axes in draw_flight(flight).axes})
    assert labels[0] ^ labels[1] == {"angle, degrees", "angle, turns"}


def test_errors_of_no_interest_leave_the_others_their_room() -> None:
    flight = fly(LQR(), "hover", duration=0.2)
    flight.errors[5:] = 1e-14
    (error,) = (axes for axes in draw_flight(flight).axes if axes.get_ylabel() == "error, mm")
    assert error.get_ylim()[0] == 1e-4
    assert error.get_ylim()[1] > 10 * flight.errors.max()


def test_many_moths_are_refused() -> None:
    flight = fly(LQR(), "hover", duration=0.1, moths=2)
    with pytest.raises(ValueError, match="one moth"):
        draw_flight(flight)
    with pytest.raises(ValueError, match=r"\.gif"):
        animate(flight.moth(0), Path("flight.mp4"))
