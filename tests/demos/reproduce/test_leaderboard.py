"""The leaderboard has a row for each, with what `mothsim.fly` finds."""

from pathlib import Path

import numpy as np
import pytest

from mothsim import controllers, fly
from mothsim.demos.reproduce.leaderboard import Leaderboard


def test_a_row_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Leaderboard(controllers=("lqr",), policies=("robust",), moths=3, duration_scale=0.6, out=tmp_path).run()
    text = (tmp_path / "leaderboard.md").read_text()
    assert capsys.readouterr().out == text
    _, _, lqr, robust = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in text.splitlines()]
    flight = fly(controllers.make("lqr"), "hover", duration=3.0, moths=3)
    assert lqr[:4] == ["`lqr`", "", "", f"{np.median(flight.rms_error):.4f}"]
    assert robust[:3] == ["`robust`", "7365", "5,424"]
    assert robust[6:8] == ["0 of 9", "100%"]
    assert lqr[7] != "100%"  # it loses all with a delay of 20 ms


@pytest.mark.parametrize(("options", "message"), [
    ({"duration_scale": 0.5}, "duration_scale = 0.5: expected above 0.5"),
    ({"policies": ("alone", "dense")}, "network = 'dense' is of the kind 'inverse-model': expected 'policy'"),
])  # fmt: skip
def test_mistakes_are_found_before_a_flight(options: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        Leaderboard(controllers=(), out=tmp_path, **options).run()
