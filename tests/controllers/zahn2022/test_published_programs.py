"""The programs of Zahn et al. and their Algorithm 1, on a small size and by hand."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mothsim.controllers.learning.protocols import ZAHN_JAX
from mothsim.controllers.learning.train_and_prune import draw_data
from mothsim.controllers.learning.training import optimiser_of
from mothsim.controllers.networks.ensemble import Level, load_level
from mothsim.controllers.zahn2022 import pruning_study
from mothsim.controllers.zahn2022.pruning_study import run
from mothsim.controllers.zahn2022.study_files import StudySettings


def levels(settings: StudySettings, folder: Path) -> list[Level]:
    return [load_level(file) for file in run(settings, folder)]


JAX = StudySettings("zahn2022-jax", hidden=(16, 12), levels=(40.0, 80.0), segments=5000, step_scale=0.004, networks=2)


def test_the_jax_program_carries_adam_on_and_moves_what_is_pruned(tmp_path: Path) -> None:
    """Adam has counted the steps of all levels; a pruned weight moves by its moments, though its gradient is 0.

    Only the last level keeps Adam's state, which the next would go on with.
    """
    dense, middle, sparse = levels(JAX, tmp_path / "whole")
    assert [len(level.ensemble.optimiser) for level in (dense, middle)] == [0, 0]
    assert int(sparse.ensemble.optimiser[0][0]) == 1200
    gone = ~middle.ensemble.masks[1]
    assert not np.array_equal(middle.ensemble.weights[1][gone], dense.ensemble.weights[1][gone])
    kept = [[int(mask[i].sum()) for mask in middle.ensemble.masks] for i in range(2)]
    assert kept == [[16 * 10 - 1 - 64, 16 * 12 - 1 - 76, 12 * 7 - 1 - 33]] * 2
    run(dataclasses.replace(JAX, levels=(40.0,)), tmp_path / "cut")
    run(JAX, tmp_path / "cut")
    for file in (tmp_path / "whole").iterdir():
        assert file.read_bytes() == (tmp_path / "cut" / file.name).read_bytes()
    said: list[str] = []
    (tmp_path / "cut" / "80.safetensors").write_bytes(b"damaged")
    run(JAX, tmp_path / "cut", log=said.append)
    assert "beginning anew" in said[-1]
    for file in (tmp_path / "whole").iterdir():
        assert file.read_bytes() == (tmp_path / "cut" / file.name).read_bytes()


def test_a_step_of_the_jax_program_by_hand() -> None:
    """Adam's epsilon counts as for the mean of 400 losses: g / 400 / (|g| / 400 + 1e-8) on the first step."""
    optimiser = optimiser_of(ZAHN_JAX)
    step, _ = optimiser.update(np.float32(1e-6), optimiser.init(np.float32(0)))
    assert float(np.asarray(step)) == pytest.approx((1e-6 / 400) / (1e-6 / 400 + 1e-8), rel=1e-5)


def test_the_tensorflow_program_keeps_a_fifth_for_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network stops by hand after two chunks, by its own losses on the last fifth, of which it has learnt nothing."""
    seen = []

    def stalled(validation: np.ndarray) -> np.ndarray:
        seen.append(validation.copy())
        return np.array([validation.shape[1] == 2, False])

    monkeypatch.setattr(pruning_study, "has_stalled", stalled)
    settings = StudySettings("zahn2022-tensorflow", hidden=(8,), levels=(), segments=6000, step_scale=0.003, networks=2)
    first = levels(settings, tmp_path)[0]
    assert first.ensemble.steps.tolist() == [200, 300]
    held = slice(4800, None)
    data, _ = draw_data(settings)
    network = first.network(1)
    inputs, outputs = data.inputs[held], data.outputs[held]
    hidden = np.tanh(inputs @ network.weights[0] + network.biases[0])
    loss = np.mean((hidden @ network.weights[1] + network.biases[1] - outputs) ** 2)
    assert seen[-1][1, -1] == pytest.approx(loss, rel=1e-4)
    with pytest.raises(ValueError, match="segments = 4000: expected whole numbers from 5120 on"):
        dataclasses.replace(settings, segments=4000)


def test_algorithm_1_trains_unmasked_and_is_measured_with_what_came_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where training adds 1 to every weight in each of three passes, all weights of the measured network are there."""
    monkeypatch.setattr(pruning_study, "_advance", lambda parameters, state, masks, running, *_, **__: (
        (tuple(weight + 1 for weight in parameters[0]), parameters[1]), state, np.zeros(len(running))))  # fmt: skip
    measured = []
    monkeypatch.setattr(pruning_study, "_losses", lambda parameters, *_: measured.append(parameters) or np.zeros(1))
    settings = StudySettings("constant-rate", "manual", (4,), (50.0,), 128 * 100, networks=1, step_scale=300 / 20_000)
    sparse = levels(settings, tmp_path)[-1]
    weights = np.asarray(measured[-1][0][0])[0]
    assert (np.sort(np.unique(weights))[:1] == 1).all()  # set to zero, then moved once
    assert (weights == 1).sum() == 20
    assert sparse.ensemble.masks[0].sum() == 20
    assert (weights[sparse.ensemble.masks[0][0]] > 1).all()
