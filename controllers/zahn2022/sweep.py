"""Sweeps: several studies, by seed and by hidden layers, run in processes of their own and evaluated together.

The folder of a sweep holds a folder a study: `seed-0`, `seed-1` and so on, within one such as `50-50-50-8` for each
choice of hidden layers where there are several.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mothsim.controllers.learning.run_folder import Log
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import level_file
from mothsim.controllers.zahn2022.loss_table import Row
from mothsim.controllers.zahn2022.pruning_study import run
from mothsim.controllers.zahn2022.study_files import (
    StudySettings,
    find_studies,
    load_checked,
    load_settings,
    load_study_table,
)
from mothsim.workers import run_tasks


def sweep(
    folder: Path, settings: StudySettings, seeds: Sequence[int] = (), hidden_sweep: Sequence[tuple[int, ...]] = ()
) -> dict[Path, StudySettings]:
    """Return the studies of a sweep by their folders.

    Args:
        folder: of the sweep.
        settings: of every study, except for seeds and hidden layers that are swept.
        seeds: one study each; without any there is one study, of the seed in `settings`, in the folder itself.
        hidden_sweep: hidden layers, likewise.

    Raises:
        ValueError: a seed or hidden layers are given twice.
    """
    for name, values in (("seeds", seeds), ("hidden_sweep", hidden_sweep)):
        if len(set(values)) < len(values):
            raise ValueError(f"{name} = {tuple(values)!r}: expected each study once")
    studies = {folder: settings}
    if hidden_sweep:
        studies = {
            at / "-".join(map(str, hidden)): dataclasses.replace(one, hidden=hidden)
            for at, one in studies.items()
            for hidden in hidden_sweep
        }
    if seeds:
        studies = {
            at / f"seed-{seed}": dataclasses.replace(one, seed=seed) for at, one in studies.items() for seed in seeds
        }
    return studies


def run_sweep(
    studies: Mapping[Path, StudySettings], workers: int | None = None, log: Log | None = None
) -> Iterator[Path]:
    """Run studies, or go on with them; yields each one's folder as it is done.

    Processes are spawned, never forked, since JAX has threads. On many machines that share a file system, use
    joblib's Dask backend:
    `with distributed.Client(address), joblib.parallel_config("dask"): list(run_sweep(studies))`.

    Args:
        studies: by folder, see `sweep`; a relative folder lies in this process's folder, wherever the study runs.
        workers: number of studies run at once; by default one, or what `joblib.parallel_config` sets.
        log: called with one line for every damaged file, in the process of its study.

    Raises:
        ValueError: a folder holds a study with other settings.
        OSError: a study's files could not be written.
    """
    here = Path.cwd()
    yield from run_tasks(_run, ((settings, here, folder, log) for folder, settings in studies.items()), workers)


def _run(settings: StudySettings, here: Path, folder: Path, log: Log | None) -> Path:
    run(settings, here / folder, log=log)
    return folder


@dataclass(frozen=True)
class StudyGroup:
    """The networks of studies that differ by their seeds alone, numbered consecutively.

    Attributes:
        settings: of the first study.
        rows: of all tables, see `loss_table.describe`, with a column `seed`.
        members: for each network, the folder of its study and its index there.
    """

    settings: StudySettings
    rows: list[Row]
    members: list[tuple[Path, int]]


def load_networks(group: StudyGroup, percent: float, networks: Sequence[int]) -> dict[int, Network]:
    """Load networks of a group at one level, each study's checkpoint once, by their numbers.

    Raises:
        ValueError: a checkpoint is missing, damaged, or of another study; or the training of a network diverged.
    """
    levels = {folder: load_checked(folder, percent, load_settings(folder)) for folder in
              {group.members[index][0] for index in networks}}  # fmt: skip
    return {index: levels[group.members[index][0]].network(group.members[index][1]) for index in networks}


def collect(folder: Path, log: Log | None = None) -> dict[tuple[int, ...], StudyGroup]:
    """Group the studies in a folder by hidden layers, wide ones first; those without a finished level are left out.

    Args:
        folder: of a study or a sweep.
        log: called with one line for every damaged table, which is written again.

    Raises:
        ValueError: there is none, one is damaged, or those of the same layers differ in more than their seeds and
            numbers of networks.
    """
    groups: dict[tuple[int, ...], StudyGroup] = {}
    for study in find_studies(folder):
        settings = load_settings(study)
        if not level_file(study, 0).exists():
            continue
        group = groups.setdefault(settings.hidden, StudyGroup(settings, [], []))
        _compare(group, settings, study)
        first = len(group.members)
        for row in load_study_table(study, log):
            group.rows.append({"seed": settings.seed, **row, "network": first + row["network"]})
        group.members.extend((study, index) for index in range(settings.networks))
    if not groups:
        raise ValueError(f"{folder}: no study has finished a level")
    return dict(sorted(groups.items(), reverse=True))


def _compare(group: StudyGroup, other: StudySettings, folder: Path) -> None:
    one, two = (dataclasses.asdict(dataclasses.replace(each, seed=0, networks=1)) for each in (group.settings, other))
    differ = [key for key in one if one[key] != two[key]]
    if differ:
        raise ValueError(f"{folder}: differs from the other studies in its {', '.join(differ)}")
    if any(row["seed"] == other.seed for row in group.rows):
        raise ValueError(f"{folder}: has seed {other.seed}, as another study")
