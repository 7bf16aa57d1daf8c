"""`mothsim data`: random segments as files, for training elsewhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tqdm import tqdm

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Bounds, Count, Seed
from mothsim.segment_files import Format, write_segments

Rows = Annotated[int, Bounds("a whole number from 0 to 1e9", 0, 1e9)]


@dataclass
class Data:
    """Draw, solve and write random segments, as Zahn et al. train on; memory does not grow with their number."""

    segments: Count = 1_000_000
    """Write so many segments for training; theirs are 10,000,000."""
    test_segments: Rows = 0
    """Write so many segments for testing, from a random stream of their own; theirs are 5,000,000."""
    format: Format = "npy"
    """Write arrays of inputs and outputs (npy), or one table with named columns (parquet, by the extra [parquet])."""
    body: str = "zahn2022"
    """Solve them for this moth: zahn2022, bustamante2022-fa, -fs, -ua or -us, light-abdomen."""
    seed: Seed = 0
    """Draw the segments from this seed; the same one gives the same rows."""
    out: Path = Path("out/data")
    """Write the files and their README to this folder."""
    json: bool = False
    """Print one JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Write the files and print what they hold."""
        from mothsim.body import make_body

        body = make_body(self.body)
        with tqdm(total=self.segments + self.test_segments, unit="segment", unit_scale=True, file=sys.stderr) as bar:

            def advance(rows: int) -> None:
                bar.update(rows)

            files = write_segments(
                self.out, self.segments, test_segments=self.test_segments, seed=self.seed, body=body,
                body_name=self.body, file_format=self.format, callback=advance,
            )  # fmt: skip
        result = {"out": self.out, "segments": self.segments, "test_segments": self.test_segments, "seed": self.seed,
                  "body": self.body, "megabytes": sum(file.stat().st_size for file in files) / 1e6}  # fmt: skip
        show(result, self.json)
        wrote(*files)
