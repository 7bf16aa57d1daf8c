import errno
import os
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from mothsim import fly
from mothsim.controllers import LQR
from mothsim.io import open_folder, write_atomically
from mothsim.plotting.animation import animate
from mothsim.plotting.figures import save_figure
from mothsim.tables import write_table


def full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("kind", ["bytes", "picture", "film", "table"])
def test_a_full_disk_leaves_the_old_file_and_names_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / f"old.{'gif' if kind == 'film' else 'png'}"
    file.write_bytes(b"good")
    flight = fly(LQR(), "hover", duration=0.04)
    monkeypatch.setattr(os, "fsync", full)
    write = {
        "bytes": lambda: write_atomically(file, b"new"),
        "picture": lambda: save_figure(Figure(), file),
        "film": lambda: animate(flight, file),
        "table": lambda: write_table([{"a": 1}], file),
    }[kind]
    with pytest.raises(OSError, match=f"{file.name}: could not be written .No space left"):
        write()
    assert file.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [file]


def test_an_interrupted_film_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "old.gif"
    file.write_bytes(b"good")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    flight = fly(LQR(), "hover", duration=0.04)
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        animate(flight, file)
    assert file.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [file]


def test_an_output_folder_is_checked_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "below"):
        with pytest.raises(OSError, match=r"out = '.*file.*': expected a folder to write to"):
            open_folder(folder)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(OSError, match=r"folder = '.*a': expected a folder to write to \(Permission denied\)"):
        open_folder(tmp_path / "a", "folder")


def test_a_file_in_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"below.txt: could not be written"):
        write_atomically(tmp_path / "file" / "below.txt", b"")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
