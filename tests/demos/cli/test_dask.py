"""Commands on a Dask cluster of this machine: the same files, to the byte."""

import sys
from pathlib import Path
from typing import Any

import pytest

from mothsim.demos.cli.main import main
from mothsim.demos.reproduce.build_policies import BuildPolicies
from mothsim.demos.reproduce.fewest_weights import FewestWeights
from mothsim.demos.run import run

EVALUATE = "evaluate --controllers lqr --tasks hover step --starts 2 --duration-scale 0.1 --seed 5"
STUDY = "study --networks 1 --segments 2000 --hidden 8 6 --levels 50 --step-scale 0.01 --seeds 0 1"
TRAIN = "train policy --hidden --steps 2 --refining-steps 1 --moths 4 --segments 3 --seeds 0 1"
FEWEST = "fewest_weights --requirements linear --seeds 0 --no-dense"
BUILD = "build_policies --names pruned --seeds 0 1 --requirement gentle --flights 2 --tries 1 --step-scale 0.004"
PROGRAMS = {"fewest_weights": FewestWeights, "build_policies": BuildPolicies}

pytestmark = pytest.mark.usefixtures("quick_pictures")


def status(command: str, *options: str) -> int:
    first, *rest = command.split()
    return run(PROGRAMS[first], [*rest, *options], prog=first) if first in PROGRAMS else main([first, *rest, *options])


@pytest.mark.slow
@pytest.mark.parametrize("command", [EVALUATE, STUDY, TRAIN, FEWEST, BUILD])
def test_a_cluster_writes_the_same_files(
    command: str, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = cluster.scheduler.transition_counter
    assert status(command, "--dask", cluster.scheduler_address, "--out", "cluster") == 0
    assert cluster.scheduler.transition_counter > before  # of tasks that its workers had
    assert status(command, "--workers", "1", "--out", "here") == 0
    here, there = tmp_path / "here", tmp_path / "cluster"
    names = sorted(file.relative_to(here) for file in here.rglob("*") if file.suffix in (".csv", ".safetensors"))
    names = [name for name in names if name.name != "costs.csv"]  # of seconds
    assert names
    assert all((here / name).read_bytes() == (there / name).read_bytes() for name in names)


@pytest.mark.parametrize("command", [EVALUATE, STUDY, TRAIN, FEWEST, BUILD])
def test_what_is_missing_is_said(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert status(command, "--dask", "tcp://127.0.0.1:1", "--out", str(tmp_path)) == 1
    assert 'pip install "mothsim[dask]"' in capsys.readouterr().err
