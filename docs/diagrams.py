"""The moth with its symbols, as SVG: `python docs/diagrams.py` writes `docs/pictures/moth-diagram.svg`."""

from __future__ import annotations

import sys
from pathlib import Path

from mothsim.plotting.moth_diagram import write_moth_diagram

FILE = Path(__file__).parent / "pictures" / "moth-diagram.svg"


def main(file: Path = FILE) -> None:
    """Write the diagram; the same bytes every time."""
    write_moth_diagram(file)


if __name__ == "__main__":
    main(*(Path(name) for name in sys.argv[1:]))
