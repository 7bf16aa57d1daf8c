"""What training a study took of the machine: operations and memory traffic, beside what its card can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mothsim.controllers.learning.protocols import find_protocol
from mothsim.controllers.zahn2022.loss_table import TABLE, read_table

if TYPE_CHECKING:
    from mothsim.controllers.zahn2022.pruning_study import StudySettings

PEAKS = {"H100": (67e12, 3.35e12), "H200": (67e12, 4.8e12)}
"""NVIDIA's figures for cards (SXM): operations a second in single precision, and bytes a second of memory."""


@dataclass(frozen=True)
class ComputeCost:
    """Operations, and bytes moved to and from memory."""

    flops: float
    bytes: float

    def __sub__(self, other: ComputeCost) -> ComputeCost:
        return ComputeCost(self.flops - other.flops, self.bytes - other.bytes)

    def report(self, seconds: float, device: str) -> str:
        """One line; of a card known by name also the share of what it can do."""
        flops, traffic = self.flops / seconds, self.bytes / seconds
        peaks = next((peak for name, peak in PEAKS.items() if name in device), None)
        shares = [
            f" ({rate / peak:.0%} of the card's)" for rate, peak in zip((flops, traffic), peaks or (), strict=False)
        ]
        of_flops, of_traffic = shares or ("", "")
        return (
            f"{flops / 1e9:,.1f} GFLOP/s{of_flops}, {traffic / 1e9:,.1f} GB/s{of_traffic} "
            f"on {device} over {seconds:.0f} s, all included"
        )


def compute_cost(studies: Mapping[Path, StudySettings]) -> ComputeCost:
    """What went into the levels in the folders, as if every weight were there.

    A weight takes 6 operations a segment, forward and back. A step at least reads and writes each weight, its gradient
    and both moments of Adam, 32 bytes; a network that fits into a cache moves less to and from memory.
    """
    flops = traffic = 0.0
    for folder, settings in studies.items():
        if (folder / TABLE).exists():
            weight_steps = sum(row["steps"] for row in read_table(folder)) * sum(settings.layer_weights)
            flops += 6 * find_protocol(settings.protocol).batch * weight_steps
            traffic += 32 * weight_steps
    return ComputeCost(flops, traffic)
