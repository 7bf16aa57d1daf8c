"""The program on sparsity makes its tables and picture, and makes nothing twice."""

from pathlib import Path

import pytest

from mothsim.demos.reproduce import sparsity_tables
from mothsim.demos.reproduce.sparsity_under_disturbances import SparsityUnderDisturbances

pytestmark = pytest.mark.slow


def test_small(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparsity_tables, "TASKS", {"hover": 0.2})
    command = SparsityUnderDisturbances(
        networks=1, hidden=(4,), steps=2, levels=(50.0, 90.0), prunings=("global", "surgeon"), retraining_steps=1,
        dense_levels=(50.0,), starts=2, out=tmp_path,
    )  # fmt: skip
    command.run()
    printed = capsys.readouterr().out
    assert "with disturbances, equal weights" in printed
    made = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")}
    assert len(made) == 2 * (1 + 1 + 2 * 2)
    tables = [(tmp_path / f"{name}.csv").read_bytes() for name in ("lost-shares", "pairs")]
    assert (tmp_path / "lost-shares.png").stat().st_size > 1000
    command.run()
    assert capsys.readouterr().out == printed
    assert made == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")}
    assert tables == [(tmp_path / f"{name}.csv").read_bytes() for name in ("lost-shares", "pairs")]
