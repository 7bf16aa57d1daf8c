"""The house: rooms import downwards only, names are not shared, files and functions stay small."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"mothsim": (), "controllers": ("mothsim",), "envs": ("mothsim",), "demos": ("mothsim", "controllers", "envs")}
LINKS = {ROOT / "mothsim" / name for name in ROOMS}
MAY_SHARE = {"__init__.py", "conftest.py"}


def python_files(room: str) -> list[Path]:
    """Files of a room, the checkout's links left out."""
    return sorted(file for file in (ROOT / room).rglob("*.py") if not LINKS.intersection(file.parents))


ALL = [file for room in (*ROOMS, "tests", "docs") for file in python_files(room)]


def imported(file: Path) -> set[str]:
    """Rooms that a file imports from, within functions as well."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: expected imports by their whole name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = (name.split(".")[1:2] for name in names if name.split(".")[0] == "mothsim")
    return {part[0] if part and part[0] in ROOMS else "mothsim" for part in ours}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_those_below(room: str) -> None:
    files = python_files(room)
    assert files
    wrong = {str(file.relative_to(ROOT)): imported(file) - {room, *ROOMS[room]} for file in files}
    assert {file: rooms for file, rooms in wrong.items() if rooms} == {}


def test_no_two_files_share_a_name() -> None:
    counts = Counter(file.name for file in ALL)
    assert {name for name, count in counts.items() if count > 1} <= MAY_SHARE


def lengths(file: Path) -> list[tuple[str, int, int]]:
    """What is measured in a file, its lines, and the most it may have."""
    text = file.read_text(encoding="utf-8")
    found = [("file", len(text.splitlines()), 400)]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            found.append((node.name, node.end_lineno - node.lineno + 1, 60))
    return found


def test_files_and_functions_are_short() -> None:
    assert [(file.name, name, lines) for file in ALL for name, lines, most in lengths(file) if lines > most] == []
