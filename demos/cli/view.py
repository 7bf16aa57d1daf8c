"""`mothsim view`: the flight viewer of a record that `mothsim fly --save` wrote."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from mothsim.demos.cli.output import wrote
from mothsim.demos.options import EXPLAINED

if TYPE_CHECKING:
    import mothsim


@dataclass
class View:
    """Write the viewer of recorded flights, one HTML page, and open it in a browser where there is a screen."""

    file: Positional[Path]
    """Show this record of flights, .npz, which `mothsim fly --save` or `mothsim.save_flights` wrote."""
    out: Annotated[Path | None, arg(metavar="FILE"), EXPLAINED] = None
    """Write the page to this file; by default it lies beside the record and ends in .html."""
    open: bool = True
    """Open the page in a browser."""

    def run(self) -> None:
        """Read the record and write the page."""
        import mothsim

        page = self.out or self.file.with_suffix(".html")
        if page.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"out = {str(page)!r}: expected a name that ends in .html")
        write_viewer(mothsim.load_flights(self.file), page, show=self.open)


def write_viewer(flights: Mapping[str, mothsim.Flight], page: Path, *, show: bool = True) -> None:
    """Write the flight viewer, and open it in a browser if asked to, where there is a screen."""
    from mothsim.io import write_atomically
    from mothsim.plotting.viewer.page import viewer_page

    write_atomically(page, viewer_page(flights).encode())
    wrote(page)
    # Without a screen, `webbrowser` would start a browser in the terminal.
    screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if show and screen:
        webbrowser.open(page.resolve().as_uri())
