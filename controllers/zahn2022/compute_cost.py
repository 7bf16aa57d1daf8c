"""Operations and memory traffic of training a study, compared with the peak rates of its graphics card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mothsim.controllers.learning.protocols import find_protocol
from mothsim.controllers.zahn2022.study_files import StudySettings, load_study_table

PEAKS = {"H100": (67e12, 3.35e12), "H200": (67e12, 4.8e12)}
"""NVIDIA's peak rates (SXM cards): single-precision operations a second, and bytes of memory traffic a second."""


@dataclass(frozen=True)
class ComputeCost:
    """Floating-point operations, and bytes moved to and from memory."""

    flops: float
    bytes: float

    def __sub__(self, other: ComputeCost) -> ComputeCost:
        return ComputeCost(self.flops - other.flops, self.bytes - other.bytes)

    def report(self, seconds: float, device: str) -> str:
        """Return one line with the rates, for cards of `PEAKS` also as shares of their peaks."""
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
    """Count what training the finished levels in these folders took, with every weight counted as if it were there.

    A weight takes 6 operations a segment, forward and backward. A step reads and writes at least each weight, its
    gradient and both moments of Adam, 32 bytes; a network that fits into a cache moves less to and from memory. A
    folder without a study, or with one that cannot be read, counts as nothing.
    """
    flops = traffic = 0.0
    for folder, settings in studies.items():
        try:
            rows = load_study_table(folder)
        except ValueError:
            rows = []
        weight_steps = sum(row["steps"] for row in rows) * sum(settings.layer_weights)
        flops += 6 * find_protocol(settings.protocol).batch * weight_steps
        traffic += 32 * weight_steps
    return ComputeCost(flops, traffic)
