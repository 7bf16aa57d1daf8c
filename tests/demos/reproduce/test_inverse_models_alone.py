from dataclasses import replace
from pathlib import Path

import pytest

from mothsim.controllers.learning.pruning import METHODS
from mothsim.controllers.networks.storage import find_network, load_network, save_network
from mothsim.controllers.policies.policy_flights import DURATIONS
from mothsim.demos.reproduce import inverse_models_alone
from mothsim.demos.reproduce.inverse_models_alone import SCHEMA, InverseModelsAlone
from mothsim.demos.reproduce.open_loop_chain import OpenLoopChain
from mothsim.demos.run import run
from mothsim.tables import read_table


@pytest.mark.slow
def test_networks_are_trained_through_their_flight_and_flown_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inverse_models_alone, "DURATIONS", dict.fromkeys(DURATIONS, 2.1))
    small = METHODS["global"].prune(find_network("small"), 10)
    save_network(replace(small, info={"level": 10}), tmp_path / "mine" / "10.safetensors")
    out = tmp_path / "out"
    arguments = ["--networks", "small", str(tmp_path / "mine"), "--steps", "1", "--flights", "2", "--out", str(out)]
    assert run(InverseModelsAlone, arguments, prog="inverse_models_alone") == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[1:]] == [
        "small", "inverse-small", "mine/10", "mine/inverse-10"
    ]  # fmt: skip
    rows = read_table(out / "inverse-models-alone.csv", SCHEMA)
    assert [row["trained_in_flight"] for row in rows] == [False, True] * 2
    assert [row["weights"] for row in rows] == [1312, 1312, 1181, 1181]
    assert load_network(out / "mine" / "inverse-10.safetensors").info["waypoint"] == "kinematic"
    assert (out / "inverse-models-alone.png").stat().st_size > 10_000
    before = {file: file.stat().st_mtime_ns for file in out.rglob("inverse-*0*")}
    assert run(InverseModelsAlone, arguments, prog="inverse_models_alone") == 0
    assert capsys.readouterr().out == printed
    assert {file: file.stat().st_mtime_ns for file in out.rglob("inverse-*0*")} == before


def test_chains_are_printed_by_sparsity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--networks", "small", "compact", "--starts", "3"]
    assert run(OpenLoopChain, arguments, prog="open_loop_chain") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["network", "small", "compact"]
    assert run(OpenLoopChain, ["--starts", "2"], prog="open_loop_chain") == 0
    shipped = {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]}
    assert shipped >= {"dense", "inverse-93"}
    assert "alone" not in shipped


@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        (InverseModelsAlone, ["--networks", "nothing"], "network = 'nothing'"),
        (InverseModelsAlone, ["--networks"], "networks: expected at least one"),
        (InverseModelsAlone, ["--networks", "."], "networks: '.' has no .safetensors file"),
        (InverseModelsAlone, ["--networks", "small", "small"], "expected folders and files of different names"),
        (OpenLoopChain, ["--networks", "nothing"], "network = 'nothing'"),
        (OpenLoopChain, ["--networks", "alone"], "expected an inverse model of seven"),
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
