"""The program on the sparsity of inverse models makes its tables and picture, and makes nothing twice."""

from pathlib import Path

import pytest

from mothsim.demos.reproduce import sparsity_tables
from mothsim.demos.reproduce.inverse_sparsity import InverseSparsity

pytestmark = pytest.mark.slow


def test_small(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparsity_tables, "TASKS", {"hover": 0.2})
    command = InverseSparsity(
        networks=1, hidden=(6, 5), segments=2000, step_scale=0.001, rounds=1, levels=(50.0,),
        dense_levels=(50.0,), flight_steps=2, dense_flight_steps=3, starts=2, out=tmp_path,
    )  # fmt: skip
    command.run()
    printed = capsys.readouterr().out
    assert "with disturbances, equal weights (4 pairs" in printed
    made = {file: file.read_bytes() for file in tmp_path.rglob("*.*") if file.suffix != ".png"}
    assert sum(file.name.endswith("-flights.csv") for file in made) == 2 * (1 + 1 + 4)
    assert (tmp_path / "lost-shares.png").stat().st_size > 1000
    for file in tmp_path.rglob("*-flights.csv"):
        file.unlink()
    command.run()
    assert capsys.readouterr().out == printed
    assert made == {file: file.read_bytes() for file in made}
