"""Compiled kernels on disk: fresh after an edit to anything that they are made from, kept after any other."""

import os
import subprocess
import sys

import pytest

from mothsim.solver.compiled import sources_digest

KERNEL = """
from {package}.part import answer
from mothsim.solver.compiled import kernel

@kernel
def ask():
    "The answer."
    return answer()

print(ask(), sum(ask.stats.cache_hits.values()), ask.__doc__)
"""
PART = """
from {package} import constants
from mothsim.solver.compiled import subkernel

@subkernel
def answer():
    return constants.ANSWER
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    folder = tmp_path / "asked"
    folder.mkdir()
    for name, source in {"kernel": KERNEL, "part": PART, "constants": "ANSWER = 41", "other": ""}.items():
        (folder / f"{name}.py").write_text(source.format(package="asked"))
    return folder


def run(package, **variables):
    path = os.pathsep.join([str(package.parent), *sys.path])
    command = [sys.executable, "-c", "import asked.kernel"]
    environment = os.environ | {"PYTHONPATH": path} | variables
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def ask(package, errors=""):
    """The kernel's answer in a fresh process, and how often it came from the disk."""
    done = run(package)
    assert done.stderr == errors
    answer, hits, *doc = done.stdout.split()
    assert doc == ["The", "answer."]
    return int(answer), int(hits)


def test_a_kernel_on_disk_knows_all_that_it_is_made_from(package):
    assert ask(package) == (41, 0)
    (package / "other.py").write_text("# not imported by the kernel")
    assert ask(package) == (41, 1)
    (package / "constants.py").write_text("ANSWER = 42")
    assert ask(package) == (42, 0)


def test_a_kernel_elsewhere_knows_what_it_takes_from_mothsim(tmp_path):
    for name, source in {
        "other/kernel.py": "from mothsim import part\nimport numpy",
        "mothsim/part.py": "",
        "numpy.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)

    def digest():
        sources_digest.cache_clear()
        return sources_digest("other.kernel", str(tmp_path / "other" / "kernel.py"))

    first = digest()
    (tmp_path / "numpy.py").write_text("# not ours")
    assert digest() == first
    (tmp_path / "mothsim" / "part.py").write_text("# ours")
    assert digest() != first


@pytest.mark.parametrize("imported", ["from folder.gains import UP", "import folder.gains", "from folder import gains"])
@pytest.mark.parametrize("within", ["", "def f():\n    ", "try:\n    pass\nfinally:\n    "])
def test_a_script_knows_what_it_takes_from_a_folder_beside_it(imported, within, tmp_path):
    (tmp_path / "script.py").write_text(within + imported)
    gains = tmp_path / "folder" / "gains.py"
    gains.parent.mkdir()
    gains.write_text("UP = 1")

    def digest():
        sources_digest.cache_clear()
        return sources_digest("script", str(tmp_path / "script.py"))

    first = digest()
    gains.write_text("UP = 2")
    assert digest() != first


@pytest.mark.parametrize(("suffix", "kept"), [("nbi", 0), ("nbi", 40), ("nbc", 500)])
def test_a_damaged_file_of_the_cache_is_made_anew(package, suffix, kept):
    assert ask(package) == (41, 0)
    [file] = (package / "__pycache__").glob(f"*.{suffix}")
    file.write_bytes(file.read_bytes()[:kept])
    assert ask(package) == (41, 0)
    assert ask(package) == (41, 1)


def test_without_a_folder_for_the_cache_a_kernel_runs_and_one_line_names_the_variable(package, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (package / "__pycache__").write_text("a file, so that no folder can be made here")
    nowhere = str(package / "__pycache__" / "home")  # root may write anywhere but below a file
    for variable in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"):
        monkeypatch.setenv(variable, nowhere)
    (package / "kernel.py").write_text(
        KERNEL.format(package="asked") + KERNEL.format(package="asked").replace("ask()", "again()")
    )
    done = run(package)
    assert done.stdout.splitlines() == ["41 0 The answer."] * 2
    [line] = done.stderr.splitlines()
    assert "set NUMBA_CACHE_DIR to a folder that can be written" in line


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("NUMBA_DISABLE_JIT", "1", "NUMBA_DISABLE_JIT = 1: expected 0 or unset"),
        ("NUMBA_NUM_THREADS", "0", "NUMBA_NUM_THREADS = '0': expected a whole number above zero"),
        ("NUMBA_NUM_THREADS", "two", "NUMBA_NUM_THREADS = 'two': expected a whole number above zero"),
    ],
)
def test_variables_that_numba_cannot_work_with_are_named(package, variable, value, words):
    assert words in run(package, **{variable: value}).stderr.splitlines()[-1]
    # The library itself is imported all the same, so that the command can report it in a line.
    subprocess.run([sys.executable, "-c", "import mothsim"], check=True, env=os.environ | {variable: value})
