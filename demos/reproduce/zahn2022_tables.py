"""Print the model of Zahn et al. 2022 as this package has it: the variables, the body, the segments, the networks.

`python -m mothsim.demos.reproduce.zahn2022_tables` prints what their Fig 1 and their tables S1 to S4 tell of the model,
from `MothBody`, `mothsim.segments` and the protocols that the code runs, and draws the moth with its symbols.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mothsim.body import MothBody, make_body
from mothsim.controllers.learning.protocols import ZAHN_JAX, ZAHN_TENSORFLOW
from mothsim.controllers.zahn2022.wiring_figure import SYMBOLS
from mothsim.demos.cli.output import wrote
from mothsim.demos.run import run as run_program
from mothsim.io import open_folder
from mothsim.plotting.moth_diagram import write_moth_diagram
from mothsim.segments import INPUTS, OUTPUTS, RATE_RANGE, SPEED_RANGE, UNITS
from mothsim.solver.propagate import SEGMENT

_DERIVED = ("head_mass", "abdomen_mass", "weight", "head_inertia", "abdomen_inertia", "length")
_STATE = (
    ("x, y", "cm", "position of the pin joint"),
    ("theta", "rad", "angle of the head-thorax, counter-clockwise from +x, pointing away from the joint"),
    ("phi", "rad", "angle of the abdomen, likewise; a straight body has phi = theta + pi"),
    ("F", "dyn", "aerodynamic force"),
    ("alpha", "rad", "its direction from the axis of the head-thorax"),
    ("tau", "dyn cm", "abdominal torque at the joint"),
)


@dataclass
class Zahn2022Tables:
    """Print the variables, the body's parameters, the ranges of segments, and the networks; draw the moth."""

    body: str = "zahn2022"
    """Name of the moth: zahn2022, bustamante2022-fa, -fs, -ua or -us, light-abdomen."""
    out: Path = Path("out/zahn2022")
    """Folder for the picture of the moth with its symbols."""

    def run(self) -> None:
        """Print and draw."""
        body = make_body(self.body)
        open_folder(self.out)
        _table("State and control", ("symbol", "unit", "meaning"), _STATE)
        _table(f"Parameters of the body {self.body}", ("symbol", "name", "value", "unit"), _parameters(body))
        derived = [(name, f"{getattr(body, name):.6g}", inspect.getdoc(getattr(MothBody, name)) or "")
                   for name in _DERIVED]  # fmt: skip
        _table("Derived", ("name", "value", "meaning"), derived)
        _table(
            f"Random segments of {1000 * SEGMENT:g} ms, drawn evenly", ("variable", "from", "to", "unit"), _ranges(body)
        )
        columns = [("input", name) for name in INPUTS] + [("output", name) for name in OUTPUTS]
        _table("Inverse model", ("", "column", "symbol", "unit"),
               [(kind, name, SYMBOLS[name].strip("$"), UNITS[name]) for kind, name in columns])  # fmt: skip
        both = ZAHN_JAX, ZAHN_TENSORFLOW
        fields = [field.name for field in dataclasses.fields(ZAHN_JAX) if field.name != "name"]
        rows = [(name, *(str(getattr(protocol, name)) for protocol in both)) for name in fields]
        _table("Training", ("", *(protocol.name for protocol in both)), rows)
        picture = self.out / "moth.png"
        write_moth_diagram(picture)
        wrote(picture)


def _parameters(body: MothBody) -> list[tuple[str, ...]]:
    """Symbol, name, value and unit of each parameter, the symbol and the unit as the class documents them."""
    documented = dict(re.findall(r'(\w+): float = [^\n]+\n\s+"""([^"]+)"""', inspect.getsource(MothBody)))
    rows = []
    for field in dataclasses.fields(body):
        symbol, _, rest = documented[field.name].partition(", ")
        if " " in symbol:  # no symbol, but a sentence that has the unit after its comma
            symbol = ""
        unit = re.split(r"[:;.]| \(B", rest)[0]
        rows.append((symbol, field.name, f"{getattr(body, field.name):g}", unit))
    return rows


def _ranges(body: MothBody) -> list[tuple[str, ...]]:
    turn = "2 pi"
    ranges = [
        ("xdot0, ydot0", -SPEED_RANGE, SPEED_RANGE, "cm/s"),
        ("thetadot0, phidot0", -RATE_RANGE, RATE_RANGE, "rad/s"),
        ("theta0, phi0, alpha", 0, turn, "rad"),
        ("F", 0, body.force_limit, "dyn"),
        ("tau", -body.abdomen_torque_limit, body.abdomen_torque_limit, "dyn cm"),
        ("tau_w", 0 - body.wing_torque_limit, body.wing_torque_limit, "dyn cm"),
    ]
    return [(name, f"{low:g}", high if high == turn else f"{high:g}", unit) for name, low, high, unit in ranges]


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    print(f"\n{title}\n")
    for row in (head, ["-" * width for width in widths], *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(run_program(Zahn2022Tables, prog="zahn2022_tables"))
