"""Digests of the source code that decides a flight: with another source, finished flights are flown again."""

from __future__ import annotations

import inspect
import sys
from functools import cache

from mothsim import controllers
from mothsim.import_path import is_import_path, object_sources
from mothsim.solver.compiled import sources_digest


@cache
def controller_sources(name: str) -> str:
    """Digest the source of a controller and of what it imports from its own package and mothsim.

    Args:
        name: as in `controllers.make`.

    Raises:
        ValueError: there is no such controller.
    """
    made = controllers.make(name)
    if is_import_path(name):
        return object_sources(name, "controllers")
    kind = type(made)
    return sources_digest(kind.__module__, inspect.getsourcefile(kind) or "")


@cache
def module_sources(module: str) -> str:
    """Digest the source of an imported module of mothsim and of what it imports from mothsim."""
    return sources_digest(module, str(sys.modules[module].__file__))
