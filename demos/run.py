"""Run a program of this package from the command line: options in, one line and an exit status out."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn, Protocol

import tyro

from mothsim.demos.options import check

_DONE, _FAILED, _INTERRUPTED, _TERMINATED = 0, 1, 130, 143
_FAILURES = (ValueError, OSError, MemoryError, ArithmeticError, ImportError)


class Command(Protocol):
    """A dataclass whose fields are the options of a program."""

    def run(self) -> Any:
        """Do the work and print the result."""
        ...


def run(command: Any, arguments: Sequence[str] | None = None, *, prog: str, description: str | None = None) -> int:
    """Parse a command line, run its command, and turn failures into one line on standard error.

    Args:
        command: a dataclass with a method `run`, or a union of such.
        arguments: in place of `sys.argv[1:]`.
        prog: name of the program, in its help and before its messages.
        description: of the program in its help; by default the command's docstring.

    Returns:
        The exit status: 0, or 1 where it could not be done, 130 where it was interrupted, 143 where it was ended.

    Raises:
        SystemExit: status 0 after `--help`; 2 for an option that does not exist or cannot be read.
    """

    def start() -> None:
        parsed: Command = tyro.cli(command, prog=prog, description=description, args=arguments)
        check(parsed)
        parsed.run()

    return guarded(start, prog)


def guarded(work: Callable[[], object], prog: str) -> int:
    """Run a piece of work and turn its failures into a line on standard error and an exit status."""
    _open_closed_streams()
    previous = _on_termination()
    try:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = partial(_show_warning, prog)
                work()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader is gone: what is still buffered must not be written when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _failed(prog, "standard output was closed before everything was written")
    except KeyboardInterrupt:
        return _failed(prog, "interrupted", _INTERRUPTED)
    except Terminated:
        return _failed(prog, "terminated", _TERMINATED)
    except MemoryError as error:
        return _failed(prog, f"not enough memory ({error})" if str(error) else "not enough memory")
    except _FAILURES as error:
        return _failed(prog, str(error) or type(error).__name__)
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)
    return _DONE


@contextmanager
def collection_paused() -> Iterator[None]:
    """Put off Python's search for unreachable objects, which takes a tenth of the time of what imports a lot."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Terminated(BaseException):
    """SIGTERM: raised in the main thread, so that files and worker processes are cleaned up."""


def _on_termination() -> Any:
    def terminate(*_: object) -> NoReturn:
        raise Terminated

    try:
        return signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not in the main thread, where alone signals can be received
        return None


def _failed(prog: str, line: str, status: int = _FAILED) -> int:
    print(f"{prog}: {' '.join(line.split())}", file=sys.stderr)
    return status


def _show_warning(prog: str, message: Warning | str, *_: object) -> None:
    """Print a warning as a line on standard error, without the place in the code that it comes from."""
    print(f"{prog}: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _open_closed_streams() -> None:
    """Stand in for standard streams that were closed (`2>&-`), so that no file takes their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  (open to the end)
