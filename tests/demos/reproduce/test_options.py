"""Bad values of the programs that reproduce published results: one line that names the option, status 1."""

from pathlib import Path
from typing import Any

import pytest

from mothsim.demos.reproduce.build_networks import BuildNetworks
from mothsim.demos.reproduce.bustamante2022_table import PublishedMonteCarlo
from mothsim.demos.reproduce.dense_baselines import DenseBaselines
from mothsim.demos.reproduce.fewest_weights import FewestWeights
from mothsim.demos.run import run


@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        (BuildNetworks, "--names dense sparse-99", "names = ('dense', 'sparse-99'): expected one or more of dense"),
        (BuildNetworks, "--names", "names = ()"),
        (BuildNetworks, "--seeds 0 0", "seeds = (0, 0): expected one or more, each once"),
        (BuildNetworks, "--seeds -1", "seeds = -1"),
        (BuildNetworks, "--flights 0", "flights = 0"),
        (BuildNetworks, "--step-scale nan", "step_scale = nan"),
        (BuildNetworks, "--segments 3", "segments = 3"),
        (DenseBaselines, "--weights 20", "weights = 20: expected 140 or more"),
        (DenseBaselines, "--weights", "weights = ()"),
        (DenseBaselines, "--step-scale inf", "step_scale = inf"),
        (FewestWeights, "--requirements", "requirements = ()"),
        (FewestWeights, "--removals", "removals = ()"),
        (FewestWeights, "--seeds 2 2", "seeds = (2, 2)"),
        (FewestWeights, "--workers 0", "workers = 0"),
        (PublishedMonteCarlo, "--cases own --length-scale 0", "length_scale = 0"),
        (PublishedMonteCarlo, "--cases own --torque-limit nan", "torque_limit = nan"),
        (PublishedMonteCarlo, "--decisions 0", "decisions = 0"),
        (PublishedMonteCarlo, "--moths 1", "moths = 1"),
    ],
)
def test_bad_values_are_one_line(
    program: Any, arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(program, [*arguments.split(), "--out", str(tmp_path / "out")], prog="program") == 1
    printed = capsys.readouterr().err.splitlines()
    assert [line for line in printed if line.startswith("program: ")] == [printed[-1]]
    assert message in printed[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["", "null", "[1]", '{"moths": {"0": [1]}, "key"'])
def test_a_damaged_file_of_measures_is_flown_again(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program = PublishedMonteCarlo(cases=("baseline",), moths=2, decisions=2, out=tmp_path)
    program.run()
    whole = (tmp_path / "baseline-fa.json").read_bytes()
    (tmp_path / "baseline-fa.json").write_text(content)
    capsys.readouterr()
    program.run()
    assert "baseline-fa.json: damaged; its moths are flown again" in capsys.readouterr().err
    assert (tmp_path / "baseline-fa.json").read_bytes() == whole
