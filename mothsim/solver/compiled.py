"""How numba compiles the engine: kernels, which Python calls and which are kept on disk, and the parts in them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import CellType, FunctionType
from typing import Any

from numba import njit

_INSIDE: dict[str, Any] = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
subkernel = njit(**_INSIDE)
"""Decorates what kernels are made of: it cannot be called from Python, which halves the time to compile it."""

inlined = njit(inline="always")
"""The same for what is called in one place only: not compiled by itself at all."""


def kernel(function: Callable[..., Any], *, nogil: bool = True) -> Callable[..., Any]:
    """Compile a function for Python to call, which lets go of the interpreter's lock and is kept on disk.

    numba takes what it kept for fresh as long as the kernel's own file and the values that it closes over are the
    same, though what the kernel calls is compiled into it, wherever it stands. So a kernel is made to close over
    a digest of all sources that its module imports, from its own package and from mothsim, if that is beside it: a
    new release of any of them compiles it anew.
    """
    code = function.__code__
    closed = FunctionType(
        code.replace(co_freevars=(*code.co_freevars, "sources_digest")),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        (*(function.__closure__ or ()), CellType(sources_digest(function.__module__, code.co_filename))),
    )
    closed.__doc__ = function.__doc__
    return njit(cache=True, nogil=nogil)(closed)


kernel_with_gil = partial(kernel, nogil=False)
"""The same for what is brief and keeps the lock: letting go of it costs a tenth of a microsecond."""


@cache
def sources_digest(module: str, file: str) -> str:
    """A digest of a module's source and of what it imports from its own package and mothsim, directly or by others."""
    root = Path(file).parents[module.count(".")]
    packages = {module.partition(".")[0], "mothsim"}
    sources: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = root.joinpath(*name.split(".")).with_suffix(".py")
        if name not in sources and name.partition(".")[0] in packages and path.is_file():
            sources[name] = path.read_bytes()
            waiting.extend(_imports(sources[name]))
    return hashlib.sha256(b"".join(sources[name] for name in sorted(sources))).hexdigest()


def _imports(source: bytes) -> Iterator[str]:
    """Names that may be modules, from a source's imports at the top."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
