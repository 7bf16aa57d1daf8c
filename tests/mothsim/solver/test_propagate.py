"""`propagate` at its edge: the known answers, shapes, bits, bad rows and bad input."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib import Parallel, delayed

import mothsim
from mothsim import segments

BODIES = {
    "zahn2022": mothsim.MothBody(),
    "zahn2022_scale0.8": mothsim.MothBody().scaled(0.8),
    "bustamante2022": mothsim.MothBody.light_abdomen(),
}


def scaled_error(result, reference):
    """Largest error of each row, each component in units of its largest magnitude."""
    return (np.abs(result - reference) / np.abs(reference).max(axis=0)).max(axis=1)


# Two rows of the original authors' own printed simulation output, after 0.02 s.
PRINTED = [
    (
        [0, 0, 1.075898, 3.427385, 1127.569064, 765.895323, 11.962440, 18.462602],
        [41181.992912, 1.987846, -63216.237665, 0],
        [18.323331, 14.965420, 2.653195, 5.115222, 716.627905, 553.784155, 147.068401, 153.187791],
    ),
    (
        [0, 0, 4.186927, 3.194818, 1370.322727, -216.459775, -16.500337, -0.385905],
        [371.601599, 0.668810, -40259.257246, 0],
        [27.276171, -4.544002, 3.984840, 3.181642, 1358.779274, -238.613391, -10.035763, -0.756667],
    ),
]


@pytest.mark.parametrize(("state", "control", "printed"), PRINTED)
def test_reproduces_printed_output(state, control, printed):
    end = mothsim.propagate(state, control)
    assert end.success
    # The start is printed to six decimals, so the end is known to about four.
    np.testing.assert_allclose(end.states, printed, rtol=0, atol=3e-4)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-8])
def test_reference_segments(shared: Path, name, rtol):
    with (shared / "reference_segments.csv").open() as file:
        rows = np.array([[float(v) for v in row[1:]] for row in csv.reader(file) if row[0] == name])
    assert len(rows) == 100
    end = mothsim.propagate(rows[:, :8], rows[:, 8:12], body=BODIES[name], rtol=rtol)
    assert end.success.all()
    assert scaled_error(end.states, rows[:, 12:]).max() < 10 * rtol


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_same_bits_in_any_batch_order_and_number_of_threads(rtol):
    def ends(states, controls, threads=None):
        return mothsim.propagate(states, controls, rtol=rtol, threads=threads).states

    states, controls = segments.draw(5000, 1)
    whole = ends(states, controls, 1)
    assert np.array_equal(ends(states, controls, 3), whole)
    for size in (1, 3, 4, 7, 64, 2500):
        for first in range(0, 5000, max(size, 13)):
            rows = slice(first, first + size)
            assert np.array_equal(ends(states[rows], controls[rows]), whole[rows])
    order = np.random.default_rng(0).permutation(5000)
    assert np.array_equal(ends(states[order], controls[order]), whole[order])


def test_same_bits_in_processes():
    states, controls = segments.draw(300, 1)
    whole = mothsim.propagate(states, controls).states
    parts: Any = Parallel(n_jobs=2)(delayed(mothsim.propagate)(states[i::2], controls[i::2]) for i in range(2))
    for i, part in enumerate(parts):
        assert np.array_equal(part.states, whole[i::2])


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_a_bad_row_is_flagged_alone(rtol):
    states, controls = segments.draw(100, 2)
    good = mothsim.propagate(states, controls, rtol=rtol).states
    bad_states, bad_controls = states.copy(), controls.copy()
    bad_rows = range(3, 99, 8)
    for row, column, value in zip(bad_rows, range(12), [np.nan, np.inf, -np.inf] * 4, strict=True):
        (bad_states if column < 8 else bad_controls)[row, column % 8] = value
    end = mothsim.propagate(bad_states, bad_controls, rtol=rtol)
    touched = np.isin(np.arange(100), list(bad_rows))
    assert np.array_equal(end.success, ~touched)
    assert np.isnan(end.states[touched]).all()
    assert np.array_equal(end.states[~touched], good[~touched])


def test_single_moth_and_empty_batch():
    states, controls = segments.draw(3, 3)
    end = mothsim.propagate(states[1], controls[1], times=[0, 0.01, 0.02])
    assert end.states.shape == (8,)
    assert end.success.shape == ()
    assert end.path is not None
    assert end.path.shape == (3, 8)
    assert np.array_equal(end.path[0], states[1])
    assert np.array_equal(end.path[2], end.states)
    assert np.array_equal(end.states, mothsim.propagate(states, controls).states[1])
    assert mothsim.propagate(states[:0], controls[:0]).states.shape == (0, 8)


def test_path_agrees_with_a_chain_of_segments():
    states, controls = segments.draw(200, 4)
    path = mothsim.propagate(states, controls, times=[0.005, 0.01]).path
    assert path is not None
    half = mothsim.propagate(path[:, 0], controls, duration=0.005).states
    assert scaled_error(half, path[:, 1]).max() < 1e-5


def test_a_body_for_each_row():
    states, controls = segments.draw(30, 5)
    bodies = [list(BODIES.values())[i % 2] for i in range(30)]
    mixed = mothsim.propagate(states, controls, body=bodies).states
    for i, body in enumerate(bodies):
        assert np.array_equal(mixed[i], mothsim.propagate(states[i], controls[i], body=body).states)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"states": np.zeros((2, 7))}, r"states has shape \(2, 7\): expected \(N, 8\)"),
        ({"states": "moth"}, r"states = 'moth': expected numbers"),
        ({"controls": np.zeros((3, 4))}, r"controls has shape \(3, 4\): expected \(2, 4\)"),
        ({"controls": np.zeros(4)}, r"controls has shape \(4,\): expected \(2, 4\)"),
        ({"duration": True}, r"duration = True: expected seconds"),
        ({"duration": "0.02"}, r"duration = .0.02.: expected seconds"),
        ({"duration": 0.0}, r"duration = 0.0: expected seconds"),
        ({"duration": np.nan}, r"duration = nan: expected seconds"),
        ({"rtol": 1e-12}, r"rtol = 1e-12: expected 1e-10 to 0.01"),
        ({"threads": -1}, r"threads = -1: expected one or more"),
        ({"body": 3}, r"body = 3: expected a MothBody, or 2 of them"),
        ({"body": [mothsim.MothBody()]}, r"body = .*: expected a MothBody, or 2 of them"),
        ({"times": [0.03]}, r"times = .*: expected \(T,\) seconds from 0 to duration"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"states": np.zeros((2, 8)), "controls": np.zeros((2, 4))} | change
    with pytest.raises(ValueError, match=message):
        mothsim.propagate(arguments.pop("states"), arguments.pop("controls"), **arguments)


def test_an_array_of_another_layout_is_not_compiled_for_anew():
    from mothsim.solver.march import solve_few, solve_in_lanes

    states, controls = segments.draw(40, 6)
    wanted = [mothsim.propagate(states[:n], controls[:n]).states for n in (3, 40)]
    compiled = len(solve_few.signatures), len(solve_in_lanes.signatures)
    states, controls = (np.frombuffer(b"x" + array.tobytes(), np.float64, offset=1) for array in (states, controls))
    states, controls = states.reshape(40, 8), controls.reshape(40, 4)
    assert not states.flags.writeable
    assert not states.flags.aligned
    for n, ends in zip((3, 40), wanted, strict=True):
        assert np.array_equal(mothsim.propagate(states[:n], controls[:n]).states, ends)
    assert (len(solve_few.signatures), len(solve_in_lanes.signatures)) == compiled
