"""`mothsim evaluate`, from the command to the page, small."""

import csv
import html
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mothsim.controllers.evaluation.rollouts import COLUMNS
from mothsim.controllers.evaluation.scenarios import also_informed, find_controllers
from mothsim.controllers.networks.storage import load_network, save_network, shipped_networks
from mothsim.demos.cli.evaluate import PICTURES, Evaluate
from mothsim.demos.cli.evaluate_options import Compared, FlownTasks
from mothsim.demos.cli.main import main
from mothsim.perturbations import HARDER, PERTURBATIONS
from mothsim.tables import read_table

pytestmark = pytest.mark.usefixtures("quick_pictures")

ROOT = Path(__file__).parents[3]
TINY = ["evaluate", "--starts", "2", "--duration-scale", "0.1", "--controllers", "lqr", "--workers", "1"]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole evaluation of the shipped networks, a few tenths of a second a flight."""
    out = tmp_path_factory.mktemp("evaluated")
    command = [*TINY, "--tasks", "hover", "figure-eight", "--robust-tasks", "hover", "--robustness", "--report"]
    assert main([*command, "--out", str(out)]) == 0
    return out


def texts(file: Path) -> list[dict[str, str]]:
    """Rows of a table as text."""
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_flight_has_a_row(evaluated: Path) -> None:
    rows = read_table(evaluated / "flights.csv", COLUMNS)
    nominal = [row for row in rows if row["perturbation"] == "nominal"]
    assert len(nominal) == 12 * 2 * 2
    assert {row["controller"] for row in nominal} == {
        "lqr",
        "dense",
        "small",
        "sparse-93",
        "sparse-98",
        "compact",
        "fewest",
        "inverse-93",
        "alone",
        "alone-6",
        "envelope-12",
        "robust",
    }
    assert all(row["rms_error_cm"] < 2 for row in nominal)
    disturbed = {row["perturbation"] for row in rows} - {"nominal"}
    assert {"noise 5%", "delay 20 ms", "gusts 100 cm/s", "size 0.8", "abdomen mass 2"} <= disturbed
    assert {row["task"] for row in rows if row["perturbation"] in disturbed} == {"hover"}
    for row in texts(evaluated / "summary.csv"):
        low, middle, high = (float(row[f"rms_error_cm{end}"]) for end in ("_low", "", "_high"))
        assert low <= middle <= high
    costs = {row["controller"]: row for row in texts(evaluated / "costs.csv")}
    for name, row in costs.items():
        assert name == "lqr" or min(float(row["network_us"]), float(row["dense_us"])) > 0
    assert {row["predictor"] for row in texts(evaluated / "predictors.csv")} == {
        "loss", "spectral_radius", "trim_offset_cm",
    }  # fmt: skip
    assert {row["pairing"] for row in texts(evaluated / "robustness.csv")} >= {"equal error"}
    assert {file.stem for file in evaluated.glob("*.png")} == set(PICTURES)
    assert len((evaluated / "headline.md").read_text().splitlines()) == 2 + 12


def test_again_is_the_same_to_the_byte(evaluated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (evaluated / "flights.csv").read_bytes()
    command = [*TINY, "--tasks", "hover", "figure-eight", "--robust-tasks", "hover", "--robustness", "--json"]
    assert main([*command, "--out", str(evaluated)]) == 0
    assert (evaluated / "flights.csv").read_bytes() == before
    result = json.loads(capsys.readouterr().out)
    assert result["flights"] == len(before.splitlines()) - 1
    assert result["failures"] == {}
    for row in result["rows"]:
        assert isinstance(row["hover_cm"], float)
        assert row["flights"] >= row["lost"] == int(row["lost"])
    assert {row["name"]: row["weights"] for row in result["rows"]}["small"] == 1312


@pytest.mark.slow
def test_killed_and_run_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    """Two processes killed at work, then gone on with by one."""
    begin = [
        sys.executable,
        "-c",
        "import sys; from mothsim.demos.cli.main import main; sys.exit(main(sys.argv[1:]))",
        *TINY,
    ]
    begin += ["--tasks", "hover", "step", "--starts", "3"]
    with subprocess.Popen([*begin, "--workers", "2", "--out", str(tmp_path / "one")], cwd=ROOT) as killed:
        deadline = time.monotonic() + 120
        while not list((tmp_path / "one").glob("parts/*.csv")) and time.monotonic() < deadline:
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
    for folder in ("one", "two"):
        subprocess.run([*begin, "--out", str(tmp_path / folder)], cwd=ROOT, check=True, capture_output=True)
    tables = [(tmp_path / folder / "flights.csv").read_bytes() for folder in ("one", "two")]
    assert tables[0] == tables[1]


def test_the_page_needs_nothing_else(evaluated: Path) -> None:
    page = (evaluated / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href|srcset)=["'](?!data:)""", page)
    assert "url(" not in page
    assert page.count("data:image/png") == 2 * 7
    assert page.count("<flight-viewer ") == 1
    assert len(page) < 1_000_000
    for expected in (
        "How few connections",
        "Tracking error against loss",
        "Predictors of tracking error",
        "Are sparse networks faster?",
        "Does sparsity help or hurt",
        "<b>For neuroscientists</b>: the fewest connections",
        "<b>For control engineers</b>: rms error on figure-eight: LQR ",
        "<b>For roboticists</b>: under ",
        "<b>hover</b>: ",
        "numba",
    ):
        assert expected in page
    (speeds,) = re.findall(r"<h2[^>]*>Are sparse networks faster\?.*?</table>", page, re.DOTALL)
    assert "330,512" in speeds  # weights of the dense network
    assert "2,048" not in speeds  # nor those of a policy
    command = "mothsim evaluate --controllers lqr --tasks hover figure-eight --starts 2 --duration-scale 0.1"
    # Seven pictures, the table of the headline and that of speeds.
    assert page.count(f"Made by <code>{command}") == 9
    assert page.count("Made by <code>mothsim fly") == 1


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_fits_the_screen(evaluated: Path, tmp_path: Path, width: int) -> None:
    """In a headless Chromium: every picture is drawn, and nothing is wider than the screen."""
    browser = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if browser is None:
        pytest.skip("no Chromium is installed")
    page = html.escape((evaluated / "report.html").read_text(encoding="utf-8"))
    measure = """const inside = document.querySelector('iframe').contentDocument;
        const images = [...inside.images], table = inside.querySelector('table');
        const heads = [...table.tHead.rows[0].cells],
            at = heads.findIndex(cell => cell.textContent === 'weights');
        const column = () => [...table.tBodies[0].rows].map(row => row.cells[at].textContent);
        heads[at].firstChild.click();
        const sorted = [column()];
        heads[at].firstChild.click();
        sorted.push(column());
        document.title = JSON.stringify({sorted,
            wide: inside.documentElement.scrollWidth, tall: inside.body.scrollHeight,
            moths: inside.querySelector('flight-viewer').views.length,
            images: images.length, drawn: images.filter(image => image.naturalWidth > 100).length});"""
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(
        f'<body style="margin:0"><iframe style="border:0;width:{width}px;height:900px" srcdoc="{page}" '
        f'onload="setTimeout(() => {{ {html.escape(measure)} }}, 500)"></iframe></body>',
        encoding="utf-8",
    )
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--virtual-time-budget=10000", "--dump-dom", wrapper.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r"<title>(.*?)</title>", done.stdout)
    assert found, done.stderr
    seen = json.loads(html.unescape(found[1]))
    assert seen["wide"] <= width
    assert seen["tall"] > 3000
    assert seen["images"] == seen["drawn"] == 7
    assert seen["moths"] == 3
    for cells, downwards in zip(seen["sorted"], (False, True), strict=True):
        weights = [int(cell.replace(",", "")) for cell in cells if cell]
        assert len(set(weights)) > 1
        assert weights == sorted(weights, reverse=downwards)
        assert cells[len(weights) :] == [""] * (len(cells) - len(weights))  # LQR and MPC have none
    picture = tmp_path / "page.png"
    command = [*command[:5], "--hide-scrollbars", f"--window-size={max(width, 600)},3000", f"--screenshot={picture}"]
    subprocess.run([*command, wrapper.as_uri()], capture_output=True, timeout=120)
    assert picture.stat().st_size > 30_000


