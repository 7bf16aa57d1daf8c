"""Objects of the user's own by their import path: `my_module:name`, or `path/to/my_file.py:name`."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any


def is_import_path(text: str) -> bool:
    """Whether a text has the form `module:name`, with dotted names, or `file.py:name`."""
    place, colon, name = text.rpartition(":")
    return bool(colon) and name.isidentifier() and (_is_file(place) or all(map(str.isidentifier, place.split("."))))


def load_object(text: str, argument: str) -> Any:
    """Import the object that an import path names.

    Modules are looked for in the current folder too. A file may import modules that lie beside it.

    Args:
        text: the import path.
        argument: what it is called in messages.

    Raises:
        ValueError: no such file, module or object, or one that fails when it is imported.
    """
    place, _, name = text.rpartition(":")
    module = _module(text, argument)
    if not hasattr(module, name):
        public = ", ".join(sorted(key for key, value in vars(module).items() if _defined_in(module, value)))
        raise ValueError(f"{argument} = {text!r}: {place} has no {name!r}; it defines {public or 'nothing'}")
    return getattr(module, name)


def object_sources(text: str, argument: str) -> str:
    """Digest the source of the file that an import path names, and of what it imports from beside it and mothsim."""
    from mothsim.solver.compiled import sources_digest  # with numba, which learning on a GPU does without

    module = _module(text, argument)
    return sources_digest(module.__name__, str(module.__file__))


def absolute(text: str) -> str:
    """An import path that means the same in another folder: of a file, or of a module's file in this folder."""
    place, _, name = text.rpartition(":")
    file = Path(place) if _is_file(place) else Path(f"{place}.py")
    return f"{file.resolve()}:{name}" if file.is_file() else text


def _is_file(place: str) -> bool:
    return place.lower().endswith(".py")


def _module(text: str, argument: str) -> ModuleType:
    place = text.rpartition(":")[0]
    try:
        return _from_file(Path(place).resolve()) if _is_file(place) else _by_name(place)
    except FileNotFoundError as error:
        raise ValueError(f"{argument} = {text!r}: no file {error.filename}") from None
    except Exception as error:  # the user's own code may raise any
        raise ValueError(f"{argument} = {text!r}: importing it failed: {type(error).__name__}: {error}") from error


def _by_name(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    return import_module(name)


def _from_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise FileNotFoundError(2, "no such file", str(file))
    loaded = sys.modules.get(file.stem)
    if loaded is not None and getattr(loaded, "__file__", None) == str(file):
        return loaded
    # Another module of this name may be imported already, or wait to be: `random.py` is not `import random`.
    name = file.stem if loaded is None and file.stem not in sys.stdlib_module_names else str(file)
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _defined_in(module: ModuleType, value: Any) -> bool:
    return getattr(value, "__module__", None) == module.__name__ and hasattr(value, "__name__")
