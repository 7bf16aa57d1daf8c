import re

import pytest

from mothsim.demos.cli.main import main

_GROUPS = {
    "fly": {"controller", "flight", "perturbation", "output"},
    "train inverse-model": {"network", "training", "pruning", "output"},
    "train policy": {"network", "training", "sweep", "output"},
    "study": {"network", "training", "pruning", "sweep", "figure", "output"},
    "evaluate": {"network", "task", "perturbation", "computing", "output"},
    "benchmark": {"size", "timing"},
    "data": {"segment", "output"},
    "export": set(),
    "import": {"keras", "test", "output"},
    "list": set(),
    "view": set(),
}


@pytest.mark.parametrize("command", _GROUPS)
def test_help_groups_options_and_speaks_in_sentences(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    groups, helps = _read(capsys.readouterr().out)
    assert groups == _GROUPS[command]
    assert len(helps) >= 2
    for option, sentence in helps.items():
        assert re.fullmatch(r"[A-Z][a-z]+ .{10,}\.", sentence), (option, sentence)


def _read(text: str) -> tuple[set[str], dict[str, str]]:
    """Groups of options, and each option with its help less the default; boxes are lines or blanks."""
    groups: set[str] = set()
    helps: dict[str, str] = {}
    option = ""
    for line in text.splitlines():
        cells = re.split(r"\s{2,}", line.strip("│ "))
        if title := re.search(r"([\w-]+) options\W*$", line):
            groups.add(title[1])
        elif re.match(r"--[a-z]|PATH|\[STR|\[KIND", cells[0]):
            option = cells.pop(0)
            helps[option] = ""
        elif not re.search(r"\w", line):
            option = ""
        if option and not title:
            helps[option] += " " + " ".join(cells)
    return groups, {one: re.sub(r" \((default|required).*", "", words).strip() for one, words in helps.items()}
