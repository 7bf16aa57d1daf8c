import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mothsim.controllers.learning import train_and_prune
from mothsim.controllers.learning.data import TESTING, make_dataset, with_noise
from mothsim.controllers.learning.learning_curve import draw_learning_curve
from mothsim.controllers.learning.protocols import CONSTANT, CONSTANT_GROUP, COSINE, ZAHN_TENSORFLOW, find_protocol
from mothsim.controllers.learning.train_and_prune import Settings, run
from mothsim.controllers.learning.training import has_stalled, has_stopped, optimiser_of
from mothsim.controllers.networks.storage import find_network, load_network, save_network
from mothsim.plotting.figures import save_figure

SMALL = Settings(hidden=(16, 12), levels=(50, 80), segments=20_000, step_scale=0.1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of a run that nothing interrupted."""
    return run(SMALL, tmp_path_factory.mktemp("whole"))


def same_bits(first: list[Path], second: list[Path]) -> bool:
    return [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_data_fill_their_scaling_and_share_no_stream() -> None:
    data = make_dataset(5000, 0, near_flight=0.2)
    tests = make_dataset(1000, 0, TESTING, scaling=data.scaling)
    assert data.inputs.shape == (5000, 10)
    assert data.inputs.min() == pytest.approx(-0.5)
    assert data.outputs.max() == pytest.approx(0.5)
    assert not np.isin(tests.inputs[:, 6], data.inputs[:, 6]).any()
    slow = np.abs(data.inputs[:, 6:8]).max(axis=1) < 0.051  # 150 of 3000 cm/s
    assert slow.mean() == pytest.approx(0.2, abs=0.02)
    assert slow[:500].mean() == pytest.approx(0.2, abs=0.05)


def test_noise_on_the_inputs_of_training(tmp_path: Path) -> None:
    data = make_dataset(5000, 0)
    noisy = with_noise(data, 0.1, 3)
    assert np.array_equal(noisy.outputs, data.outputs)
    assert (noisy.inputs - data.inputs).std(axis=0) == pytest.approx(0.1, rel=0.05)
    assert np.array_equal(with_noise(data, 0.1, 3).inputs, noisy.inputs)
    settings = Settings(hidden=(8,), levels=(), segments=2000, step_scale=0.005)
    one, other = (
        load_network(run(dataclasses.replace(settings, input_noise=noise), tmp_path / str(noise))[0])
        for noise in (0.0, 0.1)
    )
    assert not np.array_equal(one.weights[0], other.weights[0])
    assert (one.info.get("input_noise"), other.info["input_noise"]) == (None, 0.1)
    with pytest.raises(ValueError, match="input_noise = -1"):
        dataclasses.replace(settings, input_noise=-1)


def test_early_stopping_by_hand() -> None:
    flat, falling, slow = np.full(10, 0.1), np.repeat([0.1, 0.098], 5), np.repeat([0.1, 0.0991], 5)
    assert not has_stopped(flat[:9])
    assert has_stopped(np.stack([flat, falling, slow])).tolist() == [True, False, True]


def test_stopping_as_in_the_jax_program_by_hand() -> None:
    """Nothing before 1100 batches; then a fall of less than 1 %, of the later mean, or any rise."""
    flat, falling, rising = np.full(11, 0.1), np.repeat([0.1, 0.0989], [6, 5]), np.repeat([0.1, 0.2], [6, 5])
    assert not has_stopped(flat[:10], one_sided=True)
    assert has_stopped(np.stack([flat, falling, rising]), one_sided=True).tolist() == [True, False, True]
    assert not has_stopped(rising)


def test_stopping_by_validation_by_hand() -> None:
    """The loss has to fall by more than 0.01 within ten chunks, and small falls add up: 0.100, 0.094, 0.088."""
    slow = np.repeat([0.100, 0.094, 0.088], [5, 5, 1])
    assert has_stalled(np.stack([np.full(11, 0.1), slow])).tolist() == [True, False]
    assert not has_stalled(np.full(10, 0.1))
    assert has_stalled(np.concatenate([slow, np.full(10, 0.08)]))


def test_rmsprop_is_that_of_keras_by_hand() -> None:
    """After gradients 1 and 2 the mean square is .9 (.1 1) + .1 4 = .49, and the step 2 / (.7 + eps)."""
    optimiser = optimiser_of(ZAHN_TENSORFLOW)
    _, state = optimiser.update(np.float32(1), optimiser.init(np.float32(0)))
    step, _ = optimiser.update(np.float32(2), state)
    assert float(np.asarray(step)) == pytest.approx(2 / (0.7 + 1e-7), rel=1e-6)


def test_protocols() -> None:
    assert find_protocol("zahn2022-group") is CONSTANT_GROUP  # as in the files of former studies
    assert Settings("constant-rate").method == "layerwise"
    with pytest.raises(ValueError, match="expected one of a single network"):
        Settings("zahn2022-jax")
    assert CONSTANT.peak_learning_rate_for(100) == 5e-4
    assert COSINE.peak_learning_rate_for(330_512) == pytest.approx(1e-3)
    assert COSINE.peak_learning_rate_for(1312) == pytest.approx(4e-3, rel=0.01)
    with pytest.raises(ValueError, match="cosine, constant-rate"):
        find_protocol("sgd")


@pytest.mark.parametrize(("protocol", "method"), [("cosine", "global"), ("constant-rate", "layerwise")])
def test_a_run_learns_prunes_and_repeats_to_the_bit(tmp_path: Path, protocol: str, method: str) -> None:
    settings = Settings(protocol, method, SMALL.hidden, SMALL.levels, SMALL.segments, 3, SMALL.step_scale)
    files = run(settings, tmp_path / "a")
    networks = [load_network(file) for file in files]
    assert [file.name for file in files] == ["00.safetensors", "50.safetensors", "80.safetensors"]
    assert [round(network.sparsity, 2) for network in networks] == pytest.approx([0, 0.5, 0.8], abs=0.02)
    assert networks[0].info["learning_curve"][0] > 1.5 * networks[0].info["test_loss"]
    assert networks[1].info["test_loss"] < 0.05
    assert same_bits(files, run(settings, tmp_path / "b"))
    save_figure(draw_learning_curve(networks), tmp_path / "curve.png")


def test_a_folder_belongs_to_one_run(tmp_path: Path) -> None:
    quick = Settings(hidden=(8,), levels=(), segments=2000, step_scale=0.005)
    run(quick, tmp_path)
    with pytest.raises(ValueError, match="differs in seed"):
        run(Settings(hidden=(8,), levels=(), segments=2000, step_scale=0.005, seed=1), tmp_path)


@pytest.mark.parametrize("events", [1, 3, 41])
def test_interrupted_after_a_save_it_goes_on_in_the_same_bits(
    tmp_path: Path, whole: list[Path], monkeypatch: pytest.MonkeyPatch, events: int
) -> None:
    monkeypatch.setattr(train_and_prune, "_SAVE_EVERY", 0.0)
    left = iter(range(events))

    def interrupt(_: object) -> None:
        next(left)

    with pytest.raises(StopIteration):
        run(SMALL, tmp_path / "cut", interrupt)
    assert (tmp_path / "cut" / "progress.safetensors").exists()
    assert same_bits(whole, run(SMALL, tmp_path / "cut"))


def written(file: Path) -> int:
    """When a file was last written, 0 where there is none."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_in_the_same_bits(tmp_path: Path, whole: list[Path]) -> None:
    settings = {name: getattr(SMALL, name) for name in ("hidden", "levels", "segments", "step_scale")}
    code = f"""
import mothsim.controllers.learning.train_and_prune as s
from pathlib import Path
s._SAVE_EVERY = 0.0
s.run(s.Settings(**{settings!r}), Path({str(tmp_path / "cut")!r}))
"""
    cuts = 0
    rng = np.random.default_rng(0)
    while not (tmp_path / "cut" / "80.safetensors").exists():
        before = written(tmp_path / "cut" / "progress.safetensors")
        started = subprocess.Popen([sys.executable, "-c", code], env=os.environ)
        while started.poll() is None and written(tmp_path / "cut" / "progress.safetensors") == before:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.1))
        if cuts < 4 and started.poll() is None:
            started.send_signal(signal.SIGKILL)
            cuts += 1
        started.wait()
    assert cuts == 4
    cut = [tmp_path / "cut" / file.name for file in whole]
    assert same_bits(whole, cut)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "sgd"}, "protocol = 'sgd'"),
        ({"method": "random"}, "method = 'random'"),
        ({"hidden": ()}, "hidden = "),
        ({"levels": (50, 40)}, "levels = "),
        ({"segments": 3}, "segments = 3"),
        ({"step_scale": 0.0}, "step_scale = 0.0"),
        ({"step_scale": math.inf}, "step_scale = inf"),
        ({"seed": -1}, "seed = -1: expected whole numbers from 0 on"),
        ({"seed": 0.5}, r"seed = 0\.5"),
        ({"hidden": (4, 0)}, r"hidden = \(4, 0\)"),
        ({"levels": (50, math.nan)}, "levels = "),
        (
            {"hidden": (8,), "levels": (50, 99.9)},
            r"levels = \(50, 99\.9\): .*expected at most 58, .* keeps the 56 weights",
        ),
    ],
)
def test_bad_settings_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(**options)


