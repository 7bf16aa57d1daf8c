"""The notebooks run, on a small size, and are kept as they ran: in order, with their outputs and without an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))
NEEDS = {"gymnasium-ppo": "stable_baselines3"}
RUNS = [
    pytest.param(file, marks=pytest.mark.slow if file.stem == "policy-gradient" else (), id=file.stem)
    for file in NOTEBOOKS
]


def code_cells(file: Path) -> list[dict]:
    return [cell for cell in json.loads(file.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("file", RUNS)
def test_a_notebook_runs(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if file.stem in NEEDS:
        pytest.importorskip(NEEDS[file.stem], reason="the extra that this notebook needs is not installed")
    monkeypatch.setenv("MOTHSIM_SMALL", "1")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "notebook.py"
    program.write_text("\n".join("".join(cell["source"]) for cell in code_cells(file)), encoding="utf-8")
    subprocess.run([sys.executable, str(program)], check=True)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_kept_with_its_outputs(file: Path) -> None:
    cells = code_cells(file)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert file.stat().st_size < 400_000


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 4
