from pathlib import Path

import pytest

from mothsim.controllers.networks.storage import load_network
from mothsim.demos.reproduce.inverse_models_alone import InverseModelsAlone
from mothsim.demos.reproduce.open_loop_chain import OpenLoopChain
from mothsim.demos.run import run


def test_a_network_is_trained_through_its_flight_and_tested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--networks", "small", "--steps", "2", "--flights", "2", "--out", str(tmp_path)]
    assert run(InverseModelsAlone, arguments, prog="inverse_models_alone") == 0
    before, after = (line.split() for line in capsys.readouterr().out.splitlines()[1:])
    assert (before[0], after[0]) == ("small", "inverse-small")
    assert before[1] == after[1] == "1,312"
    assert load_network(tmp_path / "inverse-small.safetensors").info["waypoint"] == "kinematic"


def test_chains_are_printed_by_sparsity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--networks", "small", "compact", "--starts", "3"]
    assert run(OpenLoopChain, arguments, prog="open_loop_chain") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["network", "small", "compact"]


@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        (InverseModelsAlone, ["--networks", "nothing"], "network = 'nothing'"),
        (InverseModelsAlone, ["--networks"], "networks: expected at least one"),
        (OpenLoopChain, ["--networks", "nothing"], "network = 'nothing'"),
        (OpenLoopChain, ["--starts", "0"], "starts = 0"),
    ],
)
def test_bad_options_are_named(
    program: type, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(program, arguments, prog="program") == 1
    assert message in capsys.readouterr().err
