"""Tasks in worker processes, which end when the process that started them ends, however it does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from tqdm import tqdm

_ANSWER = 15  # s within which a cluster must answer
_EVERY = 0.25  # s between two looks at the parent


@contextmanager
def places_to_work(workers: int, address: str | None) -> Iterator[int | None]:
    """Where the tasks of `run_tasks` run in a `with` block: gives its `workers`.

    Workers of a cluster need mothsim installed, and the folders of this machine under the same absolute paths.

    Args:
        workers: processes on this machine, where there is no cluster.
        address: of a Dask cluster's scheduler, such as `tcp://10.0.0.1:8786`.

    Raises:
        ValueError: the extra `[dask]` is not installed, or no scheduler answers.
    """
    if address is None:
        yield workers
        return
    from joblib import parallel_config

    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ValueError(f'dask = {address!r} needs a library: pip install "mothsim[dask]"') from None
    try:
        client = Client(address, timeout=_ANSWER)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"dask = {address!r}: no scheduler answers there ({error})") from None
    with client, parallel_config("dask", wait_for_workers_timeout=_ANSWER):
        yield None


def run_tasks(
    function: Callable[..., Any],
    arguments: Iterable[tuple[Any, ...]],
    workers: int | None = None,
    *,
    threads: int | None = None,
    ordered: bool = False,
) -> Iterator[Any]:
    """Call a function with each of many arguments, side by side in processes; yields the results.

    Args:
        function: importable by its name in a fresh process.
        arguments: positional ones, a tuple for each call.
        workers: processes; one calls in this process. By default one, or what `joblib.parallel_config` says.
        threads: that numerical libraries may use in each process, this one too, so that results do not depend on how
            many processes there are (the last bits of a matrix product do); by default joblib's choice.
        ordered: yield in the order of the arguments, not in the order in which they are done.
    """
    from joblib import Parallel, delayed  # a twentieth of a second that other commands need not wait

    several = workers is not None and workers > 1
    options: dict[str, Any] = {"inner_max_num_threads": threads, "backend": "loky"} if threads and several else {}
    kind = "generator" if ordered else "generator_unordered"
    tasks = (delayed(_call)(os.getpid(), threads, function, one) for one in arguments)
    done: Any = Parallel(workers, return_as=kind, **options)(tasks)
    yield from done


def _call(parent: int, threads: int | None, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    if os.getppid() == parent:  # a worker of this machine, neither the caller itself nor a worker of a cluster
        _end_with(parent)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads, user_api="blas"):
        return function(*arguments)


@cache
def _end_with(parent: int) -> None:
    """End this process soon after its parent; Ctrl-C is the parent's to handle."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_EVERY)
        os._exit(1)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(threading.RLock())  # its own is a semaphore between processes, which an ended worker would leak
    threading.Thread(target=watch, daemon=True).start()
