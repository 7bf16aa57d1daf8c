"""What is installed: `mothsim` alone, whole, beside whatever names a user's own folders have."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = {f"mothsim.{name}": ROOT / name for name in ("controllers", "envs", "demos")}
THEIRS = ("controllers", "demos", "envs")
BOTH = """
import controllers.mine, demos.mine, envs.mine, sys
assert {module.WHOSE for module in (controllers.mine, demos.mine, envs.mine)} == {"theirs"}
import gymnasium
env = gymnasium.make("mothsim:mothsim/Track-v0")
import mothsim.controllers, mothsim.demos.cli.main, mothsim.envs
assert mothsim.envs.TrackEnv is type(env.unwrapped)
loaded = [name for name in sys.modules if name.startswith(("controllers.", "demos.", "envs."))]
assert sorted(loaded) == ["controllers.mine", "demos.mine", "envs.mine"]
"""


def run(*command: str, folder: Path, **variables: str) -> str:
    """Standard output of a command in a folder that does not have the checkout on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def package_folders() -> dict[str, Path]:
    """Folders with modules by import name, the checkout's links left out."""
    found = {}
    for name, top in ({"mothsim": ROOT / "mothsim"} | FOLDERS).items():
        for file in top.rglob("__init__.py"):
            parts = file.parent.relative_to(top).parts
            if name != "mothsim" or f"mothsim.{'.'.join(parts[:1])}" not in FOLDERS:
                found[".".join((name, *parts))] = file.parent
    return found


def test_every_package_and_every_file_in_it_is_installed():
    tool = PROJECT["tool"]["setuptools"]
    assert sorted(tool["packages"]) == sorted(package_folders())
    for name, folder in package_folders().items():
        packed = {file for pattern in tool["package-data"].get(name, []) for file in folder.glob(pattern)}
        others = [file for file in folder.iterdir() if file.is_file() and file.suffix not in (".py", ".pyc")]
        folders = [path for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"]
        others += [file for path in folders if not list(path.rglob("*.py")) for file in path.rglob("*.*")]
        assert set(others) <= packed, name


@pytest.fixture
def project(tmp_path, request):
    """A user's folder with packages of our folders' names, with and without `__init__.py`."""
    for name in THEIRS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text("WHOSE = 'theirs'")
        if request.param == "packages":
            (tmp_path / name / "__init__.py").write_text("")
    return tmp_path


both_kinds = pytest.mark.parametrize("project", ["packages", "folders"], indirect=True)


@both_kinds
def test_a_users_folders_of_the_same_names_are_imported_beside_ours(project):
    run(sys.executable, "-c", BOTH, folder=project)


@both_kinds
def test_the_command_flies_in_a_folder_of_the_same_names(project):
    command = "from mothsim.demos.cli.main import entry; entry()"  # as the console script
    arguments = ("fly", "--controller", "lqr", "--duration", "0.1", "--out", "flown")
    run(sys.executable, "-c", command, *arguments, folder=project, PYTHONPATH=".", MPLBACKEND="Agg")
    assert (project / "flown" / "flight.png").stat().st_size > 0


@pytest.mark.slow
def test_an_installed_distribution_of_one_of_these_names_changes_nothing(tmp_path):
    wheel = tmp_path / "envs-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name in THEIRS:
            file.writestr(f"{name}/__init__.py", "")
            file.writestr(f"{name}/mine.py", "WHOSE = 'theirs'")
        file.writestr("envs-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: envs\nVersion: 1.0\n")
        file.writestr("envs-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("envs-1.0.dist-info/RECORD", "")
    installed = tmp_path / "installed"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(installed),
        str(wheel), folder=tmp_path)  # fmt: skip
    run(sys.executable, "-c", BOTH, folder=tmp_path, PYTHONPATH=str(installed))
    imports = "import mothsim.controllers, mothsim.envs, mothsim.demos"
    run(sys.executable, "-c", imports, folder=tmp_path)


def test_importing_is_quick_and_loads_neither_jax_nor_numba(tmp_path):
    program = """
import sys, time, mothsim
print(time.process_time(), *sys.modules)
import mothsim.controllers
print(*sys.modules)
"""
    first, second = run(sys.executable, "-c", program, folder=tmp_path).splitlines()
    seconds, *loaded = first.split()
    assert {"jax", "numba", "scipy", "mothsim.envs"}.isdisjoint(loaded)
    assert {"jax", "matplotlib"}.isdisjoint(second.split())
    assert float(seconds) < 2  # of this process alone; 0.2 s on an idle machine


def test_python_m_mothsim_is_the_command(tmp_path):
    [version] = run(sys.executable, "-m", "mothsim", "--version", folder=tmp_path).splitlines()
    assert version == f"mothsim {PROJECT['project']['version']}"


def test_lower_bounds_are_those_that_are_tried():
    project = PROJECT["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["keras"]]
    declared += [
        line for line in project["optional-dependencies"]["dev"] if re.match("moviepy|pytest|hypothesis", line)
    ]
    bounds = dict(line.split(">=") for line in declared)
    lines = (ROOT / ".ci" / "lowest.txt").read_text().splitlines()
    tried = dict(line.split("==") for line in lines if not line.startswith(("#", "jaxlib")))
    assert tried.keys() == bounds.keys()
    for name, version in tried.items():
        assert re.fullmatch(re.escape(bounds[name]) + r"(\.0)*", version), name
