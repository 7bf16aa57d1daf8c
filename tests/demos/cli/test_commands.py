import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mothsim.controllers.learning.pruning import LEVELS
from mothsim.controllers.networks.storage import load_network
from mothsim.demos.cli.main import main

pytestmark = pytest.mark.usefixtures("quick_pictures")

ROOT = Path(__file__).parents[3]


def last_json(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


def test_fly_prints_all_that_is_promised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly", "--network", "small", "--duration", "1", "--out", str(tmp_path), "--json"]) == 0
    result = last_json(capsys)
    promised = (
        "controller network sparsity weights trajectory duration_s rms_error_cm max_error_cm lost control_step_us"
    )
    assert set(promised.split()) | {"realtime_factor", "seed", "spectral_radius"} <= set(result)
    assert result["weights"] == 1312
    assert result["rms_error_cm"] < 0.06
    assert not result["lost"]
    assert (tmp_path / "flight.png").stat().st_size > 10_000
    assert (tmp_path / "flight.gif").stat().st_size > 10_000


def test_fly_takes_a_file_and_lqr_and_a_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "loop.csv").write_text("t,x,y\n0,0,0\n1,0,2\n2,0,0\n")
    command = ["fly", "--controller", "lqr", "--trajectory", str(tmp_path / "loop.csv"), "--duration", "1"]
    command += ["--out", str(tmp_path), "--no-animation", "--json"]
    results = []
    for seed in ("3", "3", "4"):
        assert main([*command, "--seed", seed]) == 0
        results.append(last_json(capsys)["rms_error_cm"])
    assert results[0] == results[1] != results[2]
    assert not (tmp_path / "flight.gif").exists()


def test_fly_samples_the_future_and_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {}
    for option in ("--show-rollouts", "--no-show-rollouts"):
        command = ["fly", "--controller", "monte-carlo", "--body", "bustamante2022-fs", "--duration", "0.06", option]
        assert main([*command, "--out", str(tmp_path), "--json"]) == 0
        result = last_json(capsys)
        sizes[option] = (tmp_path / "flight.gif").stat().st_size
    assert sizes["--show-rollouts"] > sizes["--no-show-rollouts"]
    assert (result["body"], result["network"], result["weights"], result["fallbacks"]) == (
        "bustamante2022-fs",
        None,
        None,
        0,
    )
    assert result["work_per_path_mJ"] > 0
    assert main(["fly", "--controller", "mppi", "--duration", "0.1", "--trajectory", "hover", "--out", str(tmp_path),
                 "--no-animation", "--json"]) == 0  # fmt: skip
    assert last_json(capsys)["body"] == "zahn2022"
    assert main(["fly", "--controller", "lqr", "--show-rollouts", "--duration", "0.1", "--out", str(tmp_path)]) == 1
    assert "show_rollouts: lqr has none" in capsys.readouterr().err
    assert main(["fly", "--controller", "mppi", "--show-rollouts", "--no-animation", "--out", str(tmp_path)]) == 1
    assert "show_rollouts: drawn into a GIF" in capsys.readouterr().err


def test_a_lost_flight_is_null_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fly", "--network", "small", "--waypoint", "raw", "--duration", "2", "--trajectory", "hover"]
    assert main([*command, "--out", str(tmp_path), "--no-animation", "--json"]) == 0
    result = last_json(capsys)
    assert result["lost"]
    assert result["rms_error_cm"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trajectory", "loop"], "expected one of hover, step, sine, sum-of-primes"),
        (["--body", "hummingbird"], "expected one of zahn2022, bustamante2022-fa"),
        (["--controller", "pid"], "expected one of lqr, inverse-model"),
        (["--network", "huge"], "expected one of alone-6, alone, compact, dense"),
        (["--network", str(ROOT / "README.md")], "not a .safetensors file"),
        (["--controller", "lqr", "--duration", "-1"], "duration = -1.0"),
    ],
)
def test_mistakes_give_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["fly", "--out", str(tmp_path), *arguments]) == 1
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_misuse_exits_with_two() -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["fly", "--speed", "3"])
    assert exit_info.value.code == 2


