"""Controllers, targets and bodies of one's own, named on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

import mothsim
from mothsim import controllers
from mothsim.controllers.evaluation.rollouts import COLUMNS
from mothsim.controllers.evaluation.sources import controller_sources
from mothsim.controllers.networks.storage import shipped_networks
from mothsim.demos.cli.main import main
from mothsim.solver.compiled import sources_digest
from mothsim.tables import read_table

pytestmark = pytest.mark.usefixtures("quick_pictures")

SOURCE = """
import math
import numpy as np
import mothsim
from own_gains import UP


class Springs:
    period = 0.02

    def __init__(self, up=UP):
        self.up = up

    def reset(self, task):
        self.weight = task.body.weight

    def control(self, states, time):
        x, y, theta, _, xdot, ydot, thetadot, _ = states.T
        up = self.weight - self.up * y - 180 * ydot
        across = 365 * x + 40 * xdot - 2500 * (theta - np.pi / 2) - 35 * thetadot
        return mothsim.from_components(np.stack([up, across, 0 * x, 0 * x], axis=1))


@mothsim.single
def one(state, time, task):
    x, y, theta, _, xdot, ydot, thetadot, _ = state
    up = task.body.weight - UP * y - 180 * ydot
    across = 365 * x + 40 * xdot - 2500 * (theta - np.pi / 2) - 35 * thetadot
    return mothsim.from_components(np.array([up, across, 0, 0]))


@mothsim.single(period=0.01)
def blank(state, time, task):
    return [math.nan] * 4


@mothsim.single
def three(state, time, task):
    return [1.0, 2.0, 3.0]


class Faulty(Springs):
    def control(self, states, time):
        return states["x"]


class NoReset:
    period = 0.02

    def control(self, states, time):
        return np.zeros((len(states), 4))


class NoPeriod(NoReset):
    period = None

    def reset(self, task):
        pass


def line(t):
    return 0.5 * math.sin(t), 0.2 * t


def tilted(t):
    return 0.0, 0.0, 1.4


def wrong(t):
    return math.sqrt(-t), 0.0


CIRCLE = mothsim.make_trajectory("sine")
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    """The path of a file with controllers and targets."""
    (tmp_path / "own_gains.py").write_text("UP = 6000\n")
    file = tmp_path / "own_things.py"
    file.write_text(SOURCE)
    return str(file)


def test_a_law_for_one_moth_flies_as_one_for_many(own: str) -> None:
    many = mothsim.fly(controllers.make(f"{own}:Springs"), "hover", duration=1.0, moths=3)
    each = mothsim.fly(controllers.make(f"{own}:one"), "hover", duration=1.0, moths=3)
    np.testing.assert_array_equal(many.states, each.states)
    assert not many.lost.any()
    stiff = mothsim.fly(controllers.make(f"{own}:Springs", up=9000), "hover", duration=1.0, moths=3)
    assert (stiff.states != many.states).any()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NoReset", "expected a method reset"),
        ("NoPeriod", "controller.period = None"),
        ("line", "a law for one moth needs the decorator mothsim.single"),
        ("Springz", "has no 'Springz'; it defines Faulty, NoPeriod, NoReset, Springs"),
    ],
)
def test_what_is_no_controller_is_refused(own: str, name: str, message: str) -> None:
    with pytest.raises(ValueError, match="controller = ") as raised:
        controllers.make(f"{own}:{name}")
    assert message in str(raised.value)


def test_places_that_are_not_there_are_named(tmp_path: Path) -> None:
    for text, message in {
        "no_such_module:Mine": "No module named 'no_such_module'",
        f"{tmp_path}/none.py:Mine": "no file ",
    }.items():
        with pytest.raises(ValueError, match="controller = ") as raised:
            controllers.make(text)
        assert message in str(raised.value)
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(ValueError, match="importing it failed: ZeroDivisionError"):
        controllers.make(f"{tmp_path}/broken.py:Mine")