TINY = Settings(hidden=(8,), levels=(50,), segments=2000, step_scale=0.005)


def test_damaged_files_are_made_again_in_the_same_bits(tmp_path: Path) -> None:
    files = run(TINY, tmp_path)
    whole = [file.read_bytes() for file in files]
    (tmp_path / "settings.json").write_text("null")
    files[0].write_bytes(whole[0][:-100])
    said: list[str] = []
    run(TINY, tmp_path, log=said.append)
    assert [line.split(": ")[0] for line in said] == [str(tmp_path / "settings.json"), str(files[0])]
    assert [file.read_bytes() for file in files] == whole
    assert json.loads((tmp_path / "settings.json").read_text()) == json.loads(json.dumps(TINY.as_dict()))


def test_no_two_levels_share_a_network(tmp_path: Path) -> None:
    levels = (0.04, 50, 50.04)
    files = run(dataclasses.replace(TINY, levels=levels), tmp_path)
    assert [file.stem for file in files] == ["00", "00.04", "50", "50.04"]
    assert [load_network(file).info["level"] for file in files] == [0, *levels]


def test_a_folder_goes_on_with_further_levels(tmp_path: Path) -> None:
    whole = run(dataclasses.replace(TINY, levels=(50, 55)), tmp_path / "whole")
    run(TINY, tmp_path / "later")
    assert same_bits(whole, run(dataclasses.replace(TINY, levels=(50, 55)), tmp_path / "later"))


def test_a_network_of_another_run_is_refused(tmp_path: Path) -> None:
    save_network(find_network("small"), tmp_path / "00.safetensors")
    with pytest.raises(ValueError, match=r"00\.safetensors: made with hidden = \[24, 24, 16\], not \[8\]; segments"):
        run(TINY, tmp_path)


def test_a_folder_without_a_network_belongs_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(settings: Settings) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(train_and_prune, "draw_data", fail)
        with pytest.raises(MemoryError):
            run(dataclasses.replace(TINY, segments=10**13), tmp_path)
    assert run(dataclasses.replace(TINY, levels=()), tmp_path)


def test_training_does_not_depend_on_jax_s_flags(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from mothsim.controllers.learning.train_and_prune import Settings, run
run({TINY!r}, Path({str(tmp_path / "flags")!r}))
"""
    flags = {"JAX_ENABLE_X64": "1", "JAX_NUMPY_DTYPE_PROMOTION": "strict", "JAX_NUMPY_RANK_PROMOTION": "raise",
             "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16"}  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | flags)
    whole = run(TINY, tmp_path / "whole")
    assert same_bits(whole, [tmp_path / "flags" / file.name for file in whole])
