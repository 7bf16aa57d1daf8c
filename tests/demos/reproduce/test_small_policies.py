"""Small dense policies are made, tested and not made again, on a small size."""

import csv
from pathlib import Path

import pytest

from mothsim.demos.reproduce.small_policies import SmallPolicies


@pytest.mark.slow
def test_small_policies_are_made_and_tested(tmp_path: Path) -> None:
    small = SmallPolicies(nodes=(1, 0), seeds=(0,), flights=2, step_scale=0.01, out=tmp_path)
    small.run()
    with (tmp_path / "all.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["weights"]) for row in rows] == [29 + 3, 29 * 3]
    assert all(row["meets"] == "False" for row in rows if row["lost"] != "0")
    before = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.safetensors")}
    SmallPolicies(requirement="gentle", nodes=(1, 0), seeds=(0,), flights=2, step_scale=0.01, out=tmp_path).run()
    assert {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.safetensors")} == before
    with pytest.raises(ValueError, match=r"nodes = .*expected 0, a linear policy, or more"):
        SmallPolicies(nodes=(-1,), out=tmp_path).run()
