"""A progress bar that leaves nothing behind where it is not shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress_bar(items: Iterable[Item], label: str, unit: str, *, shown: bool) -> Iterable[Item]:
    """Show a bar on standard error while items are taken.

    A hidden bar of tqdm would start its monitoring thread all the same, so there is none.
    """
    return tqdm(items, desc=label, unit=unit, leave=False) if shown else items
