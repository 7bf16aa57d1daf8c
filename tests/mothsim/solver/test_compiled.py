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
def package(tmp_path):
    folder = tmp_path / "asked"
    folder.mkdir()
    for name, source in {"kernel": KERNEL, "part": PART, "constants": "ANSWER = 41", "other": ""}.items():
        (folder / f"{name}.py").write_text(source.format(package="asked"))
    return folder


def ask(package):
    """The kernel's answer in a fresh process, and how often it came from the disk."""
    path = os.pathsep.join([str(package.parent), *sys.path])
    command = [sys.executable, "-c", "import asked.kernel"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})
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