@pytest.mark.parametrize(
    ("name", "message"), [("blank", "expected finite numbers"), ("three", "three gave shape (3,)")]
)
def test_answers_that_are_no_controls_are_said(own: str, name: str, message: str) -> None:
    with pytest.raises(ValueError, match="gave") as raised:
        mothsim.fly(controllers.make(f"{own}:{name}"), "hover", duration=1.0)
    assert message in str(raised.value)


def test_a_target_is_a_function_of_time(own: str) -> None:
    target = mothsim.make_trajectory(f"{own}:line", 1.5)
    times = np.array([0.0, 0.001, 1.0, 7.0])
    np.testing.assert_allclose(target.position(times), np.stack([0.5 * np.sin(times), 0.2 * times], axis=1))
    np.testing.assert_allclose(target.velocity(times)[:, 0], 0.5 * np.cos(times), atol=1e-10)
    np.testing.assert_allclose(target.velocity(times)[:, 1], 0.2, atol=1e-10)
    assert target.angle(3.0) == 1.5
    assert mothsim.make_trajectory(f"{own}:tilted").angle(0.3) == 1.4
    assert mothsim.make_trajectory(f"{own}:CIRCLE").name == "sine"
    with pytest.raises(ValueError, match="wrong' failed at 1 s: ValueError: "):
        mothsim.make_trajectory(f"{own}:wrong").position(1.0)
    with pytest.raises(ValueError, match="expected a function of time or a Trajectory"):
        mothsim.make_trajectory(f"{own}:UP")


def test_fly_takes_all_three(own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "body.json").write_text('{"abdomen_density": 0.38}')
    command = ["fly", "--controller", "lqr", f"{own}:Springs", "--trajectory", f"{own}:line", "--duration", "1"]
    command += ["--body", f"{tmp_path}/body.json", "--out", str(tmp_path / "out"), "--no-animation"]
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["flights"]
    assert [row["controller"] for row in rows] == ["lqr", f"{own}:Springs"]
    assert rows[0]["rms_error_cm"] < 0.1 < rows[1]["rms_error_cm"]
    assert main([*command[:3], f"{own}:NoReset", *command[4:]]) == 1
    said = capsys.readouterr()
    assert "expected a method reset" in said.err
    assert said.out == ""


def test_evaluate_puts_them_in_one_table_and_flies_again_what_is_changed(own: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["evaluate", "--controllers", "lqr", f"{own}:Springs", f"{own}:Faulty", "--starts", "2", "--workers", "2"]
    table = tmp_path / "rows.csv"
    table.write_text("t,x,y\n0,0,0\n4,0.2,0\n")
    command += ["--tasks", "hover", f"{own}:line", str(table), "--duration-scale", "0.1"]
    command += ["--networks", str(tmp_path / "runs")]
    (tmp_path / "runs").mkdir()
    alone = shipped_networks()["alone-6"]
    (tmp_path / "runs" / "alone-6.safetensors").write_bytes(alone.read_bytes())
    assert main([*command, "--out", str(out)]) == 1  # for the faulty one
    rows = read_table(out / "flights.csv", COLUMNS)
    assert {(row["controller"], row["task"]) for row in rows} == {
        (name, task) for name in ("lqr", f"{own}:Springs", "alone-6") for task in ("hover", f"{own}:line", str(table))
    }
    assert "IndexError" in (out / "networks.csv").read_text()
    assert f"{own}:Springs" in (out / "headline.md").read_text()
    parts = set((out / "parts").iterdir())
    (tmp_path / "own_gains.py").write_text("UP = 6500\n")
    sources_digest.cache_clear()
    controller_sources.cache_clear()
    assert main([*command, "--out", str(out)]) == 1
    # The three tasks of the changed controller, and the changed file's target with the two others.
    assert len(set((out / "parts").iterdir()) - parts) == 3 + 2
    parts = set((out / "parts").iterdir())
    table.write_text("t,x,y\n0,0,0\n4,0.3,0\n")
    assert main([*command, "--out", str(out)]) == 1
    assert len(set((out / "parts").iterdir()) - parts) == 3
