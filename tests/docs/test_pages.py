"""What the pages say is true: their code runs, their commands parse, their links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import runpy
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import tyro

from mothsim.demos.cli.main import Command
from mothsim.demos.cli.train_inverse_model import TrainInverseModel
from mothsim.demos.options import check

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generated = load("generated")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem)
def test_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, block in enumerate(blocks(page, "python")):
        file = tmp_path / f"{page.stem}{number}.py"
        file.write_text(block, encoding="utf-8")
        runpy.run_path(str(file))


def inline_commands(page: Path) -> list[str]:
    """Commands in the text, which may go over the end of a line."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = [" ".join(command.split()) for command in re.findall(r"`(mothsim [a-z]+ [^`]+)`", text)]
    return [command for command in found if not command.split()[-1].startswith("--")]  # which names an option only


def test_commands_of_the_pages_are_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Each option of each `mothsim` line is one that the command takes, of values within bounds; nothing is run."""
    seen = 0
    lines = [block for page in PAGES for language in ("sh", "bash") for block in blocks(page, language)]
    lines += [command for page in PAGES for command in inline_commands(page)]
    for line in "\n".join(lines).splitlines():
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            if words[:1] == ["mothsim"]:
                parsed: Any = tyro.cli(Command, prog="mothsim", args=words[1:])  # pyright: ignore[reportCallIssue]
                check(parsed)
                if isinstance(kind := getattr(parsed, "kind", None), TrainInverseModel):
                    kind.settings()
                seen += 1
            elif words[:2] == ["python", "-m"]:
                assert importlib.util.find_spec(words[2]), line
    assert seen > 40


def test_modules_named_in_the_text_are_there() -> None:
    for page in PAGES:
        for module in re.findall(r"`python -m (mothsim[\w.]+)", page.read_text(encoding="utf-8")):
            assert importlib.util.find_spec(module), f"{page.name}: {module}"


def test_links_and_pictures_of_the_readme_lead_somewhere() -> None:
    """The site's own links are checked by `mkdocs build --strict`."""
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        text = (ROOT / name).read_bytes()
        headings = re.findall(r"^#+ (.*)$", text.decode(errors="ignore"), re.MULTILINE) if anchor else []
        assert anchor in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings] + [""]


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 120
    assert all(len(line) <= 120 for line in lines if not line.startswith("|"))


def test_every_table_of_a_page_is_made() -> None:
    for page in DOCS.rglob("*.md"):
        made = generated.expand(page.read_text(encoding="utf-8"))
        assert not re.search(r"^\{\{", made, re.MULTILINE), page.name


def test_tables_say_what_the_code_says() -> None:
    import dataclasses

    from mothsim import MothBody
    from mothsim.controllers import NAMES

    meanings = [line.split(" | ") for line in generated.body_parameters().splitlines()[2:]]
    assert [name.strip("|` ") for name, *_ in meanings] == [field.name for field in dataclasses.fields(MothBody)]
    assert all(len(meaning.strip(" |")) > 3 for *_, meaning in meanings)
    assert [line.split("`")[1] for line in generated.controllers_table().splitlines()[2:]] == list(NAMES)


def test_sections_of_docstrings_are_read() -> None:
    text = (
        "Does it.\n\nArgs:\n    one, two: first\n        and second.\n    three: last.\n\nRaises:\n    ValueError: no."
    )
    assert generated.section(text, "Args") == [("one, two", "first and second."), ("three", "last.")]
    assert generated.section(text, "Raises") == [("ValueError", "no.")]
    assert generated.section(text, "Returns") == []
    assert generated.prose(text) == "Does it."
    assert generated.table(("a",), [("x|y",)]) == "| a |\n| --- |\n| x\\|y |\n"


def test_formulas_become_mathml_outside_code() -> None:
    pytest.importorskip("mkdocs", reason="the extra [docs] is not installed")
    pytest.importorskip("latex2mathml", reason="the extra [docs] is not installed")
    sys.path.insert(0, str(DOCS))
    try:
        made = load("hooks").mathml("of $x^2$ and `$y$`\n\n$$a_1$$\n\n```sh\necho $HOME $z$\n```\n")
    finally:
        sys.path.remove(str(DOCS))
    assert made.count("<math") == 2
    assert 'display="block"' in made
    assert "`$y$`" in made
    assert "echo $HOME $z$" in made


def test_the_diagram_is_the_one_that_its_program_draws(tmp_path: Path) -> None:
    load("diagrams").main(tmp_path / "new.svg")
    new, kept = (
        re.findall(r"<!-- (.*?) -->", file.read_text(encoding="utf-8"))
        for file in (tmp_path / "new.svg", DOCS / "pictures" / "moth-diagram.svg")
    )
    assert new == kept
    assert {r"$\theta$", r"$\phi$", r"$\alpha$", "$F$"} <= set(kept)
