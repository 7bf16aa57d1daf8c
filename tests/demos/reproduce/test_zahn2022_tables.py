"""The tables of the model are those of the paper."""

from pathlib import Path

import pytest

from mothsim.demos.reproduce.zahn2022_tables import Zahn2022Tables
from mothsim.demos.run import run


def test_the_tables_are_those_of_the_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Zahn2022Tables, ["--out", str(tmp_path)], prog="zahn2022_tables") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    for row in (
        "L3 force_distance 0.75 cm", "rho1 head_density 0.9 g/cm^3", "K spring 23000 g cm^2/(s^2 rad)",
        "petiole 0 cm", "mu_air air_viscosity 0.000186 g/(cm s)", "F 0 44300 dyn", "xdot0, ydot0 -1500 1500 cm/s",
        "input thetadot0 \\dot{\\theta}_i rad/s", "batch 128 4096", "optimiser adam rmsprop",
    ):  # fmt: skip
        assert row.split() in rows
    assert (tmp_path / "moth.png").stat().st_size > 10_000
