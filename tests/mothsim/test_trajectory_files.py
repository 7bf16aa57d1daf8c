import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mothsim import fly, make_trajectory
from mothsim.controllers import LQR
from mothsim.trajectory_files import INTERPOLATIONS

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def written(folder: Path, text: str, name: str = "rows.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows")


def test_a_hold_is_held_and_its_flight_follows_it(tmp_path: Path) -> None:
    file = written(tmp_path, "t,x,y\n0,0,0\n2,0,0\n2.1,5,0\n5,5,0\n")
    target = make_trajectory(file)
    x = target.position(np.linspace(0, 5, 501))[:, 0]
    assert (x[:201] == 0).all()
    assert (np.diff(x) >= 0).all()
    assert x[210:] == pytest.approx(5, abs=1e-12)
    assert (target.velocity(np.linspace(0, 1.9, 20)) == 0).all()
    assert make_trajectory(file, interpolation="cubic").position(np.linspace(0, 5, 501))[:, 0].min() < -15


@QUICK
@given(
    rows=st.lists(st.tuples(st.floats(0.01, 2), st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=8),
    kind=st.sampled_from(["pchip", "linear"]),
)
def test_the_target_stays_between_neighbouring_rows(folder: Path, rows: list, kind) -> None:
    times, points = np.cumsum([row[0] for row in rows]), np.array([row[1:] for row in rows])
    lines = [f"{t!r},{x!r},{y!r}" for t, (x, y) in zip(times.tolist(), points.tolist(), strict=True)]
    target = make_trajectory(written(folder, "\n".join(["t,x,y", *lines])), interpolation=kind)
    assert target.position(times) == pytest.approx(points, abs=1e-9)
    for i, (low, high) in enumerate(pairwise(points)):
        inside = np.linspace(times[i], times[i + 1], 23)
        at = target.position(inside)
        assert (at >= np.minimum(low, high) - 1e-9).all()
        assert (at <= np.maximum(low, high) + 1e-9).all()
        # The velocity is the slope of the position: its integral over the segment is the way from row to row.
        nodes, weights = np.polynomial.legendre.leggauss(4)
        half = (times[i + 1] - times[i]) / 2
        way = half * weights @ target.velocity(times[i] + half * (nodes + 1))
        assert way == pytest.approx(high - low, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "\ufefft,x,y\n0,0,0\n1,1,0\n3,1,0\n",
        "# recorded 12 May\nt (s), x (cm), y (cm)\n0,0,0\n1,1,0\n3,1,0\n",
        "T [s],X,Y\r\n\r\n0,0,0\r\n# a comment\r\n1,1,0 # another\r\n3,1,0\r\n\r\n",
        "t,x,y,,\n0,0,0,,\n1,1,0,\n3,1,0,, \n,,\n",
        't,x,y\n"0","0",0\n1.0,1e0,0\n3,1,-0.0\n',
    ],
)
def test_what_spreadsheets_and_people_write_is_read(tmp_path: Path, text: str) -> None:
    plain = make_trajectory(written(tmp_path, "t,x,y\n0,0,0\n1,1,0\n3,1,0\n", "plain.csv"))
    times = np.linspace(0, 3, 31)
    assert np.array_equal(make_trajectory(written(tmp_path, text)).position(times), plain.position(times))


@QUICK
@given(text=st.text(alphabet='txy,theta012.5e-+#\n\r"\ufeff ()sna_', max_size=60), header=st.booleans())
def test_any_text_is_read_or_refused_by_file_and_line(folder: Path, text: str, header: bool) -> None:
    file = written(folder, ("t,x,y\n" if header else "") + text, "any.csv")
    try:
        target = make_trajectory(file)
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = "any.csv', line "
        assert np.isfinite(target.position(np.linspace(-1, 9, 11))).all()
    assert "any.csv', line " in refusal


