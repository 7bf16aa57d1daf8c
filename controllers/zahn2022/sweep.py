"""Several studies, by seed and by hidden layers, side by side in processes of their own, and read as one.

The folder of a sweep holds a folder a study: `seed-0`, `seed-1` and so on, within one such as `50-50-50-8` for each
choice of hidden layers where there are several.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mothsim.controllers.learning.train_and_prune import level_file
from mothsim.controllers.zahn2022.ensemble import Level, load_level
from mothsim.controllers.zahn2022.loss_table import TABLE, Row, read_table
from mothsim.controllers.zahn2022.pruning_study import StudySettings, load_settings, run
from mothsim.workers import run_tasks


def sweep(
    folder: Path, settings: StudySettings, seeds: Sequence[int] = (), hidden_sweep: Sequence[tuple[int, ...]] = ()
) -> dict[Path, StudySettings]:
    """The studies of a sweep by their folders.

    Args:
        folder: of the sweep.
        settings: of every study but for what follows.
        seeds: a study each; by default one, that of `settings`, without a folder of its own.
        hidden_sweep: hidden layers, the same.
    """
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
    studies: Mapping[Path, StudySettings], workers: int | None = None, log: Callable[[str], None] | None = None
) -> Iterator[Path]:
    """Run studies, or go on with them; yields each one's folder as it is done.

    Processes are spawned, never forked, since JAX has threads. On many machines, through joblib's Dask backend:
    `with distributed.Client(address), joblib.parallel_config("dask"): list(run_sweep(studies))`.

    Args:
        studies: by folder, see `sweep`.
        workers: how many at once; by default one, or what `joblib.parallel_config` says.
        log: called with a line for every damaged checkpoint, in the process of its study.

    Raises:
        ValueError: a folder holds a study with other settings.
        OSError: what a study found could not be written.
    """
    yield from run_tasks(_run, ((settings, folder, log) for folder, settings in studies.items()), workers)


def _run(settings: StudySettings, folder: Path, log: Callable[[str], None] | None) -> Path:
    run(settings, folder, log=log)
    return folder


@dataclass(frozen=True)
class StudyGroup:
    """The networks of studies that differ by their seeds alone, numbered through.

    Attributes:
        settings: of the first study.
        rows: of all tables, see `statistics.describe`, with the column `seed` beside.
        members: of each network, the folder of its study and its number there.
    """

    settings: StudySettings
    rows: list[Row]
    members: list[tuple[Path, int]]

    def level(self, network: int, percent: float) -> tuple[Level, int]:
        """The level of a network's study, and its number there.

        Raises:
            ValueError: the checkpoint is missing or damaged.
        """
        folder, index = self.members[network]
        return load_level(level_file(folder, percent), percent, self.settings.sizes), index


def find_studies(folder: Path) -> list[Path]:
    """The folder itself if it holds a study, and the studies in it, one or two floors down, by seed.

    Raises:
        ValueError: there is none.
    """
    patterns = ("settings.json", "*/settings.json", "*/*/settings.json")
    found = [file.parent for pattern in patterns for file in folder.glob(pattern)]
    if not found:
        raise ValueError(f"{folder}: holds no study")
    return sorted(found, key=lambda path: (path.parent, _seed(path), path.name))


def collect(folder: Path) -> dict[tuple[int, ...], StudyGroup]:
    """The studies in a folder by hidden layers, wide ones first; those that have not come to a table are left out.

    Raises:
        ValueError: there is none, one is damaged, or those of the same layers do not differ by their seeds, and
            their numbers of networks, alone.
    """
    groups: dict[tuple[int, ...], StudyGroup] = {}
    for study in find_studies(folder):
        if not (study / TABLE).exists():
            continue
        settings = load_settings(study)
        group = groups.setdefault(settings.hidden, StudyGroup(settings, [], []))
        _compare(group, settings, study)
        first = len(group.members)
        for row in read_table(study):
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


def _seed(folder: Path) -> int:
    number = folder.name.removeprefix("seed-")
    return int(number) if number.isdecimal() else 0
