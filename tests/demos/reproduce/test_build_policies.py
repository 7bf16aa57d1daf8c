"""Policies are made, pruned and printed, on a small size, and made only once."""

from pathlib import Path

import pytest

from mothsim.controllers.networks.storage import load_network
from mothsim.controllers.policies.robust_pruning import RobustPruningSettings
from mothsim.demos.reproduce.build_policies import BuildPolicies


@pytest.mark.slow
def test_policies_are_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = BuildPolicies(("alone", "robust", "pruned"), "gentle", flights=2, tries=1, step_scale=0.004, out=tmp_path)
    build.run()
    printed = capsys.readouterr().out
    assert printed.count("\nrecovered") == 3
    assert printed.count("disturbed_least_recovered") == 1  # of the one with memory
    assert load_network(tmp_path / "alone.safetensors").connections == 2048
    assert (tmp_path / "wiring-gentle.png").stat().st_size > 10_000
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")}
    build.run()
    assert capsys.readouterr().out == printed
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")} == before


@pytest.mark.slow
def test_policies_with_memory_are_pruned_for_disturbed_flight(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = BuildPolicies(("pruned",), "robust", flights=1, tries=1, step_scale=0.004, out=tmp_path)
    build.run()
    printed = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert printed["disturbed_flights"] == "75"
    assert load_network(tmp_path / "seed-0" / f"robust-{printed['weights']}.safetensors").has_memory
    assert load_network(tmp_path / "seed-0" / "pruned.safetensors").connections == RobustPruningSettings().keep
    assert (tmp_path / "wiring-robust.png").stat().st_size > 10_000
