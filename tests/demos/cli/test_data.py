"""`mothsim data`."""

import json
from pathlib import Path

import numpy as np
import pytest

from mothsim.demos.cli.main import main
from mothsim.segments import generate


def test_segments_are_written_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["data", "--segments", "300", "--test-segments", "20", "--seed", "5", "--out", str(tmp_path), "--json"]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["segments"], result["test_segments"], result["body"]) == (300, 20, "zahn2022")
    assert np.array_equal(np.load(tmp_path / "training-inputs.npy"), generate(300, 5).inputs)
    assert main([*command, "--body", "bee"]) == 1
    assert "body = 'bee': expected one of zahn2022" in capsys.readouterr().err
