"""Types of the commands' options: a number that carries its bounds, which the help shows and `check` holds."""

from __future__ import annotations

import dataclasses
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_type_hints

from tyro.conf import arg


@dataclass(frozen=True)
class Bounds:
    """Bounds of an option, of every value where it takes several.

    Attributes:
        text: what is expected, for messages.
        low, high: smallest and largest value.
        above: whether `low` itself is excluded.
        below: whether `high` itself is excluded.
    """

    text: str
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    def hold(self, value: float) -> bool:
        """Whether a value is finite and within the bounds."""
        enough = value > self.low if self.above else value >= self.low
        return math.isfinite(value) and enough and (value < self.high if self.below else value <= self.high)


_SEED = Bounds("a whole number from 0 to 2^63 - 1", 0, 2**63 - 1)
_COUNT = Bounds("a whole number from 1 to 1e9", 1, 1e9)
_WORKERS = Bounds("a whole number from 1 to 1024", 1, 1024)
_SECONDS = Bounds("seconds above 0, up to 100000", 0, 1e5, above=True)
_FACTOR = Bounds("a number above 0, up to 1e6", 0, 1e6, above=True)
_SHARE = Bounds("a number from 0 to 1e6", 0, 1e6)
_FINITE = Bounds("a finite number")
_PERCENT = Bounds("per cent, from 0 to below 100", 0, 100, below=True)

Picture = Literal["png", "pdf", "svg"]
EXPLAINED = arg(help_behavior_hint="")
"""For an option whose help tells the default, which is not shown again as `None`."""
Name = Annotated[str | None, arg(metavar="NAME"), EXPLAINED]

Seed = Annotated[int, _SEED, arg(metavar="INT>=0")]
Seeds = Annotated[tuple[int, ...], _SEED, arg(metavar="[INT>=0 ...]")]
Count = Annotated[int, _COUNT, arg(metavar="INT>=1")]
Counts = Annotated[tuple[int, ...], _COUNT, arg(metavar="[INT>=1 ...]")]
CountOrDefault = Annotated[int | None, _COUNT, arg(metavar="INT>=1")]
CountsOrDefault = Annotated[tuple[int, ...] | None, _COUNT, arg(metavar="[INT>=1 ...]")]
Workers = Annotated[int, _WORKERS, arg(metavar="INT>=1")]
Seconds = Annotated[float, _SECONDS, arg(metavar="SECONDS>0")]
Factor = Annotated[float, _FACTOR, arg(metavar="FLOAT>0")]
Noise = Annotated[float, _SHARE, arg(metavar="FLOAT>=0")]
Radians = Annotated[float | None, _FINITE, arg(metavar="RADIANS")]
Percent = Annotated[float, _PERCENT, arg(metavar="0<=PERCENT<100")]
Percents = Annotated[tuple[float, ...], _PERCENT, arg(metavar="[0<=PERCENT<100 ...]")]
DaskAddress = Annotated[
    str | None,
    arg(
        metavar="ADDRESS",
        help="Work on the cluster of this Dask scheduler, such as tcp://10.0.0.1:8786, instead of in processes here; "
        "its workers need mothsim and the same folders.",
    ),
    EXPLAINED,
]


def check(command: Any) -> None:
    """Hold a command's options, also in groups of options, to the bounds in their types.

    Raises:
        ValueError: a value out of bounds; names the option.
    """
    hints = get_type_hints(type(command), include_extras=True)
    for field in dataclasses.fields(command):
        value = getattr(command, field.name)
        if dataclasses.is_dataclass(value):
            check(value)
            continue
        for bounds in getattr(hints[field.name], "__metadata__", ()):
            if isinstance(bounds, Bounds):
                for one in value if isinstance(value, tuple) else (value,):
                    if one is not None and not bounds.hold(one):
                        raise ValueError(f"{field.name} = {one!r}: expected {bounds.text}")


def command_line(prog: str, command: Any) -> str:
    """Write the shortest command line that gives a command's options: those that differ from their defaults."""
    return shlex.join([prog, *_words(command)]).replace(shlex.quote(prog), prog, 1)


def _words(command: Any) -> list[str]:
    words: list[str] = []
    for field in dataclasses.fields(command):
        value = getattr(command, field.name)
        option = field.name.replace("_", "-")
        made = field.default_factory
        if dataclasses.is_dataclass(value):
            words += _words(value)
        elif value == (field.default if made is dataclasses.MISSING else made()):
            continue
        elif isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", *map(str, value if isinstance(value, tuple) else (value,))]
    return words


def seed_or_seeds(seed: int, seeds: Sequence[int]) -> None:
    """Refuse a seed beside seeds, which would be ignored; zero is the default of every command.

    Raises:
        ValueError: both are given.
    """
    if seed and seeds:
        raise ValueError(f"seed = {seed!r} beside seeds = {tuple(seeds)!r}: expected one of the two")


def each_once(option: str, values: tuple[Any, ...], known: tuple[Any, ...] | None = None) -> None:
    """Check an option of several values: one at least, each once, and of those that are known.

    Raises:
        ValueError: names the option.
    """
    if not values or len(set(values)) < len(values) or (known and not set(values) <= set(known)):
        of = f" of {', '.join(map(str, known))}" if known else ""
        raise ValueError(f"{option} = {values!r}: expected one or more{of}, each once")
