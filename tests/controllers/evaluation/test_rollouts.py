"""An evaluation's flights are the same however they are batched, interrupted and shared out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mothsim import MothBody
from mothsim.controllers.evaluation import rollouts
from mothsim.controllers.evaluation.rollouts import describe_all, fly_all, fly_batch, measure, ranges
from mothsim.controllers.evaluation.scenarios import (
    PERTURBATIONS,
    SCENARIOS,
    ControllerSpec,
    RolloutBatch,
    find_controllers,
    find_scenarios,
)
from mothsim.controllers.networks.storage import shipped_networks

SMALL = ControllerSpec("small", "inverse-model", str(shipped_networks()["small"]), "0" * 64)
HOVER = replace(SCENARIOS["hover"], duration=0.3)


def batches(starts: int = 3) -> list[RolloutBatch]:
    specs = [ControllerSpec("lqr", "lqr"), SMALL]
    return [
        RolloutBatch(p, HOVER, PERTURBATIONS[c], starts, 7)
        for p in specs
        for c in ("nominal", "noise 1%", "gusts 100 cm/s")
    ]


def test_a_row_does_not_know_its_batch() -> None:
    for batch in batches():
        few, many = (measure(one, fly_batch(one)) for one in (batch, replace(batch, starts=5)))
        assert few == many[:3]


def test_interrupted_work_goes_on_and_ends_in_the_same_rows(tmp_path: Path, monkeypatch) -> None:
    whole = fly_all(batches(), tmp_path / "whole")
    flown = []

    def fly_until_killed(batch: RolloutBatch) -> object:
        flown.append(batch)
        if len(flown) == 4:
            raise KeyboardInterrupt
        return fly_batch(batch)

    monkeypatch.setattr(rollouts, "fly_batch", fly_until_killed)
    with pytest.raises(KeyboardInterrupt):
        fly_all(batches(), tmp_path / "again")
    assert len(list((tmp_path / "again" / "parts").iterdir())) == 3
    assert fly_all(batches(), tmp_path / "again") == whole
    assert len(flown) == 4 + 3


def test_what_a_batch_depends_on_names_it() -> None:
    batch = batches()[0]
    others = [
        replace(batch, starts=4),
        replace(batch, seed=8),
        replace(batch, scenario=SCENARIOS["hover"]),
        replace(batch, perturbation=PERTURBATIONS["size 0.9"]),
        replace(batch, spec=SMALL),
        replace(batch, spec=replace(SMALL, checksum="1" * 64)),
    ]
    assert len({one.key for one in (batch, *others)}) == 7
    assert replace(batch, spec=replace(SMALL, file="elsewhere")).key == replace(batch, spec=SMALL).key


def test_conditions_are_what_they_say() -> None:
    body = MothBody()
    assert PERTURBATIONS["size 0.8"].body(body) == body.scaled(0.8)
    heavy = PERTURBATIONS["abdomen mass 2"].body(body)
    assert heavy.abdomen_mass == pytest.approx(2 * body.abdomen_mass)
    assert heavy.head_mass == body.head_mass
    states = fly_batch(RolloutBatch(ControllerSpec("lqr", "lqr"), HOVER, PERTURBATIONS["nominal"], 8, 0)).states
    assert ranges(HOVER) == pytest.approx(np.ptp(states.reshape(-1, 8), axis=0))


def test_pilots_are_found_once(tmp_path: Path) -> None:
    for name in ("a/00", "b/00", "b/98", ".hidden/00"):
        file = tmp_path / f"{name}.safetensors"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(shipped_networks()["sparse-98" if name.endswith("98") else "small"].read_bytes())
    (tmp_path / "b" / "progress.safetensors").write_bytes(b"unfinished")
    specs = find_controllers(tmp_path, ("lqr",))
    assert [spec.name for spec in specs] == ["lqr", "a/00", "b/98"]
    first, second = describe_all(specs, tmp_path / "out")
    assert (first["family"], first["weights"], first["multiply_adds"]) == ("small", 1312, 1312)
    assert (second["family"], second["level"]) == ("global", 98.0)
    assert second["spectral_radius"] < 1
    assert describe_all(specs, tmp_path / "out") == [first, second]
    with pytest.raises(ValueError, match="networks = "):
        find_controllers(tmp_path / "out", ())


def test_bad_courses_are_named() -> None:
    with pytest.raises(ValueError, match="tasks = 'loop': expected some of hover"):
        find_scenarios(("hover", "loop"))
    with pytest.raises(ValueError, match="shorten = 0"):
        find_scenarios(("hover",), 0.0)
