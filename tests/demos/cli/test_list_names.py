"""`mothsim list` names all that the commands take."""

import json

import pytest

from mothsim import controllers
from mothsim.body import BODIES, MOTHS
from mothsim.controllers.evaluation.scenarios import SCENARIOS
from mothsim.controllers.networks.storage import shipped_networks
from mothsim.demos.cli.main import main
from mothsim.trajectories import NAMES, TARGETS


def test_everything_that_can_be_flown_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    lists = json.loads(capsys.readouterr().out)
    assert tuple(lists["controllers"]) == controllers.NAMES
    assert set(lists["networks"]) == set(shipped_networks())
    assert tuple(lists["bodies"]) == tuple(MOTHS) == BODIES
    assert tuple(lists["trajectories"])[:-1] == tuple(TARGETS) == NAMES
    assert tuple(lists["tasks"]) == tuple(SCENARIOS)
    assert "mothsim/Track-v0" in lists["environments"]
    assert all(text for names in lists.values() for text in names.values())


def test_one_kind_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "bodies"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("bodies\n  zahn2022 ")
    assert "hover" not in out
