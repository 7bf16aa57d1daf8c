"""Files written aside and then renamed, so that a kill or a full disk leaves the old one whole."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old one or the whole new one, never a part.

    Args:
        path: of the file; its folder is made.
        content: of the file.

    Raises:
        OSError: it cannot be written; names the file, and leaves what was there before.
    """
    temporary = temporary_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        _remove(temporary)
        raise OSError(f"{path}: could not be written ({error.strerror or error})") from None
    except BaseException:
        _remove(temporary)
        raise


@contextmanager
def written_aside(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Temporary names for files that are too large for memory: renamed to the files at the end, removed on an error.

    Args:
        files: in folders that exist.
    """
    temporary = [temporary_path(file) for file in files]
    try:
        yield temporary
        for source, file in zip(temporary, files, strict=True):
            os.replace(source, file)
    finally:
        for source in temporary:
            source.unlink(missing_ok=True)


def temporary_path(path: Path) -> Path:
    """A name of its own beside a file, hidden, to write to before renaming."""
    return path.parent / f".{path.name}.{uuid.uuid4().hex}"


def open_folder(folder: Path, name: str = "out") -> None:
    """Make a folder for output and write a file in it for a moment, so that a long run does not fail at its end.

    Args:
        folder: relative or absolute.
        name: of the argument, for the message.

    Raises:
        OSError: it is a file, lies in a file, or cannot be written to; names the folder.
    """
    probe = temporary_path(folder / "probe")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
    except OSError as error:
        raise OSError(f"{name} = {str(folder)!r}: expected a folder to write to ({error.strerror or error})") from None
    finally:
        _remove(probe)


def _remove(temporary: Path) -> None:
    """Remove a temporary file where there is one, and a folder in which it could be."""
    try:
        temporary.unlink(missing_ok=True)
    except OSError:  # its folder is a file, or read-only
        return
