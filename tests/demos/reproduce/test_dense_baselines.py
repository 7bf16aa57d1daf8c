"""Small dense networks of as many weights as pruned ones."""

from pathlib import Path

import pytest

from mothsim.controllers.networks.storage import load_network
from mothsim.demos.reproduce.dense_baselines import DenseBaselines


def test_dense_baselines_are_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    DenseBaselines(weights=(400,), seeds=(3,), step_scale=0.001, segments=2000, out=tmp_path).run()
    network = load_network(tmp_path / "400-3" / "00.safetensors")
    assert network.sizes == (10, 7, 7, 7, 16, 7)
    assert network.info["seed"] == 3
    assert "400-3" in capsys.readouterr().err
