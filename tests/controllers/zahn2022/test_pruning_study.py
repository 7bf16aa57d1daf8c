import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mothsim.controllers.learning.pruning import METHODS
from mothsim.controllers.learning.train_and_prune import TrainProgress
from mothsim.controllers.networks.ensemble import Level, load_level
from mothsim.controllers.networks.storage import find_network, save_network
from mothsim.controllers.zahn2022 import pruning_study
from mothsim.controllers.zahn2022.compute_cost import compute_cost
from mothsim.controllers.zahn2022.loss_table import read_table
from mothsim.controllers.zahn2022.pruning_study import run
from mothsim.controllers.zahn2022.study_figures import draw_study
from mothsim.controllers.zahn2022.study_files import StudySettings, load_settings, study_networks

JAX = StudySettings("zahn2022-jax", hidden=(16, 12), levels=(40.0, 80.0), segments=5000, step_scale=0.004, networks=2)
QUICK = StudySettings("cosine", "global", (16, 12), (40.0, 80.0), 5000, 3, 0.02, 3)
ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("quick_pictures")


def levels(settings: StudySettings, folder: Path) -> list[Level]:
    return [load_level(file) for file in run(settings, folder)]


def same_bits(first: Path, second: Path) -> bool:
    names = sorted(file.name for file in first.iterdir())
    return names == sorted(file.name for file in second.iterdir()) and all(
        (first / name).read_bytes() == (second / name).read_bytes() for name in names
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    run(QUICK, folder)
    return folder


@pytest.mark.slow
def test_learns_where_there_is_no_numba(tmp_path: Path) -> None:
    """As on a machine with a GPU and JAX alone: the segments are then JAX's own, the same but for rounding."""
    code = f"""
import sys
sys.modules["numba"] = sys.modules["llvmlite"] = None
from mothsim.demos.cli.main import main
main("study --hidden 16 12 --levels 40 80 --segments 5000 --seed 3 --step-scale 0.02 --networks 3 --out".split()
     + [{str(tmp_path)!r}])
"""
    ran = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert "without numba no figures" in ran.stderr
    assert load_settings(tmp_path) == QUICK
    with_numba = levels(dataclasses.replace(QUICK, levels=()), tmp_path / "with")[0].ensemble
    without = load_level(tmp_path / "00.safetensors").ensemble
    np.testing.assert_allclose(without.curve[:, :2], with_numba.curve[:, :2], rtol=1e-3)


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_prunes_to_the_level_and_learns(tmp_path: Path, method: str) -> None:
    settings = dataclasses.replace(QUICK, method=method, networks=2, levels=(40, 45), step_scale=0.05)
    dense, middle, sparse = levels(settings, tmp_path)
    for level in (middle, sparse):
        for i in range(2):
            wanted = level.percent / 100  # and a few more where a cutoff lets weights come back
            assert level.network(i).sparsity == pytest.approx(wanted, abs=0.05 if method == "cutoff" else 0.02)
    came_back = any((b & ~a).any() for a, b in zip(middle.ensemble.masks, sparse.ensemble.masks, strict=True))
    assert came_back or not METHODS[method].keeps_pruned
    assert METHODS[method].keeps_pruned or not came_back
    curve = dense.ensemble.curve
    assert (curve[:, -1] < 0.6 * curve[:, 0]).all()


def test_a_network_does_not_depend_on_the_others(tmp_path: Path, whole: Path) -> None:
    alone = levels(dataclasses.replace(QUICK, networks=1), tmp_path)[-1].network(0)
    among = load_level(whole / "80.safetensors").network(0)
    for one, other in zip(alone.weights, among.weights, strict=True):
        assert np.array_equal(one, other)


def test_a_stopped_network_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that stops by hand after its first chunk is what one chunk alone makes of it; the others go on."""
    settings = dataclasses.replace(QUICK, protocol="constant-rate", levels=(), step_scale=300 / 40_000)
    short = levels(dataclasses.replace(settings, step_scale=100 / 40_000), tmp_path / "short")[0].ensemble
    monkeypatch.setattr(pruning_study, "has_stopped", lambda curve: np.arange(len(curve)) == 1)
    cut = levels(settings, tmp_path / "cut")[0].ensemble
    assert cut.steps.tolist() == [300, 100, 300]
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(short.weights, cut.weights, strict=True))
    assert not np.array_equal(short.weights[0][0], cut.weights[0][0])
    assert np.isnan(cut.curve[1, 1:]).all()
    assert np.isfinite(cut.curve[[0, 2]]).all()


def test_a_group_stops_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand after two chunks, on the mean over its networks."""
    settings = dataclasses.replace(QUICK, protocol="constant-rate-group", levels=(), step_scale=300 / 78_100)
    seen = []

    def stopped(curve: np.ndarray, one_sided: bool) -> bool:
        assert not one_sided
        seen.append(curve)
        return len(curve) == 2

    monkeypatch.setattr("mothsim.controllers.zahn2022.pruning_study.has_stopped", stopped)
    group = levels(settings, tmp_path)[0].ensemble
    assert group.steps.tolist() == [200, 200, 200]
    assert np.array_equal(seen[-1], group.curve[:, :2].mean(axis=0))


def test_a_diverged_network_is_flagged_and_touches_no_other(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(settings: StudySettings) -> tuple:
        weights, biases = first(settings)
        weights[0][1] = np.inf
        return weights, biases

    first = pruning_study._first_weights
    monkeypatch.setattr(pruning_study, "_first_weights", broken)
    last = levels(QUICK, tmp_path)[-1]
    assert np.isfinite(last.ensemble.losses).tolist() == [True, False, True]
    assert last.ensemble.steps[1] == 100
    sound = load_level(whole / "80.safetensors")
    for one, other in zip(last.ensemble.weights, sound.ensemble.weights, strict=True):
        assert np.array_equal(one[[0, 2]], other[[0, 2]])
    with pytest.raises(ValueError, match="not finite"):
        last.network(1)
    draw_study(tmp_path)


@pytest.mark.parametrize("method", ["layerwise", "global"])
def test_rewinding_starts_from_the_first_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Where training adds 1 to every weight, a network pruned by the sum has its first weights + 1, else + 2."""

    def add_one(parameters, state, masks, running, *_, **__):
        weights, biases = parameters
        return (tuple(weight + 1 for weight in weights), biases), state, np.zeros(len(running))

    monkeypatch.setattr("mothsim.controllers.zahn2022.pruning_study._advance", add_one)
    settings = dataclasses.replace(QUICK, method=method, levels=(40,), step_scale=1e-9)
    for rewind in (True, False):
        now = dataclasses.replace(settings, rewind=rewind)
        dense, sparse = levels(now, tmp_path / str(rewind))
        for before, after, mask in zip(
            dense.ensemble.weights, sparse.ensemble.weights, sparse.ensemble.masks, strict=True
        ):
            assert after[mask] == pytest.approx(before[mask] + (0 if rewind else 1))
            assert (after[~mask] == 0).all()
        first = np.abs(dense.ensemble.weights[0][0]), sparse.ensemble.masks[0][0]
        assert first[0][first[1]].min() > first[0][~first[1]].max()


def test_the_table_has_a_row_a_network_and_level(whole: Path) -> None:
    rows = read_table(whole)
    assert [(row["network"], row["level"]) for row in rows] == [(i, p) for p in (0, 40, 80) for i in range(3)]
    assert rows[0]["weights"] == 10 * 16 + 16 * 12 + 12 * 7 == rows[0]["live"]
    for row in rows:
        assert sum(row[f"layer_{i}"] for i in (1, 2, 3)) == row["weights"]
        assert sum(value for name, value in row.items() if name.startswith("from_")) == row["layer_1"]
        assert row["inputs_kept"] + row["lost_inputs"] == 10
    assert load_settings(whole) == QUICK


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_in_the_same_bits(tmp_path: Path, whole: Path) -> None:
    code = "from pathlib import Path; from mothsim.controllers.zahn2022.pruning_study import *; run({}, Path({!r}))"
    command = [sys.executable, "-c", code.format(repr(QUICK), str(tmp_path / "cut"))]
    rng = np.random.default_rng(0)
    for name in ("settings.json", "00.safetensors", "40.safetensors"):
        started = subprocess.Popen(command, cwd=ROOT)
        while started.poll() is None and not (tmp_path / "cut" / name).exists():
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        started.send_signal(signal.SIGKILL)
        started.wait()
    subprocess.run(command, cwd=ROOT, check=True)
    for file in (tmp_path / "cut").glob(".*"):
        file.unlink()
    assert same_bits(whole, tmp_path / "cut")


def test_a_full_disk_is_said_in_a_line_and_the_level_before_stays(tmp_path: Path, whole: Path) -> None:
    """Files may not grow beyond 4 kB once the second level trains; with room again it ends in the same bits."""
    code = """
import pathlib, resource, sys, time
from mothsim.demos.cli import main, study

class Bar(study.LevelBar):
    def __call__(self, event):
        if event.level:
            while not pathlib.Path(sys.argv[-1], "networks.csv").exists():
                time.sleep(0.01)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, -1))
        super().__call__(event)

