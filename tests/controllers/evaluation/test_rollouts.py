"""An evaluation's flights are the same however they are batched, interrupted and shared out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mothsim import MothBody
from mothsim.controllers.evaluation import rollouts
from mothsim.controllers.evaluation.rollouts import describe_all, fly_all, fly_job, measure, ranges
from mothsim.controllers.evaluation.scenarios import CONDITIONS, COURSES, Job, Pilot, find_courses, find_pilots
from mothsim.controllers.networks.storage import shipped_networks

SMALL = Pilot("small", "inverse-model", str(shipped_networks()["small"]), "0" * 64)
HOVER = replace(COURSES["hover"], duration=0.3)


def jobs(starts: int = 3) -> list[Job]:
    pilots = [Pilot("lqr", "lqr"), SMALL]
    return [Job(p, HOVER, CONDITIONS[c], starts, 7) for p in pilots for c in ("nominal", "noise 1%", "gusts 100 cm/s")]


def test_a_row_does_not_know_its_batch() -> None:
    for job in jobs():
        few, many = (measure(one, fly_job(one)) for one in (job, replace(job, starts=5)))
        assert few == many[:3]


def test_interrupted_work_goes_on_and_ends_in_the_same_rows(tmp_path: Path, monkeypatch) -> None:
    whole = fly_all(jobs(), tmp_path / "whole")
    flown = []

    def fly_until_killed(job: Job) -> object:
        flown.append(job)
        if len(flown) == 4:
            raise KeyboardInterrupt
        return fly_job(job)

    monkeypatch.setattr(rollouts, "fly_job", fly_until_killed)
    with pytest.raises(KeyboardInterrupt):
        fly_all(jobs(), tmp_path / "again")
    assert len(list((tmp_path / "again" / "parts").iterdir())) == 3
    assert fly_all(jobs(), tmp_path / "again") == whole
    assert len(flown) == 4 + 3


def test_what_a_batch_depends_on_names_it() -> None:
    job = jobs()[0]
    others = [
        replace(job, starts=4),
        replace(job, seed=8),
        replace(job, course=COURSES["hover"]),
        replace(job, condition=CONDITIONS["size 0.9"]),
        replace(job, pilot=SMALL),
        replace(job, pilot=replace(SMALL, checksum="1" * 64)),
    ]
    assert len({one.key for one in (job, *others)}) == 7
    assert replace(job, pilot=replace(SMALL, file="elsewhere")).key == replace(job, pilot=SMALL).key


def test_conditions_are_what_they_say() -> None:
    body = MothBody()
    assert CONDITIONS["size 0.8"].body(body) == body.scaled(0.8)
    heavy = CONDITIONS["abdomen mass 2"].body(body)
    assert heavy.abdomen_mass == pytest.approx(2 * body.abdomen_mass)
    assert heavy.head_mass == body.head_mass
    states = fly_job(Job(Pilot("lqr", "lqr"), HOVER, CONDITIONS["nominal"], 8, 0)).states
    assert ranges(HOVER) == pytest.approx(np.ptp(states.reshape(-1, 8), axis=0))


def test_pilots_are_found_once(tmp_path: Path) -> None:
    for name in ("a/00", "b/00", "b/98", ".hidden/00"):
        file = tmp_path / f"{name}.safetensors"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(shipped_networks()["sparse-98" if name.endswith("98") else "small"].read_bytes())
    (tmp_path / "b" / "progress.safetensors").write_bytes(b"unfinished")
    pilots = find_pilots(tmp_path, ("lqr",))
    assert [pilot.name for pilot in pilots] == ["lqr", "a/00", "b/98"]
    first, second = describe_all(pilots, tmp_path / "out")
    assert (first["family"], first["weights"], first["multiply_adds"]) == ("small", 1312, 1312)
    assert (second["family"], second["level"]) == ("global", 98.0)
    assert second["spectral_radius"] < 1
    assert describe_all(pilots, tmp_path / "out") == [first, second]
    with pytest.raises(ValueError, match="networks = "):
        find_pilots(tmp_path / "out", ())


def test_bad_courses_are_named() -> None:
    with pytest.raises(ValueError, match="tasks = 'loop': expected some of hover"):
        find_courses(("hover", "loop"))
    with pytest.raises(ValueError, match="shorten = 0"):
        find_courses(("hover",), 0.0)
