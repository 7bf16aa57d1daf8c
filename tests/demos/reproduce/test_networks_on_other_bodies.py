"""Networks flown and fine-tuned on a heavier moth."""

from pathlib import Path

import numpy as np
import pytest

from mothsim.body import MothBody
from mothsim.controllers.networks.storage import find_network, load_network
from mothsim.demos.reproduce.networks_on_other_bodies import SCHEMA, NetworksOnOtherBodies, fed
from mothsim.demos.run import run
from mothsim.tables import read_table


def test_a_fed_moth_is_heavier_by_its_abdomen() -> None:
    assert fed(1.0) == MothBody()
    assert fed(1.5).mass == pytest.approx(1.5 * MothBody().mass)
    assert fed(1.5).head_mass == MothBody().head_mass


def test_fine_tuning_lowers_the_loss_and_adds_no_connection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--networks",
        "small",
        "--mass-factors",
        "1.5",
        "--segments",
        "20000",
        "--steps",
        "200",
        "--flights",
        "2",
        "--out",
    ]
    assert run(NetworksOnOtherBodies, [*arguments, str(tmp_path)], prog="other_bodies") == 0
    rows = read_table(tmp_path / "other-bodies.csv", SCHEMA)
    assert [(row["training"], row["task"]) for row in rows[::3]] == [("before", "hover"), ("after", "hover")]
    assert rows[3]["loss"] < 0.9 * rows[0]["loss"]
    before, after = find_network("small"), load_network(tmp_path / "small-1.5.safetensors")
    assert all(np.array_equal(one, other) for one, other in zip(before.masks, after.masks, strict=True))
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert run(NetworksOnOtherBodies, ["--networks", "alone"], prog="other_bodies") == 1
    assert "expected an inverse model of three controls" in capsys.readouterr().err
