"""Perturbations are drawn from their ranges, flown, counted, and drawn as a picture."""

from pathlib import Path

import numpy as np
import pytest

from mothsim.demos.reproduce import combined_perturbations
from mothsim.demos.reproduce.combined_perturbations import RANGES, CombinedPerturbations, draw_combination, summarise
from mothsim.perturbations import Perturbation
from mothsim.tables import read_table


def test_draws_so_many_at_once_from_their_whole_ranges() -> None:
    rng, calm = np.random.default_rng(0), Perturbation()
    drawn = [draw_combination(rng, 2) for _ in range(400)]
    for name, (low, high) in RANGES.items():
        values = np.array([getattr(one, name) for one in drawn if getattr(one, name) != getattr(calm, name)])
        assert 100 < len(values) < 220  # two in five
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    assert all(sum(getattr(one, name) != getattr(calm, name) for name in RANGES) == 2 for one in drawn)
    sizes = np.array([one.size for one in drawn if one.size != 1])
    assert np.mean(sizes < 1) == pytest.approx(0.5, abs=0.1)


def test_intervals_are_over_combinations() -> None:
    """One combination in ten that is lost whole tells less than as many flights, each of another combination."""
    whole = [{"policy": "a", "at_once": 2, "lost": 8 * (i % 10 == 0), "flights": 8} for i in range(100)]
    (row,) = summarise(whole)
    assert row["lost_percent"] == pytest.approx(10.0)
    assert 4 < row["low"] < 7
    assert 13 < row["high"] < 16


def test_alone_is_lost_by_its_delay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = CombinedPerturbations(("alone", "robust"), (1, 2), combinations=6, moths=1, duration=1.0, out=tmp_path)
    command.run()
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()[1:]] == [
        [name, str(at_once), "6"] for name in ("alone", "robust") for at_once in (1, 2)
    ]
    schema = {"policy": str, "at_once": int, **dict.fromkeys(RANGES, float), "flights": int, "lost": int}
    rows = read_table(tmp_path / "combinations.csv", schema)
    alone, robust = ([row for row in rows if row["policy"] == name] for name in ("alone", "robust"))
    assert [row["delay"] for row in alone] == [row["delay"] for row in robust]
    late = [i for i, row in enumerate(alone) if row["delay"] > 0.025]
    assert late
    assert all(alone[i]["lost"] for i in late)
    assert sum(row["lost"] for row in robust) == 0
    assert (tmp_path / "combinations.png").stat().st_size > 1000


def test_what_has_been_flown_is_kept_when_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(rng: np.random.Generator, at_once: int) -> Perturbation:
        if len(drawn) == 2:
            raise KeyboardInterrupt
        drawn.append(draw_combination(rng, at_once))
        return drawn[-1]

    drawn: list[Perturbation] = []
    monkeypatch.setattr(combined_perturbations, "draw_combination", draw)
    with pytest.raises(KeyboardInterrupt):
        CombinedPerturbations(at_once=(1,), combinations=5, moths=1, duration=0.2, out=tmp_path).run()
    assert len((tmp_path / "combinations.csv").read_text().splitlines()) == 1 + 2


def test_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected numbers from 1 to 5"):
        CombinedPerturbations(at_once=(6,), out=tmp_path).run()
    with pytest.raises(ValueError, match="'dense' is not a policy"):
        CombinedPerturbations(("dense",), out=tmp_path).run()
