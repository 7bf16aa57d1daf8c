"""Wall time of a piece of work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def best_time(work: Callable[[], Any], repeats: int) -> float:
    """Shortest wall time, s, of `work`, after one run to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def microseconds(work: Callable[[], Any], calls: int, repeats: int) -> float:
    """Shortest wall time, us, of one of `calls` calls in a row."""

    def repeated() -> None:
        for _ in range(calls):
            work()

    return 1e6 * best_time(repeated, repeats) / calls
