"""The files of a study: its settings, its checkpoints and its table, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args

from mothsim.controllers.learning.protocols import Stop
from mothsim.controllers.learning.pruning import METHODS
from mothsim.controllers.learning.run_folder import SETTINGS, Log, plain, read_settings, require_same
from mothsim.controllers.learning.train_and_prune import Settings
from mothsim.controllers.networks.ensemble import Level, load_level
from mothsim.controllers.networks.storage import level_file, level_name
from mothsim.controllers.networks.tensor_file import DamagedFileError
from mothsim.controllers.zahn2022.loss_table import TABLE, Row, describe, read_table
from mothsim.tables import write_table

SMALLEST = (50, 50, 50, 8)
"""Hidden layers of Zahn et al.'s smallest networks."""


@dataclass(frozen=True)
class StudySettings(Settings):
    """Everything that the result of a study depends on.

    Attributes:
        networks: number of networks trained side by side.
        rewind: reset the remaining weights to their initial values at every level (Frankle and Carbin 2019).

    Raises:
        ValueError: see `Settings`.
    """

    methods: ClassVar[tuple[str, ...]] = tuple(METHODS)
    stops: ClassVar[tuple[str, ...]] = get_args(Stop)

    hidden: tuple[int, ...] = SMALLEST
    networks: int = 8
    rewind: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set_whole("networks", self.networks, least=1)
        method = METHODS[self.method]
        if self.rewind and (method.keeps_pruned or method.gradual):
            raise ValueError(f"rewind = True: expected a method that prunes once a level, not {self.method!r}")


def load_settings(folder: Path) -> StudySettings:
    """Return the settings of the study in a folder.

    Raises:
        ValueError: there is no study, or its settings are damaged.
    """
    found = read_settings(folder / SETTINGS)
    if found is None:
        raise ValueError(f"{folder / SETTINGS}: missing or damaged, expected the settings of a study")
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}
    try:
        return StudySettings(**{"step_scale" if key == "step_share" else key: value for key, value in fields.items()})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{folder / SETTINGS}: not the settings of a study ({error})") from None


def load_study_table(folder: Path, log: Log | None = None) -> list[Row]:
    """Return the rows of a study's table; where it is missing or damaged, write it again from the checkpoints.

    Args:
        folder: of the study.
        log: called with one line where the table was written again.

    Raises:
        ValueError: the folder holds no study, or a checkpoint of another one.
    """
    settings = load_settings(folder)
    levels = [level for level in (0, *settings.levels) if level_file(folder, level).exists()]
    expected = [(index, level) for level in levels for index in range(settings.networks)]
    try:
        rows = read_table(folder)
        if [(row.get("network"), row.get("level")) for row in rows] == expected:
            return rows
        problem = f"{folder / TABLE}: its rows are not those of the checkpoints"
    except ValueError as error:
        problem = str(error)
    rows = []
    for level in sound_levels(folder, settings, log):
        rows += describe(level.percent, level.ensemble)
    if rows:
        write_table(rows, folder / TABLE)
        if log:
            log(f"{problem}; written again")
    return rows


def load_checked(folder: Path, percent: float, settings: StudySettings) -> Level:
    """Read the checkpoint of a level, and check that it was made with these settings.

    Raises:
        DamagedFileError: the file is cut short or was changed.
        ValueError: it is missing, not a checkpoint, or of other settings.
    """
    file = level_file(folder, percent)
    level = load_level(file)
    found = {**level.settings, "level": level.percent, "sizes": level.sizes, "networks": len(level.ensemble.losses)}
    wanted = {"level": percent, "sizes": settings.sizes, "networks": settings.networks}
    if level.settings:  # which files of before 0.2 do not have
        wanted |= made_with(settings, percent)
    require_same(file, found, wanted)
    return level


def made_with(settings: StudySettings, percent: float) -> dict[str, Any]:
    """Return the settings that a level depends on: all of them, but of the levels those up to this one."""
    levels = [level for level in settings.levels if level <= percent]
    return plain({**settings.as_dict(), "levels": levels})


def sound_levels(folder: Path, settings: StudySettings, log: Log | None = None) -> Iterator[Level]:
    """Yield the levels of a study, dense first, up to the first that is missing or damaged.

    Args:
        folder: of the study.
        settings: that every checkpoint must have been made with.
        log: called with one line for a damaged checkpoint.

    Raises:
        ValueError: a sound file is not a checkpoint, or of other settings.
    """
    for percent in (0, *settings.levels):
        if not level_file(folder, percent).exists():
            return
        try:
            level = load_checked(folder, percent, settings)
        except DamagedFileError as error:
            if log:
                log(f"{error}; going on from the level before")
            return
        yield level


def find_studies(folder: Path) -> list[Path]:
    """Return the folders of studies: the folder itself, or those one or two levels below it, sorted by seed.

    Raises:
        ValueError: there is none.
    """
    patterns = (SETTINGS, f"*/{SETTINGS}", f"*/*/{SETTINGS}")
    found = [file.parent for pattern in patterns for file in folder.glob(pattern)]
    if not found:
        raise ValueError(f"{folder}: holds no study")
    return sorted(found, key=lambda path: (path.parent, _seed(path), path.name))


def study_networks(folder: Path) -> list[tuple[str, str]]:
    """List the networks of a study, or of the studies of a sweep, at every level that they have finished.

    Returns:
        (name, key) by network: a name such as `study@93:4` or `seed-0@93:4`, and the key with which
        `mothsim.controllers.networks.storage.find_network` loads it. A network whose training diverged is listed,
        and loading it is a `ValueError`.

    Raises:
        ValueError: the folder holds no study, or a damaged one.
    """
    networks = []
    for study in find_studies(folder):
        settings = load_settings(study)
        name = study.resolve().name if study == folder else study.relative_to(folder).as_posix()
        for level in (0, *settings.levels):
            if level_file(study, level).exists():
                places = [f"@{level_name(level)}:{index}" for index in range(settings.networks)]
                networks += [(f"{name}{place}", f"{study}{place}") for place in places]
    return networks


def _seed(folder: Path) -> int:
    number = folder.name.removeprefix("seed-")
    return int(number) if number.isdecimal() else 0
