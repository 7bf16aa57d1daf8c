"""The program that counts the motifs of a study."""

from pathlib import Path

import pytest

from mothsim.controllers.zahn2022.pruning_study import run as run_study
from mothsim.controllers.zahn2022.study_files import StudySettings
from mothsim.demos.reproduce.motifs_of_a_study import SCHEMA, MotifsOfAStudy
from mothsim.demos.run import run
from mothsim.tables import read_table


def test_motifs_are_counted_by_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "study"
    run_study(StudySettings("cosine", "global", (16, 12), (40.0, 80.0), 5000, 3, 0.005, 2), study)
    arguments = f"{study} --samples 10 --networks 2 --out {tmp_path / 'out'}".split()
    assert run(MotifsOfAStudy, arguments, prog="motifs") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["level", "40", "80"]
    rows = read_table(tmp_path / "out" / "motifs.csv", SCHEMA)
    assert len(rows) == 2 * 2 * 2 * 5
    assert (tmp_path / "out" / "motifs.png").stat().st_size > 5000
    assert run(MotifsOfAStudy, [str(study), "--levels", "50"], prog="motifs") == 1
    assert "levels = 50: expected of 0, 40, 80" in capsys.readouterr().err
