import dataclasses
import shutil
from pathlib import Path
from typing import Any

import joblib
import pytest

from mothsim.controllers.zahn2022.loss_table import read_table
from mothsim.controllers.zahn2022.pruning_study import run
from mothsim.controllers.zahn2022.study_figures import draw_study
from mothsim.controllers.zahn2022.study_files import StudySettings, find_studies, load_settings
from mothsim.controllers.zahn2022.sweep import collect, load_networks, run_sweep, sweep
from mothsim.tables import write_table

pytestmark = [pytest.mark.usefixtures("quick_pictures"), pytest.mark.slow]  # four studies, by two processes

TINY = StudySettings("cosine", "global", (8, 6), (50,), 2000, 0, 0.01, 2)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of two sizes, two at once."""
    folder = tmp_path_factory.mktemp("sweep")
    studies = sweep(folder, TINY, seeds=(0, 11), hidden_sweep=((8, 6), (10, 6)))
    assert sorted(run_sweep(studies, workers=2)) == sorted(studies)
    return folder


def same_networks(one: Path, other: Path) -> bool:
    names = ("00.safetensors", "50.safetensors", "networks.csv", "settings.json")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_folders_are_named_by_layers_and_seed(swept: Path) -> None:
    names = [str(folder.relative_to(swept)) for folder in find_studies(swept)]
    assert names == ["10-6/seed-0", "10-6/seed-11", "8-6/seed-0", "8-6/seed-11"]
    assert load_settings(swept / "10-6" / "seed-11") == dataclasses.replace(TINY, hidden=(10, 6), seed=11)
    assert list(sweep(swept, TINY)) == [swept]


def test_a_study_of_a_sweep_is_what_it_is_alone(swept: Path, tmp_path: Path) -> None:
    run(dataclasses.replace(TINY, seed=11), tmp_path)
    assert same_networks(swept / "8-6" / "seed-11", tmp_path)


def test_studies_are_read_as_one(swept: Path, tmp_path: Path) -> None:
    groups = collect(swept)
    assert list(groups) == [(10, 6), (8, 6)]
    group = groups[8, 6]
    assert {(row["seed"], row["network"]) for row in group.rows} == {(0, 0), (0, 1), (11, 2), (11, 3)}
    networks = load_networks(group, 50, [0, 3])
    alone = read_table(swept / "8-6" / "seed-11")[3]
    assert (alone["network"], alone["loss"]) == (1, networks[3].info["test_loss"])
    assert networks[0].info["network"] == 0
    assert group.rows[-1] == {"seed": 11, **alone, "network": 3}
    files = draw_study(swept, threshold=0.05)
    assert {file.parent.name for file in files} == {"8-6", "10-6", swept.name}
    with pytest.raises(ValueError, match="holds no study"):
        collect(tmp_path)


def test_studies_that_differ_are_not_mixed(tmp_path: Path) -> None:
    for seed, segments in ((0, 2000), (1, 3000)):
        folder = tmp_path / f"seed-{seed}"
        run(dataclasses.replace(TINY, seed=seed, segments=segments, levels=()), folder)
    with pytest.raises(ValueError, match="seed-1: differs from the other studies in its segments"):
        collect(tmp_path)
    (tmp_path / "seed-1" / "00.safetensors").unlink()  # as of a study that has not finished a level
    assert len(collect(tmp_path)[8, 6].members) == 2
    shutil.copytree(tmp_path / "seed-0", tmp_path / "again")
    with pytest.raises(ValueError, match="has seed 0, as another study"):
        collect(tmp_path)
    shutil.rmtree(tmp_path / "again")
    write_table(collect(tmp_path)[8, 6].rows, tmp_path / "networks.csv")
    assert len(collect(tmp_path)[8, 6].members) == 2


def test_a_relative_folder_lies_where_the_sweep_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mothsim.controllers.zahn2022.sweep.run", lambda settings, folder, log: ran.append(folder))
    assert list(run_sweep({Path("a"): TINY})) == [Path("a")]
    assert ran == [tmp_path / "a"]
    with pytest.raises(ValueError, match=r"seeds = \(0, 0\): expected each study once"):
        sweep(tmp_path, TINY, seeds=(0, 0))


@pytest.mark.slow
def test_dask_runs_a_sweep(swept: Path, tmp_path: Path, cluster: Any) -> None:
    studies = sweep(tmp_path, TINY, seeds=(0, 11))
    with cluster.get_client(), joblib.parallel_config("dask"):
        assert sorted(run_sweep(studies)) == sorted(studies)
    assert all(same_networks(tmp_path / name, swept / "8-6" / name) for name in ("seed-0", "seed-11"))
