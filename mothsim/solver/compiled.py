"""How numba compiles the engine: functions for Python to call, kept on disk, and the functions that they consist of."""

from __future__ import annotations

import ast
import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from types import CellType, FunctionType
from typing import Any

from mothsim.arithmetic import SHARED
from mothsim.solver.threads import default_threads

default_threads()  # names a bad NUMBA_NUM_THREADS, which numba refuses without naming it
# numba reads the variable when it is imported, so these come after the check.
# isort: split
from numba import config, njit  # noqa: E402
from numba.core.caching import FunctionCache  # noqa: E402
from numba.extending import register_jitable  # noqa: E402

_MOTHSIM = Path(__file__).parents[2]  # the folder that holds `mothsim`
_INSIDE: dict[str, Any] = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
subkernel = njit(**_INSIDE)
"""Decorate a function that kernels call: Python cannot call it, which halves the time to compile it."""

inlined = njit(inline="always")
"""Decorate a function that is called in one place only: it is compiled as a part of its caller alone."""


def kernel(function: Callable[..., Any], *, nogil: bool = True) -> Callable[..., Any]:
    """Compile a function for Python to call; it releases the interpreter's lock and is cached on disk.

    Numba regards its cached code as fresh while the kernel's own file and the values in its closure are unchanged,
    though the functions that the kernel calls, in whatever file, are compiled into it. So the closure is given
    a digest of all sources that the kernel's module imports from its own package and from mothsim: a change
    in any of them compiles the kernel anew.

    Where no cache folder can be written, or a cached file is damaged, the kernel is compiled in memory.

    Raises:
        ValueError: NUMBA_DISABLE_JIT is set; the engine does not run uncompiled.
    """
    if config.DISABLE_JIT:  # pyright: ignore[reportAttributeAccessIssue]
        raise ValueError("NUMBA_DISABLE_JIT = 1: expected 0 or unset, as mothsim's engine runs compiled only")
    while SHARED:
        register_jitable(SHARED.pop())
    code = function.__code__
    closed = FunctionType(
        code.replace(co_freevars=(*code.co_freevars, "sources_digest")),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        (*(function.__closure__ or ()), CellType(sources_digest(function.__module__, code.co_filename))),
    )
    closed.__doc__ = function.__doc__
    dispatcher = njit(nogil=nogil)(closed)
    try:
        dispatcher._cache = _KernelCache(closed)  # pyright: ignore[reportAttributeAccessIssue]
    except RuntimeError:  # numba finds no folder that it may write to
        _warn_uncached()
    return dispatcher


kernel_with_gil = partial(kernel, nogil=False)
"""The same for short functions, which keep the interpreter's lock: releasing it costs a tenth of a microsecond."""


class _KernelCache(FunctionCache):
    """Numba's cache on disk, in which a file that cannot be read or written costs a compilation and no error."""

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # unpickling a damaged file may raise any
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except Exception:
            _warn_uncached()


@cache
def _warn_uncached() -> None:
    """Log once a process that kernels are not cached."""
    logging.getLogger(__name__).warning(
        "mothsim: compiled code cannot be cached and is compiled in every process: "
        "set NUMBA_CACHE_DIR to a folder that can be written"
    )


@cache
def sources_digest(module: str, file: str) -> str:
    """Digest of a module's source and of all sources that it imports, even indirectly, from its package and mothsim.

    Of a module outside packages, such as a script, what lies beside it counts as its package.
    """
    own = Path(file)
    package = own.stem == "__init__"
    if own.stem == module.rpartition(".")[2] or package:
        root = own.parents[module.count(".") + package]
    else:  # loaded from a file under another name
        module, root = own.stem, own.parent
    packages = {module.partition(".")[0], "mothsim"}
    if "." not in module and not package:
        packages |= {beside.stem for beside in root.iterdir() if beside.suffix == ".py" or beside.is_dir()}
    sources: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _source_file(root, name)
        if name not in sources and name.partition(".")[0] in packages and path is not None:
            sources[name] = path.read_bytes()
            waiting.extend(_imports(sources[name], name if path.stem == "__init__" else name.rpartition(".")[0]))
    return hashlib.sha256(b"".join(sources[name] for name in sorted(sources))).hexdigest()


def _source_file(root: Path, name: str) -> Path | None:
    """File of a module, or of a package of the user's own; the packages of mothsim only hand on names."""
    parts = name.split(".")
    places = [root.joinpath(*parts).with_suffix(".py")]
    places += (
        [_MOTHSIM.joinpath(*parts).with_suffix(".py")]
        if parts[0] == "mothsim"
        else [root.joinpath(*parts, "__init__.py")]
    )
    return next((file for file in places if file.is_file()), None)


@cache
def _imports(source: bytes, package: str) -> list[str]:
    """Names that may be modules, from the imports of a source in a package; of mothsim's, from those at its top."""
    names: list[str] = []
    tree = ast.parse(source)
    for node in tree.body if package.partition(".")[0] == "mothsim" else ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names
