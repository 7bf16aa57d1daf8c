"""Small dense networks of as many weights as pruned ones."""

from itertools import pairwise
from pathlib import Path

import pytest

from controllers.learning.storage import load_network
from demos.companions import Companions, narrowed


@pytest.mark.parametrize("weights", [330_512, 33_051, 23_136, 6_610, 3_305, 1_650])
def test_a_companion_has_as_many_weights(weights: int) -> None:
    hidden = narrowed(weights)
    sizes = (10, *hidden, 7)
    assert sum(a * b for a, b in pairwise(sizes)) == pytest.approx(weights, rel=0.01)
    assert hidden[-1] == 16


def test_too_few_weights_are_named() -> None:
    with pytest.raises(ValueError, match="weights = 100"):
        narrowed(100)


def test_companions_are_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Companions(weights=(400,), seeds=(3,), step_share=0.001, segments=2000, out=tmp_path).run()
    network = load_network(tmp_path / "400-3" / "00.safetensors")
    assert network.sizes == (10, 7, 7, 7, 16, 7)
    assert network.info["seed"] == 3
    assert "400-3" in capsys.readouterr().err
