"""An evaluation on a Dask cluster of this machine."""

import sys
from pathlib import Path

import pytest

from mothsim.demos.cli.main import main

COMMAND = ["evaluate", "--controllers", "lqr", "--tasks", "hover", "step", "--starts", "2", "--duration-scale", "0.1"]


@pytest.mark.slow
def test_a_cluster_flies_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    monkeypatch.chdir(tmp_path)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        assert main([*COMMAND, "--dask", cluster.scheduler_address, "--out", "cluster"]) == 0
        assert cluster.scheduler.transition_counter > 0  # of tasks that its workers had
    assert main([*COMMAND, "--workers", "1", "--out", "here"]) == 0
    flights = (tmp_path / "cluster" / "flights.csv").read_bytes()
    assert flights == (tmp_path / "here" / "flights.csv").read_bytes()
    assert len(list((tmp_path / "cluster" / "parts").iterdir())) == len(list((tmp_path / "here" / "parts").iterdir()))


def test_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*COMMAND, "--dask", "tcp://127.0.0.1:1", "--out", str(tmp_path)]) == 1
    assert 'pip install "mothsim[dask]"' in capsys.readouterr().err
