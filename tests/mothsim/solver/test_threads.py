"""Parts shared out among threads."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

from mothsim.solver import threads
from mothsim.solver.threads import available_cpus, run


def squares(count: int, workers: int) -> np.ndarray:
    done = np.zeros(count)

    def work(part: int) -> None:
        done[part] += part**2

    run(work, range(count), workers)
    return done


@pytest.mark.parametrize(("count", "workers"), [(0, 2), (1, 2), (7, 1), (7, 3), (500, 4), (3, 64)])
def test_every_part_is_done_once(count, workers):
    assert np.array_equal(squares(count, workers), np.arange(count) ** 2)


def test_work_may_share_out_work_of_its_own():
    outer = []
    run(lambda part: outer.append((part, squares(20, 3).sum())), range(50), 3)
    assert sorted(outer) == [(part, 2470) for part in range(50)]


def test_an_error_on_another_thread_is_raised_here():
    here = threading.get_ident()
    helped = threading.Event()

    def work(part: int) -> None:
        if threading.get_ident() != here:
            helped.set()
            raise ZeroDivisionError(part)
        assert helped.wait(10)

    with pytest.raises(ZeroDivisionError):
        run(work, range(2), 2)
    assert np.array_equal(squares(100, 2), np.arange(100) ** 2)


@pytest.mark.parametrize("fails_here", [True, False])
def test_after_an_error_no_part_is_begun_and_none_is_left_running(fails_here):
    here, meeting, begun, ended = threading.get_ident(), threading.Barrier(2), [], []

    def work(part: int) -> None:
        begun.append(part)
        meeting.wait(10)
        if (threading.get_ident() == here) == fails_here:
            raise ZeroDivisionError(part)
        time.sleep(0.5)
        ended.append(part)

    with pytest.raises(ZeroDivisionError):
        run(work, range(50), 2)
    assert len(begun) == 2
    assert len(ended) == 1


def test_what_was_worked_on_is_let_go():
    def work(part: int) -> None:
        time.sleep(0.001)

    run(work, range(20), 2)
    gone = weakref.ref(work)
    del work
    deadline = time.monotonic() + 5
    while gone() is not None and time.monotonic() < deadline:
        gc.collect()
    assert gone() is None


def test_what_no_thread_was_free_to_help_with_is_let_go(monkeypatch):
    monkeypatch.setattr(threads, "_helpers", threads._Helpers())
    kept = []

    def outer(part: int) -> None:
        def work(part: int) -> None: ...

        run(work, range(2), 2)  # the only other thread is busy with an outer part
        gone = weakref.ref(work)
        del work
        kept.append(gone() is not None)

    meeting = threading.Barrier(2)
    run(lambda part: (meeting.wait(10), outer(part), meeting.wait(10)), range(2), 2)
    assert kept == [False, False]


CHILD = """
import multiprocessing
import os
import sys
import threading
from mothsim.solver.threads import available_cpus, run

def meet():  # which takes two threads
    barrier = threading.Barrier(2)
    run(lambda part: barrier.wait(10), range(2), 2)

if __name__ == "__main__":
    meet()
    child = multiprocessing.get_context(sys.argv[1]).Process(target=meet)
    child.start()
    child.join()
    sys.exit(child.exitcode)
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_process_has_threads_of_its_own_however_it_starts(tmp_path, method):
    (tmp_path / "child.py").write_text(CHILD)
    subprocess.run([sys.executable, str(tmp_path / "child.py"), method], check=True, timeout=60)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be bound to cores here")
def test_cores_are_those_that_the_process_may_use() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)