def test_networks_without_a_loss_are_drawn_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What learnt flight alone has none on Zahn et al.'s segments."""
    (tmp_path / "networks").mkdir()
    shutil.copy(ROOT / "controllers" / "networks" / "shipped" / "compact.safetensors", tmp_path / "networks")
    command = [*TINY, "--networks", str(tmp_path / "networks"), "--tasks", "hover", "--out", str(tmp_path / "out")]
    assert main([*command, "--report"]) == 0
    assert (tmp_path / "out" / "report.html").exists()
    capsys.readouterr()
    assert main(command) == 0
    assert f"from an earlier run: {tmp_path / 'out' / 'report.html'}\n" in capsys.readouterr().err


def test_one_damaged_network_costs_its_own_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names that look like numbers are names; a network without live controls is flown, lost and distinguished."""
    folder, out = tmp_path / "networks", tmp_path / "out"
    small = load_network(shipped_networks()["small"])
    save_network(small, folder / "007.safetensors")
    save_network(replace(small, biases=tuple(2 * bias for bias in small.biases)), folder / "1e5.safetensors")
    save_network(replace(small, weights=tuple(0 * weight for weight in small.weights)), folder / "nan.safetensors")
    (folder / "True.safetensors").write_bytes((folder / "007.safetensors").read_bytes()[:-9])
    command = [*TINY, "--networks", str(folder), "--tasks", "hover", "recover", "--report", "--out", str(out)]
    assert main(command) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith("mothsim: True could not be flown (")
    assert "no control responds" in captured.out
    rows = {row["controller"]: row for row in texts(out / "networks.csv")}
    assert set(rows) == {"007", "1e5", "nan", "True"}
    assert rows["nan"]["trim_offset_cm"] == "inf"
    assert {name: row["dead_controls"] for name, row in rows.items()} == {
        "007": "0",
        "1e5": "0",
        "nan": "3",
        "True": "",
    }
    assert "True.safetensors" in rows["True"]["failure"]
    assert not any(rows[name]["failure"] for name in ("007", "1e5", "nan"))
    flights = read_table(out / "flights.csv", COLUMNS)
    assert {row["controller"] for row in flights} == {"lqr", "007", "1e5", "nan"}
    assert all(row["lost"] for row in flights if row["controller"] == "nan")


@pytest.mark.parametrize("kind", ["file", "read-only"])
def test_a_folder_that_cannot_be_written_is_found_before_the_first_flight(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.touch()
    else:
        out.mkdir(mode=0o500)
        if os.access(out, os.W_OK):
            pytest.skip("this user may write anywhere")
    assert main([*TINY, "--tasks", "hover", "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"mothsim: out = {str(out)!r}: expected a folder to write to")
    assert error.count("\n") == 1


def test_mistakes_give_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for wrong, expected in (
        (["--tasks", "loop"], "tasks = 'loop'"),
        (["--tasks"], "tasks = nothing"),
        (["--tasks", "hover", "hover"], "tasks = 'hover' twice"),
        (["--robustness", "--robust-tasks", "loop"], "robust_tasks = 'loop'"),
        (["--harder"], "harder = True: expected with --robustness"),
        (["--robust-levels", "0"], "robust_levels = (0.0,): expected with --robustness"),
        (["--networks", str(tmp_path)], "networks = "),
        (["--starts", "0"], "starts = 0"),
        (["--controllers", "pid"], "controller = 'pid'"),
        (["--duration-scale", "nan"], "duration_scale = nan"),
    ):
        assert main([*TINY, *wrong, "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err.strip()
        assert expected in error
        assert "\n" not in error


def test_the_command_beside_the_viewer_flies_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("small", "compact"):
        (tmp_path / f"{name}.safetensors").write_bytes(shipped_networks()[name].read_bytes())
    specs = also_informed(find_controllers(tmp_path, (), ("kinematic", "")))
    tasks = FlownTasks(tasks=("hover",), duration_scale=0.12)
    shown, command = Evaluate(Compared(tmp_path, waypoints=("kinematic", "own")), tasks)._shown(specs)
    words = [word for word in shlex.split(command)[1:] if word != "--view"]
    capsys.readouterr()
    assert main([*words, "--out", str(tmp_path), "--json"]) == 0
    flown = json.loads(capsys.readouterr().out)["flights"]
    assert [row["rms_error_cm"] for row in flown] == [float(flight.rms_error) for flight in shown.values()]
    assert {row["waypoint"] for row in flown} == {"kinematic"}


def test_who_is_told_flies_where_others_are_lost(tmp_path: Path) -> None:
    networks = tmp_path / "networks"
    networks.mkdir()
    (networks / "small.safetensors").write_bytes(shipped_networks()["small"].read_bytes())
    command = ["evaluate", "--networks", str(networks), "--starts", "2", "--duration-scale", "0.3", "--tasks", "hover"]
    command += [
        "--controllers",
        "lqr",
        "--workers",
        "1",
        "--robustness",
        "--robust-tasks",
        "hover",
        "--robust-levels",
        "0",
    ]
    assert main([*command, "--harder", "--informed", "--out", str(tmp_path / "out")]) == 0
    rows = read_table(tmp_path / "out" / "flights.csv", COLUMNS)
    assert {row["perturbation"] for row in rows} == {*PERTURBATIONS, *HARDER}
    lost = {name: sum(row["lost"] for row in rows if (row["controller"], row["perturbation"]) == (name, "delay 60 ms"))
            for name in ("lqr", "lqr, informed", "small", "small, informed")}  # fmt: skip
    assert lost == {"lqr": 2, "lqr, informed": 0, "small": 2, "small, informed": 0}
    assert {row["help"] for row in rows if row["controller"] == "small, informed"} == {"LQR, engine"}
