"""Shipped networks are trained, selected and printed, on a small size, and trained only once."""

from pathlib import Path

import pytest

from mothsim.demos.reproduce.build_networks import BuildNetworks


def test_networks_are_built_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = BuildNetworks(
        names=("small",), seeds=(0, 1), segments=20_000, step_scale=0.002, flights=5, runs=tmp_path / "runs",
        out=tmp_path / "out",
    )  # fmt: skip
    build.run()
    first = capsys.readouterr().out
    assert "sum-of-primes" in first
    trained = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").rglob("*.safetensors")}
    build.run()
    assert capsys.readouterr().out == first
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").rglob("*.safetensors")} == trained
    assert (tmp_path / "out" / "small.safetensors").exists()
