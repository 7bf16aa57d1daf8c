"""An evaluation's flights are the same however they are batched, interrupted and shared out."""

import importlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mothsim.controllers.evaluation import rollouts
from mothsim.controllers.evaluation.report.headline import headline
from mothsim.controllers.evaluation.rollouts import (
    ALONE,
    GUIDED,
    describe_all,
    fly_all,
    fly_batch,
    measure,
    origin,
)
from mothsim.controllers.evaluation.scenarios import (
    SCENARIOS,
    ControllerSpec,
    RolloutBatch,
    find_controllers,
    find_scenarios,
)
from mothsim.controllers.evaluation.sources import controller_sources
from mothsim.controllers.evaluation.statistics import summarise
from mothsim.controllers.networks.ensemble import Ensemble, Level, save_level
from mothsim.controllers.networks.storage import load_network, save_network, shipped_networks
from mothsim.perturbations import PERTURBATIONS
from mothsim.solver.compiled import sources_digest

SMALL = ControllerSpec("small", "inverse-model", str(shipped_networks()["small"]), "0" * 64)
HOVER = replace(SCENARIOS["hover"], duration=0.3)


def batches(starts: int = 3) -> list[RolloutBatch]:
    specs = [ControllerSpec("lqr", "lqr"), SMALL]
    return [
        RolloutBatch(p, HOVER, PERTURBATIONS[c], starts, 7)
        for p in specs
        for c in ("nominal", "noise 1%", "gusts 100 cm/s")
    ]


def test_a_network_without_a_level_has_its_sparsity() -> None:
    network = load_network(shipped_networks()["inverse-93"])
    for info, level in (({}, 100 * network.sparsity), ({"level": None}, 100 * network.sparsity), ({"level": 93}, 93)):
        assert rollouts.pruning_level(replace(network, info=info)) == level


@pytest.mark.slow
def test_a_row_does_not_depend_on_its_batch() -> None:
    for batch in batches():
        few, many = (measure(one, fly_batch(one)) for one in (batch, replace(batch, starts=5)))
        assert few == many[:3]


def test_interrupted_work_goes_on_and_ends_in_the_same_rows(tmp_path: Path, monkeypatch) -> None:
    whole = fly_all(batches(), tmp_path / "whole").rows
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
    assert fly_all(batches(), tmp_path / "again").rows == whole
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
    assert len({one.key("sources") for one in (batch, *others)} | {batch.key("other sources")}) == 8
    assert replace(batch, spec=replace(SMALL, file="elsewhere")).key("a") == replace(batch, spec=SMALL).key("a")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts of one flown batch, and of its network's description."""
    folder = tmp_path_factory.mktemp("flown")
    fly_all([replace(batches(2)[0], spec=SMALL)], folder)
    describe_all([SMALL], folder)
    return folder