def test_two_readings_are_equal(tmp_path: Path) -> None:
    text = "t,x,y,theta\n0,0,0,1.5\n1,2,1,1.6\n2,0,3,1.5\n"
    file = written(tmp_path, text)
    one, two = make_trajectory(file), make_trajectory(file)
    assert one == two
    assert hash(one) == hash(two)
    assert one != make_trajectory(file, interpolation="linear")
    assert one.for_flight(2.0) == two.for_flight(2.0)
    written(tmp_path, text.replace("2,1,1.6", "2,1,1.7"))
    assert one != make_trajectory(file)


def test_angles_are_unwrapped(tmp_path: Path) -> None:
    angles = np.linspace(1.5, 1.5 + 2 * np.pi, 40)
    wrapped = np.angle(np.exp(1j * angles))
    lines = [f"{i / 10},0,0,{angle:.6f}" for i, angle in enumerate(wrapped)]
    target = make_trajectory(written(tmp_path, "\n".join(["t,x,y,theta", *lines])))
    assert target.angle(np.arange(40) / 10) == pytest.approx(angles, abs=1e-5)


def arc(times: np.ndarray) -> str:
    return "\n".join(["t,x,y", *(f"{t!r},{np.sin(i / 10):.4f},0" for i, t in enumerate(times.tolist()))])


@pytest.mark.parametrize("begin", [5.0, 1.7e9, -90.0])
def test_time_starts_at_the_first_row_where_no_row_is_flown(tmp_path: Path, begin: float) -> None:
    file = written(tmp_path, arc(begin + np.arange(21) / 10))
    with pytest.warns(UserWarning, match=r"rows.csv'.* so time starts at the first row") as said:
        flight = fly(LQR(), file, duration=2.0)
    assert len(said) == 1
    assert flight.targets[::5, 0] == pytest.approx(np.sin(np.arange(20) / 10), abs=1e-4)
    assert flight.rms_error < 0.1


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.arange(50) * 100.0, "passes 1 of its 50 rows; is t in seconds"),
        (np.arange(3000) * 1.0, "passes 4 of its 3000 rows; is t in seconds"),
        (np.arange(11) / 10, "only 1 s of the flight of 3 s lie within its rows"),
    ],
)
def test_times_that_hardly_fit_the_flight_are_named(tmp_path: Path, times: np.ndarray, message: str) -> None:
    with pytest.warns(UserWarning, match=message):
        make_trajectory(written(tmp_path, arc(times))).for_flight(3.0)


def test_a_file_that_fits_is_flown_in_silence(tmp_path: Path) -> None:
    target = make_trajectory(written(tmp_path, arc(np.arange(31) / 10)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert target.for_flight(3.0) is target
        assert target.for_flight(1.0) is target
        assert make_trajectory("hover").for_flight(1.0) == make_trajectory("hover")


@pytest.mark.parametrize("angle", [90.0, -7.0, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["hover", "rows.csv"])
def test_degrees_are_refused(tmp_path: Path, name: str, angle: float) -> None:
    file = written(tmp_path, "t,x,y\n0,0,0\n1,1,0\n")
    with pytest.raises(ValueError, match=f"angle = {angle}: expected .*rad"):
        make_trajectory(file if name.endswith("csv") else name, angle)


def test_an_interpolation_is_one_of_a_file(tmp_path: Path) -> None:
    assert INTERPOLATIONS == ("pchip", "linear", "cubic")
    with pytest.raises(ValueError, match=r"interpolation = 'linear': expected a \.csv file"):
        make_trajectory("hover", interpolation="linear")
    with pytest.raises(ValueError, match="interpolation = 'nearest': expected one of pchip, linear, cubic"):
        make_trajectory(written(tmp_path, "t,x,y\n0,0,0\n1,1,0\n"), interpolation="nearest")  # pyright: ignore


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory as Linux lists it")
def test_a_million_rows_take_300_megabytes(tmp_path: Path) -> None:
    times = np.arange(1_000_000) / 1000
    file = tmp_path / "million.csv"
    np.savetxt(file, np.column_stack([times, np.sin(times), np.cos(times)]), "%.6f", ",", header="t,x,y", comments="")
    code = (
        "import sys; from mothsim.trajectories import make_trajectory; make_trajectory(sys.argv[1]);"
        # Not getrusage, whose peak is inherited from the process that started this one.
        "print(next(int(line.split()[1]) / 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 300
