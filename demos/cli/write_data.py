"""`mothsim data`: random segments as files, for training elsewhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tqdm import tqdm
from tyro.conf import OmitArgPrefixes, arg

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Bounds, Count, Seed
from mothsim.segment_files import Format, write_segments

Rows = Annotated[int, Bounds("a whole number from 0 to 1e9", 0, 1e9)]


@dataclass
class DrawnSegments:
    """What is drawn and solved."""

    segments: Count = 1_000_000
    """Write so many segments for training; theirs are 10,000,000."""
    test_segments: Rows = 0
    """Write so many segments for testing, from a random stream of their own; theirs are 5,000,000."""
    body: str = "zahn2022"
    """Solve them for this moth: zahn2022, bustamante2022-fa, -fs, -ua or -us, light-abdomen."""
    seed: Seed = 0
    """Draw the segments from this seed; the same one gives the same rows."""


@dataclass
class DataOutput:
    """What is written, and where."""

    format: Format = "npy"
    """Write arrays of inputs and outputs (npy), or one table with named columns (parquet, by the extra [parquet])."""
    out: Path = Path("out/data")
    """Write the files and their README to this folder."""
    json: bool = False
    """Print one JSON object on standard output instead of the table."""


@dataclass
class Data:
    """Draw, solve and write random segments, as Zahn et al. train on; memory does not grow with their number."""

    drawn: Annotated[DrawnSegments, OmitArgPrefixes, arg(name="segment")] = field(default_factory=DrawnSegments)
    output: Annotated[DataOutput, OmitArgPrefixes] = field(default_factory=DataOutput)

    def run(self) -> None:
        """Write the files and print what they hold."""
        from mothsim.body import make_body

        drawn, output = self.drawn, self.output
        body = make_body(drawn.body)
        with tqdm(total=drawn.segments + drawn.test_segments, unit="segment", unit_scale=True, file=sys.stderr) as bar:

            def advance(rows: int) -> None:
                bar.update(rows)

            files = write_segments(
                output.out, drawn.segments, test_segments=drawn.test_segments, seed=drawn.seed, body=body,
                body_name=drawn.body, file_format=output.format, callback=advance,
            )  # fmt: skip
        result = {"out": output.out, "segments": drawn.segments, "test_segments": drawn.test_segments,
                  "seed": drawn.seed, "body": drawn.body,
                  "megabytes": sum(file.stat().st_size for file in files) / 1e6}  # fmt: skip
        show(result, output.json)
        wrote(*files)
