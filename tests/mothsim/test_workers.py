"""Worker processes end with the process that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from mothsim.workers import run_tasks

SLEEPY = """
import os, signal, sys, time
from pathlib import Path
from mothsim.workers import run_tasks

def sleep(folder, i):
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    from mothsim.demos.run import guarded
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
    sys.exit(guarded(lambda: list(run_tasks(sleep, [(sys.argv[1], 0), (sys.argv[1], 1)], 2, threads=1)), "sleepy"))
"""


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().split()[2]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes as Linux lists them")
@pytest.mark.parametrize(
    ("name", "group", "status", "line"),
    [
        ("SIGTERM", False, 143, "sleepy: terminated\n"),
        ("SIGINT", True, 130, "sleepy: interrupted\n"),  # Ctrl-C reaches every process of the terminal
        ("SIGKILL", False, -signal.SIGKILL, None),
    ],
)
def test_workers_end_with_their_parent(tmp_path: Path, name: str, group: bool, status: int, line: str | None) -> None:
    started, script = tmp_path / "started", tmp_path / "sleepy.py"
    started.mkdir()
    script.write_text(SLEEPY)
    with (tmp_path / "errors").open("w") as errors:
        parent = subprocess.Popen([sys.executable, script, started], stderr=errors, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(started.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(file.name) for file in started.iterdir()]
    assert len(workers) == 2
    (os.killpg if group else os.kill)(parent.pid, getattr(signal, name))
    assert parent.wait(20) == status
    deadline = time.monotonic() + 10
    while any(map(lives, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(lives, workers))
    if line is not None:
        time.sleep(0.5)  # semaphores that leak are warned of by a process of their own
        assert (tmp_path / "errors").read_text() == line


def test_results_come_in_order_where_asked() -> None:
    assert list(run_tasks(pow, [(i, 2) for i in range(6)], 2, threads=1, ordered=True)) == [0, 1, 4, 9, 16, 25]
    assert list(run_tasks(pow, [(3, 2)], 1)) == [9]


def blas_threads() -> int:
    return int(np.max([one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]))


@pytest.mark.parametrize("workers", [1, 2])
def test_libraries_use_as_many_threads_in_this_process_as_in_others(workers: int) -> None:
    with threadpool_limits(2, user_api="blas"):
        assert list(run_tasks(blas_threads, [(), ()], workers, threads=1)) == [1, 1]
        assert blas_threads() == 2
