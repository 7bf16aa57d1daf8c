"""`mothsim evaluate`, from the command to the page, small."""

import csv
import html
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mothsim.controllers.evaluation.rollouts import COLUMNS
from mothsim.demos.cli.main import main
from mothsim.tables import read_table

ROOT = Path(__file__).parents[3]
TINY = ["evaluate", "--starts", "2", "--duration-scale", "0.1", "--baselines", "lqr", "--workers", "1"]


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
    assert len(nominal) == 7 * 2 * 2
    assert {row["controller"] for row in nominal} == {
        "lqr",
        "dense",
        "small",
        "sparse-93",
        "sparse-98",
        "compact",
        "fewest",
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
    assert len((evaluated / "headline.md").read_text().splitlines()) == 2 + 7


def test_again_is_the_same_to_the_byte(evaluated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (evaluated / "flights.csv").read_bytes()
    command = [*TINY, "--tasks", "hover", "figure-eight", "--robust-tasks", "hover", "--robustness", "--json"]
    assert main([*command, "--out", str(evaluated)]) == 0
    assert (evaluated / "flights.csv").read_bytes() == before
    result = json.loads(capsys.readouterr().out)
    assert result["flights"] == len(before.splitlines()) - 1
    assert result["columns"][0] == "controller"


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
    assert page.count("data:image/png") == 2 * 6
    assert page.count("data:image/gif") == 3
    for expected in (
        "How few connections",
        "What loss is airworthy?",
        "What foretells",
        "Does sparse mean faster?",
        "Does sparsity help or hurt",
        "<b>hover</b>: ",
        "numba",
    ):
        assert expected in page


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
        const images = [...inside.images];
        document.title = JSON.stringify({wide: inside.documentElement.scrollWidth, tall: inside.body.scrollHeight,
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
    assert seen["images"] == seen["drawn"] == 9
    picture = tmp_path / "page.png"
    command = [*command[:5], "--hide-scrollbars", f"--window-size={max(width, 600)},3000", f"--screenshot={picture}"]
    subprocess.run([*command, wrapper.as_uri()], capture_output=True, timeout=120)
    assert picture.stat().st_size > 30_000


def test_networks_without_a_loss_are_drawn_too(tmp_path: Path) -> None:
    """What learnt flight alone has none on Zahn et al.'s segments."""
    (tmp_path / "networks").mkdir()
    shutil.copy(ROOT / "controllers" / "networks" / "shipped" / "compact.safetensors", tmp_path / "networks")
    command = [*TINY, "--networks", str(tmp_path / "networks"), "--tasks", "hover", "--out", str(tmp_path / "out")]
    assert main([*command, "--report"]) == 0
    assert (tmp_path / "out" / "report.html").exists()


def test_mistakes_give_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, expected in ((["--tasks", "loop"], "tasks = 'loop'"), (["--networks", str(tmp_path)], "networks = "),
                        (["--starts", "0"], "starts = 0")):  # fmt: skip
        assert main([*TINY, *wrong, "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err.strip()
        assert expected in error
        assert "\n" not in error