def test_train_then_fly_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "inverse-model", "--hidden", "16", "12", "--levels", "40", "--segments", "20000"]
    command += ["--step-scale", "0.01"]
    assert main([*command, "--out", str(tmp_path), "--json"]) == 0
    result = last_json(capsys)
    assert [row[0] for row in result["networks"]] == [0, 40]
    assert (tmp_path / "learning-curve.png").exists()
    fly = ["fly", "--network", str(tmp_path / "40.safetensors"), "--trajectory", "hover", "--duration", "0.1"]
    assert main([*fly, "--out", str(tmp_path), "--no-animation"]) == 0
    assert main([*command, "--seed", "1", "--out", str(tmp_path)]) == 1
    assert "differs in seed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--delay", "0.05"], "delay = 0.05: expected with --robust alone"),
        (["--robust", "--moths", "20"], "moths = 20: expected whole groups of 16"),
        (["--seed", "4", "--seeds", "0", "1"], "seed = 4 beside seeds = (0, 1): expected one of the two"),
    ],
)
def test_what_a_training_would_not_use_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["train", "policy", *arguments, "--steps", "1", "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("robust", "refined"),
    [
        pytest.param(False, True, id="refined", marks=pytest.mark.slow),
        pytest.param(True, False, id="robust"),
        pytest.param(True, True, id="robust, refined", marks=pytest.mark.slow),
    ],
)
def test_train_a_policy_then_fly_it(
    robust: bool, refined: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Sizes of the trainings' own tests, so that JAX compiles them once.
    nodes, sizes = (4, "--moths 8 --segments 3") if robust else (8, "--moths 24 --segments 16")
    command = f"train policy --hidden {nodes} --steps 3 {sizes}".split()
    command += ["--refining-steps", "2"] if refined else []
    command += ["--robust", "--delay", "0.05"] if robust else []
    assert main([*command, "--out", str(tmp_path), "--json"]) == 0
    result = last_json(capsys)
    assert result["weights"] == ((62 if robust else 29) + 3) * nodes
    assert 0 <= result["lost"] <= result["flights"]
    made = load_network(tmp_path / "policy.safetensors").info["training"]
    sizes = (2, 3) if refined else (1, 8)  # refining flies about as many moths on more bodies
    assert not robust or (made["groups"], made["moths"], made["disturbed"]["delay"]) == (*sizes, 0.05)
    assert (tmp_path / "learning-curve.png").exists()
    fly = ["fly", "--controller", "policy", "--network", str(tmp_path / "policy.safetensors"), "--trajectory", "hover"]
    assert main([*fly, "--duration", "0.1", "--out", str(tmp_path), "--no-animation", "--json"]) == 0
    assert last_json(capsys)["weights"] == result["weights"]
    assert main([*command, "--seed", "1", "--out", str(tmp_path)]) == 1
    assert "other settings" in capsys.readouterr().err


@pytest.mark.slow
def test_study_then_its_figures_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The README's study of eight of the smallest networks, on very few steps."""
    command = ["study", "--protocol", "constant-rate-group", "--method", "layerwise", "--out", str(tmp_path), "--json"]
    assert main([*command, "--segments", "5000", "--step-scale", "0.0025"]) == 0
    result = last_json(capsys)
    rows = [dict(zip(result["columns"], row, strict=True)) for row in result["levels"]]
    assert [row["level"] for row in rows] == [0, *LEVELS]
    assert rows[0]["weights"] == 5956
    assert result["networks"] == result["never_passing"] == 8
    assert [(one["theirs"], one["ours"]) for one in result["beside_paper"]] == [(65, None)]
    assert result["speed"]["flops"] > 0
    picture = tmp_path / "loss-by-sparsity.png"
    picture.unlink()
    assert main([*command, "--figures", "--threshold", "1"]) == 0
    result = last_json(capsys)
    assert result["levels"][-1][-1] == 8
    assert result["speed"] is None
    assert picture.stat().st_size > 10_000
    assert main([*command, "--figures", "--out", str(tmp_path / "none")]) == 1
    assert main([*command, "--networks", "2"]) == 1
    assert "differs in networks" in capsys.readouterr().err


@pytest.mark.slow
def test_a_sweep_of_studies_is_one_table_a_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["study", "--segments", "5000", "--step-scale", "0.002", "--networks", "2", "--levels", "50"]
    command += ["--seeds", "0", "1", "--hidden-sweep", "9-8", "--weights", "400", "--out", str(tmp_path)]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert text.index("hidden layers 9, 8;") < text.index("hidden layers 7, 7, 7, 16;")
    assert len(re.findall(r"^ +(?:0|50) +4 ", text, re.MULTILINE)) == 4  # two levels of two sizes, four networks each
    for name in ("9-8", "7-7-7-16"):
        assert len((tmp_path / name / "networks.csv").read_text().splitlines()) == 9
    assert main([*command, "--workers", "2", "--segments", "6000"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("mothsim: ")
    assert error.endswith("holds a run that differs in segments; choose another folder")
    assert main([*command, "--hidden-sweep", "9x8"]) == 1
    assert "hidden_sweep = '9x8'" in capsys.readouterr().err


def test_import_of_the_authors_files(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("h5py", reason="the extra [keras] is not installed")
    folder = shared / "published_networks"
    command = ["import", "--files", str(folder / "0.93.h5"), "--scaling", str(folder / "scaling.json")]
    assert main([*command, "--segments", "10000", "--out", str(tmp_path), "--json"]) == 0
    assert last_json(capsys)["losses"]["0.93"] < 1.8e-4
    assert (tmp_path / "0.93.safetensors").exists()


@pytest.mark.slow
def test_benchmark_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["benchmark", "--rows", "300", "--baseline-rows", "3", "--moths", "64", "--batch", "8", "--repeats", "1"]
    command += ["--decisions", "2"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "mothsim" in text
    assert "odeint" in text
    assert "segment steps a second" in text
    assert "with their gradient" in text
    assert "monte-carlo          2,500" in text
    rows = [line.split()[:2] for line in text.splitlines()]
    assert ["97", "9,915"] in rows
    for shipped in (["93", "23,136"], ["98", "6,610"]):
        assert rows.count(shipped) == 2  # pruned here, and as shipped, retrained
    assert [row[0] for row in rows[-5:]] == ["6", "51", "101", "201", "501"]  # weights of policies


def test_the_first_flight_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mothsim.demos.examples.first_flight"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cm" in done.stdout


def test_versions_agree() -> None:
    import mothsim

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == mothsim.__version__
    assert f"## {mothsim.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
