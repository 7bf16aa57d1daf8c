import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mothsim import Flight, fly, propagate
from mothsim.controllers import LQR
from mothsim.plotting.viewer.page import MAX_MOTHS, viewer_element, viewer_page, viewer_script

if TYPE_CHECKING:
    from tests.mothsim.plotting.viewer.conftest import Browser

VIEWER = "document.querySelector('flight-viewer')"
NAMES = ("dense", "sparse-98", "lqr <img src=x onerror=console.error(1)>", "small & fast")
SPIN = np.array([0, 0, 1.5, 4.6, 0, 0, 60.0, -60.0])


@pytest.fixture(scope="module")
def four() -> dict[str, Flight]:
    """Ten seconds of four moths."""
    flight = fly(LQR(), "figure-eight", duration=10.0, moths=4)
    return {name: flight.moth(i) for i, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def page(four: dict[str, Flight], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("viewer") / "flight.html"
    file.write_text(viewer_page(four), encoding="utf-8")
    return file


def test_the_page_is_small_and_stands_alone(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) < 300_000
    assert set(re.findall(r"https?://[^'\" ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "<img" not in text


def test_a_target_that_all_have_is_stored_once(four: dict[str, Flight]) -> None:
    assert viewer_element(four).count('"motion"') == 1


def test_many_moths_are_shown_one_by_one_up_to_a_limit() -> None:
    flight = fly(LQR(), "hover", duration=0.1, moths=MAX_MOTHS + 4)
    names = re.findall(r'"name": "([^"]+)"', viewer_element({"lqr": flight}))
    assert names == [f"lqr #{i}" for i in range(MAX_MOTHS)]
    with pytest.raises(ValueError, match="one or more"):
        viewer_page({})


def test_it_renders_plays_and_scrubs(browser: "Browser", page: Path, four: dict[str, Flight]) -> None:
    browser.open(page, 1200, 900)
    assert browser.run(f"{VIEWER}.views.length") == 4
    browser.wait(f"{VIEWER}.time > 0.1")  # it plays from the start
    browser.press(" ")
    assert not browser.run(f"{VIEWER}.playing")
    shown = browser.run(f"[...{VIEWER}.shadowRoot.querySelectorAll('em')].map((name) => name.textContent)")
    assert tuple(shown) == NAMES
    browser.run(f"{VIEWER}.seek(2.5)")
    first = browser.run(f"{VIEWER}.views[1].canvas.toDataURL()")
    states = browser.run(f"{VIEWER}.tracks.map((track) => track.state(2.5))")
    np.testing.assert_allclose(states, [flight.states[125, :4] for flight in four.values()], atol=1e-6)
    errors = browser.run(f"[...{VIEWER}.shadowRoot.querySelectorAll('b')].map((error) => error.textContent)")
    assert errors == [f"{flight.errors[125]:.3f} cm" for flight in four.values()]
    browser.run(f"{VIEWER}.scrubber.value = 7; {VIEWER}.scrubber.dispatchEvent(new Event('input'))")
    assert browser.run(f"{VIEWER}.time") == 7
    assert browser.run(f"{VIEWER}.views[1].canvas.toDataURL()") != first
    assert "7.00 s of 9.98 s" in browser.run(f"{VIEWER}.clock.textContent")
    assert browser.complaints() == []


def test_the_keyboard_does_what_the_footer_tells(browser: "Browser", page: Path) -> None:
    browser.open(page, 1200, 900)
    browser.press(" ")
    browser.run(f"{VIEWER}.seek(2)")
    for key, shift, time in (("ArrowRight", False, 2.02), ("ArrowRight", True, 3.02), ("ArrowLeft", False, 3.0),
                             ("End", False, 9.98), ("Home", False, 0.0)):  # fmt: skip
        browser.press(key, shift=shift)
        assert browser.run(f"{VIEWER}.time") == pytest.approx(time)
    changes = (("f", "follow", False, True), ("a", "arrows", True, False), ("+", "zoom", 1, 1.25),
               ("-", "zoom", 1.25, 1), ("[", "speed", 1, 0.5), ("]", "speed", 0.5, 1))  # fmt: skip
    for key, name, before, after in changes:
        assert browser.run(f"{VIEWER}.{name}") == before, key
        picture = browser.run(f"{VIEWER}.views[0].canvas.toDataURL()")
        browser.press(key)
        assert browser.run(f"{VIEWER}.{name}") == after, key
        if name != "speed":
            assert browser.run(f"{VIEWER}.views[0].canvas.toDataURL()") != picture, key
    browser.press("t")
    assert browser.run(f"{VIEWER}.views.length") == 1
    browser.press("End")
    browser.press(" ")  # at the end, play begins anew
    browser.wait(f"{VIEWER}.playing && {VIEWER}.time < 9")
    assert browser.complaints() == []


def test_it_fits_a_phone_and_a_finger_scrubs(browser: "Browser", page: Path) -> None:
    browser.open(page, 390, 844, phone=True)
    browser.run(f"{VIEWER}.pause()")
    assert browser.run("document.documentElement.scrollWidth") == 390
    for selector in ("canvas", "button", "select", "input"):
        edges = f"""[...{VIEWER}.shadowRoot.querySelectorAll('{selector}')].map((part) => part.getBoundingClientRect())
            .map((box) => [box.left, box.right, box.width])"""
        left, right, width = np.transpose(browser.run(edges))
        assert left.min() >= 0
        assert right.max() <= 390
        assert width.min() > 20
    x, y, width = browser.run(f"(() => {{ const box = {VIEWER}.plots[0].canvas.getBoundingClientRect();"
                              "return [box.left, box.top + box.height / 2, box.width]; })()")  # fmt: skip
    for kind, points in (("touchStart", [{"x": x + 60, "y": y}]), ("touchMove", [{"x": x + width - 60, "y": y}]),
                         ("touchEnd", [])):  # fmt: skip
        browser.send("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    assert browser.run(f"{VIEWER}.time") == pytest.approx(9.98 * (width - 60 - 52) / (width - 62), rel=0.01)
    assert browser.complaints() == []


def test_a_frame_of_four_moths_is_drawn_in_time_for_sixty_a_second(browser: "Browser", page: Path) -> None:
    browser.open(page, 1200, 900)
    frame = f"""(() => {{ const viewer = {VIEWER}, costs = []; viewer.pause();
        for (let i = 0; i < 60; i++) {{
          const began = performance.now();
          viewer.seek(i / 7);
          for (const view of viewer.views) view.canvas.getContext('2d').getImageData(0, 0, 1, 1);
          costs.push(performance.now() - began);
        }}
        return costs; }})()"""
    assert np.quantile(browser.run(frame), 0.25) < 1000 / 60


def test_between_decisions_it_moves_as_the_moth_flew(browser: "Browser", page: Path, four: dict[str, Flight]) -> None:
    flight = four["dense"]
    rows = np.arange(10, 100, 7)
    expected = propagate(flight.states[rows], flight.controls[rows], duration=0.01).states[:, :4]
    browser.open(page, 1200, 900)
    times = (flight.times[rows] + 0.01).tolist()
    drawn = browser.run(f"{times}.map((time) => {VIEWER}.tracks[0].state(time))")
    np.testing.assert_allclose(drawn, expected, atol=0.01)  # cm, rad
    angles = browser.run(f"{times}.map((time) => {VIEWER}.tracks[0].control(time)[2])")
    np.testing.assert_allclose(angles, flight.controls[rows, 2], rtol=1e-6)


def test_a_lost_moth_is_shown_as_lost(browser: "Browser", tmp_path: Path) -> None:
    lost = fly(LQR(), "hover", duration=2.0, starts=np.array([0, 0, 1.5, 4.6, 300.0, 0, 0, 0]))
    assert lost.lost
    gone = np.full_like(lost.states, np.nan)
    at_once = replace(lost, states=gone, controls=np.full_like(lost.controls, np.nan), errors=gone[:, 0])
    kept = fly(LQR(), "hover", duration=2.0)
    page = tmp_path / "lost.html"
    page.write_text(viewer_page({"lost": lost, "at once": at_once, "kept": kept}), encoding="utf-8")
    browser.open(page, 1200, 900)
    browser.run(f"{VIEWER}.pause(); {VIEWER}.seek(1.9)")
    labels = browser.run(f"[...{VIEWER}.shadowRoot.querySelectorAll('b')].map((error) => error.textContent)")
    last = lost.times[np.isfinite(lost.states).all(axis=1)][-1]
    assert labels == [f"lost after {last:.2f} s", "lost after 0.00 s", f"{kept.errors[95]:.3f} cm"]
    assert browser.complaints() == []


def test_two_viewers_of_a_page_do_not_share_a_keyboard(browser: "Browser", tmp_path: Path) -> None:
    flight = fly(LQR(), "hover", duration=1.0)
    one, two = (viewer_element({name: flight}) for name in ("one", "two"))
    page = tmp_path / "report.html"
    page.write_text(f"<!doctype html><meta charset='utf-8'>{one}{two}{viewer_script()}", encoding="utf-8")
    browser.open(page, 800, 600)
    times = "[...document.querySelectorAll('flight-viewer')].map((viewer) => viewer.time)"
    assert browser.run(times) == [0, 0]
    browser.run("document.querySelectorAll('flight-viewer')[1].focus()")
    browser.press("End")
    assert browser.run(times) == [0, pytest.approx(0.98)]
    assert browser.complaints() == []
