"""The folder of a training run or a study: whose it is, and whether what lies in it was made with the same settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mothsim.io import write_atomically

SETTINGS = "settings.json"
"""Name of the file with the settings."""

Log = Callable[[str], None]


def open_run_dir(settings: Mapping[str, Any], folder: Path, log: Log | None = None) -> None:
    """Make the folder the run's own, or check that it is.

    A folder without any network belongs to nobody yet. A run whose levels begin with those of the folder goes on
    from there. Damaged settings are written again, since every network's header has them too.

    Args:
        settings: everything that the result depends on, as JSON has it, `levels` among it.
        folder: made where there is none.
        log: called with one line where damaged settings were written again.

    Raises:
        ValueError: the folder holds a run with other settings.
        OSError: it cannot be written.
    """
    file, wanted = folder / SETTINGS, plain(settings)
    found = read_settings(file)
    if found == wanted:
        return
    if found is not None and found.keys() == wanted.keys():
        shared = {**wanted, "levels": wanted["levels"][: len(found["levels"])]}
        if found != shared and any(folder.glob("*.safetensors")):
            other = ", ".join(sorted(key for key in wanted if found[key] != shared[key]))
            raise ValueError(f"{folder}: holds a run that differs in {other}; choose another folder")
    elif file.exists() and log:
        log(f"{file}: damaged, or of another program; written again")
    write_atomically(file, json.dumps(wanted, indent=2).encode())


def read_settings(file: Path) -> dict[str, Any] | None:
    """Return the settings in a file, or `None` where there is no such file or it does not hold settings."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("levels"), list) else None


def require_same(file: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Check that a sound network file was made with the settings of this run.

    Args:
        file: named in the error.
        found: what the file's header says of how it was made.
        wanted: what it should say.

    Raises:
        ValueError: a value differs, or is missing.
    """
    found, wanted = plain(found), plain(wanted)
    other = [f"{key} = {found.get(key)!r}, not {value!r}" for key, value in wanted.items() if found.get(key) != value]
    if other:
        raise ValueError(f"{file}: made with {'; '.join(other)}: move it away, or choose another folder")


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as reading them from JSON gives them."""
    return json.loads(json.dumps(dict(settings)))
