"""`mothsim export`: a file of its own answers as the network does."""

import io
from pathlib import Path

import numpy as np
import pytest

from mothsim.controllers.networks.storage import find_network, load_network
from mothsim.controllers.zahn2022.pruning_study import run as run_study
from mothsim.controllers.zahn2022.study_files import StudySettings
from mothsim.demos.cli.export import as_npz
from mothsim.demos.cli.main import main
from mothsim.segments import generate


def test_plain_arrays_answer_as_the_network_does(tmp_path: Path) -> None:
    assert main(["export", "small", "--format", "npz", "--out", str(tmp_path)]) == 0
    arrays = np.load(tmp_path / "small.npz")
    inputs = generate(20, 1).inputs
    h = (inputs - arrays["input_min"]) / (arrays["input_max"] - arrays["input_min"]) - 0.5
    layers = sum(name.startswith("weight") for name in arrays.files)
    for i in range(layers):
        h = h @ arrays[f"weight.{i}"].astype(float) + arrays[f"bias.{i}"]
        h = np.tanh(h) if i < layers - 1 else h
    outputs = (h + 0.5) * (arrays["output_max"] - arrays["output_min"]) + arrays["output_min"]
    assert np.allclose(outputs, find_network("small")(inputs), rtol=1e-6)
    assert arrays["outputs"].tolist()[:3] == ["F_x", "F_y", "tau"]


def test_networks_of_a_study_are_files_that_fly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_study(StudySettings("cosine", "global", (8,), (50.0,), 2000, 0, 0.005, 2), tmp_path / "study")
    names = [f"{tmp_path / 'study'}@50:{index}" for index in range(2)]
    assert main(["export", *names, "--out", str(tmp_path / "out")]) == 0
    for index, name in enumerate(names):
        loaded = load_network(tmp_path / "out" / f"study-50-{index}.safetensors")
        assert np.array_equal(loaded.weights[0], find_network(name).weights[0])
    capsys.readouterr()
    assert main(["export", names[0], names[0], "--out", str(tmp_path)]) == 1
    assert "expected networks whose files differ" in capsys.readouterr().err
    assert main(["export", f"{tmp_path / 'study'}@51:0", "--out", str(tmp_path)]) == 1
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["small", "alone-6", "robust", "envelope-12"])
def test_arrays_name_every_input(name: str) -> None:
    network = find_network(name)
    assert tuple(np.load(io.BytesIO(as_npz(network)))["inputs"]) == network.input_names
