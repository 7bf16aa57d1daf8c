"""Inverse models of fully actuated moths: eight outputs, of which the fourth is the wing torque that is flown."""

from pathlib import Path

import numpy as np
import pytest

import mothsim
from mothsim.body import MothBody, make_body
from mothsim.controllers.inverse_model import FULL_GAINS, InverseModel
from mothsim.controllers.learning.train_and_prune import Settings, run
from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.networks.storage import load_network, save_network
from mothsim.controllers.zahn2022 import pruning_study
from mothsim.controllers.zahn2022.study_figures import draw_study
from mothsim.controllers.zahn2022.study_files import StudySettings, load_settings
from mothsim.segments import FULL_OUTPUTS, OUTPUTS, draw, generate, output_names

FULL = MothBody.bustamante2022("fs")


def test_segments_of_a_fully_actuated_moth_have_its_wing_torque() -> None:
    assert output_names(FULL) == FULL_OUTPUTS == ("F_x", "F_y", "tau", "tau_w", *OUTPUTS[3:])
    assert output_names(MothBody()) == OUTPUTS
    made = generate(50, 3, body=FULL)
    controls = draw(1 << 16, np.random.SeedSequence(3, spawn_key=(0,)), FULL)[1][:50]
    assert np.array_equal(made.outputs[:, 3], controls[:, 3].astype(np.float32))
    assert np.array_equal(made.outputs[:, 2], controls[:, 2].astype(np.float32))


def test_the_wing_torque_that_a_network_gives_is_flown(tmp_path: Path) -> None:
    """A network of biases alone, scaled one to one: its first four outputs are the control."""
    weights = (np.zeros((10, 8), dtype=np.float32),)
    biases = (np.array([300, 400, -5, 7, 1, 2, 3, 4], dtype=np.float32),)
    network = Network(weights, biases, Scaling.identity(10, 8))
    save_network(network, tmp_path / "full.safetensors")
    loaded = load_network(tmp_path / "full.safetensors")
    assert loaded.fully_actuated
    assert loaded.output_names == FULL_OUTPUTS
    flight = mothsim.fly(InverseModel(loaded, waypoint="raw"), "hover", duration=0.04, body=FULL)
    force = np.hypot(300, 400)
    assert np.allclose(flight.controls, [[force, np.arctan2(400, 300), -5, 7]] * len(flight.controls))
    with pytest.raises(ValueError, match="weights lead from 10 to 9 nodes: expected 10 and 7"):
        Network((np.zeros((10, 9), dtype=np.float32),), (np.zeros(9, dtype=np.float32),), Scaling.identity(10, 9))


@pytest.mark.slow
def test_it_is_trained_and_pruned_for_its_body(tmp_path: Path) -> None:
    settings = Settings(hidden=(16, 12), levels=(50,), segments=5000, step_scale=0.02, body="bustamante2022-fs")
    dense, pruned = (load_network(file) for file in run(settings, tmp_path / "one"))
    assert dense.fully_actuated
    assert dense.scaling.output_max[3] == pytest.approx(FULL.wing_torque_limit, rel=1e-3)
    assert pruned.sparsity > 0.45
    assert pruned.info["body"] == "bustamante2022-fs"
    assert "body" not in Settings().as_dict()  # so that files of before are still those of their settings
    assert make_body(settings.body) == FULL
    study = StudySettings(hidden=(8,), levels=(50,), segments=5000, step_scale=0.005, networks=2, body=settings.body)
    pruning_study.run(study, tmp_path / "many")
    assert load_settings(tmp_path / "many") == study
    assert len(draw_study(tmp_path / "many")) == 8
    one = InverseModel(f"{tmp_path / 'many'}@50:1")
    assert (one.waypoint, one.default_body) == ("kinematic", FULL)
    assert one.guidance.gains == FULL_GAINS
    with pytest.raises(ValueError, match="stability: expected a network of three controls"):
        one.stability()
