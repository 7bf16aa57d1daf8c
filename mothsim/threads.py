"""Threads for compiled work that holds no lock: one pool a process, started when first needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_pool: ThreadPoolExecutor | None = None


def default_threads() -> int:
    """NUMBA_NUM_THREADS, which joblib and the like set in their workers; else what the processor has."""
    named = os.environ.get("NUMBA_NUM_THREADS")
    if named:
        return int(named)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(work: Callable[[Any], object], parts: Sequence[Any], threads: int) -> None:
    """Do `work` on every part, on so many threads; the order is free, so parts must not share what they write."""
    threads = min(threads, len(parts))
    if threads <= 1:
        for part in parts:
            work(part)
        return
    queue = iter(parts)
    # Each thread takes the next part as it gets free; `next` on a shared iterator is atomic.
    helpers = [_threads().submit(_drain, work, queue) for _ in range(threads - 1)]
    _drain(work, queue)
    for helper in helpers:
        helper.result()


def _drain(work, queue) -> None:
    for part in queue:
        work(part)


def _threads() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(max_workers=max(1, 4 * (os.cpu_count() or 1)), thread_name_prefix="mothsim")
    return _pool


def _forget() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
