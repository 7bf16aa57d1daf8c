"""Random segments: their ranges, their streams, and the training set's columns."""

import numpy as np
import pytest

import mothsim
from mothsim import segments


def test_draw_fills_the_published_ranges():
    body = mothsim.MothBody.bustamante2022("fs")
    states, controls = segments.draw(200_000, 0, body)
    low = [0, 0, 0, 0, -1500, -1500, -25, -25, 0, 0, -1e5, -1e5]
    high = [0, 0, 2 * np.pi, 2 * np.pi, 1500, 1500, 25, 25, 44300, 2 * np.pi, 1e5, 1e5]
    drawn = np.hstack([states, controls])
    np.testing.assert_allclose(drawn.min(axis=0), low, atol=1e-3 * np.ptp([low, high]) / 100)
    np.testing.assert_allclose(drawn.max(axis=0), high, rtol=1e-4)
    free = drawn[:, np.ptp(drawn, axis=0) > 0]
    assert np.abs(np.corrcoef(free.T) - np.eye(10)).max() < 0.02
    assert not segments.draw(10, 0)[1][:, 3].any()


def test_generate_is_the_segments_it_names():
    made = segments.generate(500, 7)
    states, controls = segments.draw(segments.BLOCK, np.random.SeedSequence(7, spawn_key=(0,)))
    end = mothsim.propagate(states[:500], controls[:500])
    names = ("x0", "y0", "theta0", "phi0", "xdot0", "ydot0", "thetadot0", "phidot0")
    start = dict(zip(names, states[:500].T, strict=True))
    final = dict(zip([name.replace("0", "_f") for name in names], end.states.T, strict=True))
    force, angle, torque, _ = controls[:500].T
    values = start | final | {"F_x": force * np.cos(angle), "F_y": force * np.sin(angle), "tau": torque}
    assert made.inputs.dtype == made.outputs.dtype == np.float32
    for column, name in enumerate(segments.INPUTS):
        assert np.array_equal(made.inputs[:, column], values[name].astype(np.float32)), name
    for column, name in enumerate(segments.OUTPUTS):
        assert np.array_equal(made.outputs[:, column], values[name].astype(np.float32)), name


def test_generate_on_any_threads_any_length_and_on_disk(tmp_path):
    count = segments.BLOCK + 1000
    whole = segments.generate(count, 3, threads=2)
    for other in (
        segments.generate(count, 3, threads=1, folder=tmp_path),
        segments.generate(segments.BLOCK + 10, 3),
        segments.generate(20, 3),
    ):
        rows = len(other.inputs)
        assert np.array_equal(other.inputs, whole.inputs[:rows])
        assert np.array_equal(other.outputs, whole.outputs[:rows])
    assert np.array_equal(np.load(tmp_path / "inputs.npy", mmap_mode="r"), whole.inputs)
    assert not np.array_equal(segments.generate(20, 4).inputs, whole.inputs[:20])
    # Blocks differ from one another.
    assert not np.array_equal(whole.inputs[:1000], whole.inputs[segments.BLOCK :])


def test_a_row_that_a_solver_could_not_solve_is_no_data():
    def solver(states, _):
        return np.where(np.arange(len(states))[:, None] == 7, np.nan, states)

    with pytest.raises(RuntimeError, match="1 random segments of block 0 could not be solved"):
        segments.generate(10, solver=solver)


def test_bad_count_is_named():
    for call in (lambda: segments.generate(-1), lambda: segments.draw(-1)):
        with pytest.raises(ValueError, match="count = -1: expected a whole number, 0 or more"):
            call()
    with pytest.raises(ValueError, match="seed = -1: expected a whole number"):
        segments.generate(3, seed=-1)


def test_a_set_that_fails_leaves_the_one_before_and_nothing_beside_it(tmp_path) -> None:
    whole = segments.generate(100, 3, folder=tmp_path)
    with pytest.raises(RuntimeError, match="could not be solved"):
        segments.generate(50, 4, folder=tmp_path, solver=lambda states, controls: np.full_like(states, np.nan))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["inputs.npy", "outputs.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "inputs.npy"), whole.inputs)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="folder = "):
        segments.generate(10, folder=tmp_path / "file")