@pytest.mark.parametrize("damage", [
    lambda content: b"",
    lambda content: content[: len(content) // 2],
    lambda content: b"\n".join(content.splitlines()[:-1]) + b"\n",
    lambda content: content.replace(b"1312", b"1313"),
    lambda content: b'{"foreign": null}',
], ids=["empty", "cut", "a row gone", "a number changed", "foreign"])  # fmt: skip
def test_a_damaged_part_is_made_again(parts: Path, tmp_path: Path, damage) -> None:
    folder = shutil.copytree(parts, tmp_path / "copy")
    batch = replace(batches(2)[0], spec=SMALL)
    before, described = fly_all([batch], folder).rows, describe_all([SMALL], folder)
    contents = {file: file.read_bytes() for file in (folder / "parts").iterdir()}
    assert len(contents) == 2
    for file, content in contents.items():
        file.write_bytes(damage(content))
    damaged = {file for file, content in contents.items() if file.read_bytes() != content}
    lines: list[str] = []
    assert fly_all([batch], folder, log=lines.append).rows == before
    assert describe_all([SMALL], folder, log=lines.append) == described
    assert sorted(lines) == sorted(f"{file}: damaged, made again" for file in damaged)
    assert {file: file.read_bytes() for file in contents} == contents


def test_another_source_of_what_flies_is_another_key(tmp_path: Path, monkeypatch) -> None:
    """Editing a controller of one's own changes its key, and nobody else's."""
    module = tmp_path / "springs.py"
    module.write_text("class Springs:\n    period = 0.02\n")
    monkeypatch.syspath_prepend(tmp_path)
    springs = importlib.import_module("springs")
    monkeypatch.setattr("mothsim.controllers.make", lambda name: springs.Springs())
    digests = []
    for gain in (1, 2):
        module.write_text(f"class Springs:\n    period = 0.02\n    gain = {gain}\n")
        sources_digest.cache_clear()
        controller_sources.cache_clear()
        digests.append(controller_sources("springs"))
    controller_sources.cache_clear()
    assert digests[0] != digests[1]


def test_a_network_whose_controls_are_dead_flies_is_lost_and_has_no_offset(tmp_path: Path) -> None:
    small = load_network(shipped_networks()["small"])
    last = small.weights[-1].copy()
    last[:, :3] = 0
    dead = {
        "all zero": tuple(np.zeros_like(weight) for weight in small.weights),
        "dead controls": (*small.weights[:-1], last),
    }
    for name, weights in dead.items():
        save_network(replace(small, weights=weights), tmp_path / f"{name}.safetensors")
    specs = find_controllers(tmp_path, ())
    flown = fly_all(
        [RolloutBatch(spec, SCENARIOS["hover"], PERTURBATIONS["nominal"], 2, 0) for spec in specs], tmp_path
    )
    assert flown.failures == {}
    assert all(row["lost"] and row["dead_controls"] == 3 and np.isinf(row["rms_error_cm"]) for row in flown.rows)
    for row in describe_all(specs, tmp_path):
        assert np.isinf(row["trim_offset_cm"])
        assert row["dead_controls"] == 3
        assert row["dead_outputs"] == (7 if row["controller"] == "all zero" else 3)


def test_pilots_are_found_once(tmp_path: Path) -> None:
    for name in ("a/00", "b/00", "b/98", ".hidden/00"):
        file = tmp_path / f"{name}.safetensors"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(shipped_networks()["sparse-98" if name.endswith("98") else "small"].read_bytes())
    (tmp_path / "b" / "progress.safetensors").write_bytes(b"unfinished")
    with pytest.warns(UserWarning, match="b/00 is the same network as a/00, and is flown once"):
        specs = find_controllers(tmp_path, ("lqr",))
    assert [spec.name for spec in specs] == ["lqr", "a/00", "b/98"]
    first, second = describe_all(specs, tmp_path / "out")
    assert (first["family"], first["weights"], first["multiply_adds"]) == ("small", 1312, 1312)
    assert (second["family"], second["level"]) == ("global", 98.0)
    assert second["spectral_radius"] < 1
    assert describe_all(specs, tmp_path / "out") == [first, second]
    with pytest.raises(ValueError, match="networks = "):
        find_controllers(tmp_path / "out", ())


def test_the_networks_of_a_study_fly_one_by_one(tmp_path: Path) -> None:
    small = load_network(shipped_networks()["small"])
    weights, biases = (tuple(np.stack([part, 0 * part]) for part in parts) for parts in (small.weights, small.biases))
    masks = tuple(np.stack([mask, np.zeros_like(mask)]) for mask in small.masks)
    curve, steps, losses = np.ones((2, 3), np.float32), np.ones(2, np.int64), np.ones(2, np.float32)
    save_level(
        Level(93.0, Ensemble(weights, biases, masks, curve, steps, losses), small.scaling),
        tmp_path / "seed-0" / "93.safetensors",
    )
    specs = find_controllers(tmp_path, ())
    assert [spec.name for spec in specs] == ["seed-0@93:0", "seed-0@93:1"]
    flown = fly_all([RolloutBatch(spec, HOVER, PERTURBATIONS["nominal"], 1, 0) for spec in specs], tmp_path)
    assert flown.failures == {}
    assert [(row["weights"], row["dead_controls"]) for row in flown.rows] == [(1312, 0), (0, 3)]


def test_a_file_is_flown_from_its_first_row_to_its_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("t,x,y\n1,0,0\n5,0.2,0\n")
    [scenario] = find_scenarios(("rows.csv",), 0.5)
    assert (scenario.name, scenario.trajectory, scenario.duration) == ("rows.csv", str(tmp_path / "rows.csv"), 2.0)
    [scenario] = find_scenarios(("rows.csv",))
    flight = fly_batch(RolloutBatch(ControllerSpec("lqr", "lqr"), scenario, PERTURBATIONS["nominal"], 1, 0))
    np.testing.assert_allclose(flight.trajectory.position([0.0, 2.0, 4.0])[:, 0], [0.0, 0.1, 0.2], atol=1e-12)


def test_bad_courses_are_named() -> None:
    with pytest.raises(ValueError, match="tasks = 'loop': expected some of hover"):
        find_scenarios(("hover", "loop"))
    with pytest.raises(ValueError, match="duration_scale = 0"):
        find_scenarios(("hover",), 0.0)
    with pytest.raises(ValueError, match="duration_scale = 1000000"):
        find_scenarios(("hover",), 1e6)
    with pytest.raises(ValueError, match="tasks = 'hover' twice"):
        find_scenarios(("hover", "step", "hover"))
    with pytest.raises(ValueError, match="tasks = nothing: expected some of hover"):
        find_scenarios(())
    with pytest.raises(ValueError, match="controllers = 'lqr' twice"):
        find_controllers(None, ("lqr", "lqr"))
    with pytest.raises(ValueError, match="controller = 'pid'"):
        find_controllers(None, ("pid",))


def test_recovery_is_of_recover_tasks_alone() -> None:
    for name, expected in (("hover", {None}), ("recover-half", {True})):
        scenario = replace(SCENARIOS[name], duration=2.5)
        batch = RolloutBatch(ControllerSpec("lqr", "lqr"), scenario, PERTURBATIONS["nominal"], 2, 0)
        assert {row["recovered"] for row in measure(batch, fly_batch(batch))} == expected


def test_networks_fly_alone_beside_guided_ones(tmp_path: Path) -> None:
    """What helps them stands in a column, and families are kept apart."""
    specs = [spec for spec in find_controllers(None, [], ["kinematic", "reachable"]) if spec.name.startswith("small")]
    assert [spec.name for spec in specs] == ["small, alone", "small"]
    batches = [RolloutBatch(spec, HOVER, PERTURBATIONS["nominal"], 2, 0) for spec in specs]
    rows = fly_all(batches, tmp_path).rows
    assert [(row["family"], row["help"]) for row in rows[::2]] == [("small, alone", ALONE), ("small", GUIDED)]
    assert rows[0]["rms_error_cm"] != rows[2]["rms_error_cm"]
    alone, guided = describe_all(specs, tmp_path)
    assert alone["control_cost_scale"] is None
    assert alone["spectral_radius"] != guided["spectral_radius"]
    table = headline(summarise(rows))
    assert [row[2] for row in table] == ["help", GUIDED, ALONE]


def test_a_network_trained_to_fly_alone_does_so(tmp_path: Path) -> None:
    (spec,) = (spec for spec in find_controllers(None, []) if spec.name == "inverse-93")
    assert (origin(spec)["family"], origin(spec)["help"]) == ("layerwise, alone", ALONE)
