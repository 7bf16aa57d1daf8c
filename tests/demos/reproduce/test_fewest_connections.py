"""Every linear policy of two connections is tried, and printed with what it connects."""

import pytest

from mothsim.demos.reproduce.fewest_connections import FewestConnections


def test_sets_are_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    FewestConnections(connections=(2,), shown=1).run()
    first, second = capsys.readouterr().out.splitlines()
    assert first == "2 connections: 9 sets, 0 of a spectral radius below 0.999"
    assert "target - joint, across -> " in second
