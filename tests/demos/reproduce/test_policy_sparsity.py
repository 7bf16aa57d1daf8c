"""Policies are pruned to the level and fly; trained again they are made once."""

from pathlib import Path

import numpy as np
import pytest

from mothsim.controllers.learning.pruning import METHODS
from mothsim.controllers.networks.storage import load_network, save_network
from mothsim.controllers.policies.policy_training import PolicySettings, init_policy
from mothsim.demos.reproduce.policy_sparsity import PolicySparsity


@pytest.mark.slow
def test_a_row_for_each_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dense = init_policy(PolicySettings(hidden=(4, 3)))
    save_network(dense, tmp_path / "mine" / "policy.safetensors")
    command = PolicySparsity((str(tmp_path / "mine" / "policy.safetensors"),), (50.0,), 1, moths=2, out=tmp_path)
    command.run()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    total = sum(weight.size for weight in dense.weights)
    assert [row[:4] for row in rows[1:]] == [
        ["mine", "False", "0", str(total)],
        ["mine", "False", "50", str(round(total / 2))],
        ["mine", "True", "50", str(round(total / 2))],
    ]
    file = tmp_path / "mine" / "50.safetensors"
    trained = load_network(file)
    cut = METHODS["global"].prune(dense, 50.0)
    assert all(np.array_equal(one, other) for one, other in zip(trained.masks, cut.masks, strict=True))
    assert not np.array_equal(trained.weights[0], cut.weights[0])
    before = file.stat().st_mtime_ns
    command.run()
    assert file.stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="'robust' is not a policy without memory"):
        PolicySparsity(("robust",), out=tmp_path).run()