study.LevelBar = Bar
sys.exit(main.main(sys.argv[1:]))
"""
    arguments = "study --hidden 16 12 --levels 40 80 --segments 5000 --seed 3 --step-scale 0.02 --networks 3 --out"
    command = [sys.executable, "-c", code, *arguments.split(), str(tmp_path)]
    unwritten = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "1000"}  # a compiled program cut short, for other tests
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | unwritten)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"mothsim: {tmp_path / '40.safetensors'}: could not be written (")
    assert {file.name for file in tmp_path.iterdir()} == {
        "settings.json", "versions.json", "00.safetensors", "networks.csv"
    }  # fmt: skip
    run(QUICK, tmp_path)
    assert same_bits(whole, tmp_path)


@pytest.mark.parametrize("harm", ["cut short", "flipped"])
def test_a_damaged_checkpoint_is_said_and_made_again(tmp_path: Path, whole: Path, harm: str) -> None:
    for file in whole.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    file = tmp_path / "40.safetensors"
    content = bytearray(file.read_bytes())
    if harm == "flipped":
        content[-100] ^= 4
    file.write_bytes(content[: len(content) - (100 if harm == "cut short" else 0)])
    said: list[str] = []
    run(QUICK, tmp_path, log=said.append)
    assert len(said) == 1
    assert "40.safetensors" in said[0]
    assert "\n" not in said[0]
    assert same_bits(whole, tmp_path)


def test_a_flipped_bit_anywhere_is_found_out(tmp_path: Path, whole: Path) -> None:
    content = (whole / "80.safetensors").read_bytes()
    for place in np.random.default_rng(0).integers(8 * len(content), size=300).tolist() + list(range(0, 24_000, 41)):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        (tmp_path / "80.safetensors").write_bytes(flipped)
        with pytest.raises(ValueError, match="80"):
            load_level(tmp_path / "80.safetensors")


@pytest.mark.parametrize("harm", ["null", "cut", "", '{"another": 1}'])
def test_damaged_settings_and_tables_are_made_again(tmp_path: Path, whole: Path, harm: str) -> None:
    for file in whole.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for name in ("settings.json", "networks.csv"):
        content = (whole / name).read_text()[:-20] if harm == "cut" else harm
        (tmp_path / name).write_text(content)
    if harm != "cut":
        with pytest.raises(ValueError, match=r"settings\.json: missing or damaged"):
            load_settings(tmp_path)
    said: list[str] = []
    run(QUICK, tmp_path, log=said.append)
    assert [line.split(": ")[0] for line in said] == [str(tmp_path / "settings.json")]
    assert same_bits(whole, tmp_path)
    (tmp_path / "networks.csv").write_text((whole / "networks.csv").read_text()[:-3])
    assert compute_cost({tmp_path: QUICK}) == compute_cost({whole: QUICK})
    assert same_bits(whole, tmp_path)


def test_a_study_goes_on_with_further_levels_alone(tmp_path: Path, whole: Path) -> None:
    run(dataclasses.replace(QUICK, levels=(40.0,)), tmp_path)
    run(QUICK, tmp_path)
    assert same_bits(whole, tmp_path)
    with pytest.raises(ValueError, match="holds a run that differs in levels"):
        run(dataclasses.replace(QUICK, levels=(40.0, 70.0)), tmp_path)


def test_sound_checkpoints_of_another_study_are_refused(tmp_path: Path, whole: Path) -> None:
    other = dataclasses.replace(QUICK, levels=(), hidden=(8,), seed=4)
    run(other, tmp_path)
    for source, message in ((whole, "sizes = .*; .*seed = 3, not 4"), (None, "holds 'mothsim-network-1'")):
        if source:
            (tmp_path / "00.safetensors").write_bytes((source / "00.safetensors").read_bytes())
        else:
            save_network(find_network("small"), tmp_path / "00.safetensors")
        before = (tmp_path / "00.safetensors").read_bytes()
        with pytest.raises(ValueError, match=rf"00\.safetensors: .*{message}"):
            run(other, tmp_path)
        assert (tmp_path / "00.safetensors").read_bytes() == before


def test_networks_of_a_study_are_listed_and_found_by_name(whole: Path) -> None:
    listed = study_networks(whole)
    assert [name for name, _ in listed] == [f"{whole.name}@{p}:{i}" for p in ("00", "40", "80") for i in range(3)]
    found, level = find_network(listed[7][1]), load_level(whole / "80.safetensors")
    assert np.array_equal(found.weights[1], level.network(1).weights[1])
    assert found.info["network"] == 1
    for name, message in (("@80:3", "index = 3: expected 0 to 2"), ("@81:0", "no such file"), ("", "STUDY@LEVEL:INDEX"),
                          ("/80.safetensors", "STUDY@93:0")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            find_network(f"{whole}{name}")


def test_figures_come_from_the_folder_alone(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in whole.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr("mothsim.controllers.zahn2022.pruning_study._train_level", None)
    files = draw_study(tmp_path, threshold=0.05, level=80)
    assert {file.stem for file in files} == {
        "loss-by-sparsity",
        "sample-networks",
        "inputs",
        "learning-curve",
        "learning-curves",
        "predictions-dense",
        "predictions-pruned",
        "trajectories",
    }
    assert all(file.stat().st_size > 5000 for file in files)
    with pytest.raises(ValueError, match="holds no study"):
        draw_study(tmp_path / "empty")


@pytest.mark.slow
def test_networks_are_shared_out_over_devices(tmp_path: Path, whole: Path) -> None:
    """Three cores that count as devices, a network each, make what one device makes."""
    code = (
        "import jax; from pathlib import Path; from mothsim.controllers.zahn2022.pruning_study import *;"
        "from mothsim.controllers.learning.jax_numerics import count_cores_as_devices; count_cores_as_devices();"
        f"print(len(jax.devices())); run({QUICK!r}, Path({str(tmp_path)!r}))"
    )
    environment = os.environ | {"NUMBA_NUM_THREADS": "3", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["3"], done.stderr
    for i in range(3):
        shared_out = load_level(tmp_path / "80.safetensors").network(i)
        global_ranking = load_level(whole / "80.safetensors").network(i)
        for one, other in zip(shared_out.weights, global_ranking.weights, strict=True):
            assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"networks": 0}, "networks = 0"),
        ({"method": "random"}, "expected one of layerwise, regrow, global"),
        ({"method": "gradual", "rewind": True}, "rewind = True"),
        ({"levels": (99.9,), "method": "global"}, r"percent = 99\.9"),
    ],
)
def test_bad_settings_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StudySettings(**options)


@pytest.mark.parametrize(
    "settings",
    [JAX, dataclasses.replace(QUICK, method="gradual", networks=2, step_scale=0.08)],
    ids=["zahn2022-jax", "gradual"],
)
def test_interrupted_in_a_level_it_goes_on_in_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: StudySettings
) -> None:
    run(settings, tmp_path / "whole")
    monkeypatch.setattr("mothsim.controllers.zahn2022.level_progress.SAVE_EVERY", 0.0)

    def interrupt(event: TrainProgress) -> None:
        if (event.level, event.step) == (80, 300):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(settings, tmp_path / "cut", interrupt)
    assert (tmp_path / "cut" / "progress.safetensors").exists()
    steps = []
    run(settings, tmp_path / "cut", lambda event: steps.append((event.level, event.step)))
    assert steps[0] == (80, 300)
    assert same_bits(tmp_path / "whole", tmp_path / "cut")
