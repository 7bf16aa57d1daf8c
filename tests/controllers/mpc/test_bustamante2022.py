"""Monte Carlo model predictive control as published: clocks, measures, and the published figures."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mothsim
from mothsim import MothBody, controllers, metrics
from mothsim.controllers.mpc.bustamante2022 import ANGLE, CASES, START, MonteCarlo, measures, published_flight
from mothsim.demos.reproduce.bustamante2022_table import MEASURES, PUBLISHED, PublishedMonteCarlo


def test_the_published_clocks() -> None:
    """The goal's clock falls 0.101 s behind in 2000 decisions."""
    controller = MonteCarlo(as_published=True)
    assert 2000 * controller.period == pytest.approx(10.101, abs=1e-3)
    assert 2000 * controller.period * controller.clock == pytest.approx(10.0)
    assert MonteCarlo().period == 0.005


def test_fa_follows_the_flower_and_repeats() -> None:
    flight = published_flight("fa", seed=1, decisions=60, as_published=False)
    assert np.array_equal(flight.states[0], START)
    assert flight.trajectory.angle(0.0) == ANGLE
    assert not flight.lost
    assert flight.errors.mean() < 0.6
    assert np.array_equal(flight.states, published_flight("fa", seed=1, decisions=60, as_published=False).states)
    found = measures(flight)
    assert found.tracking_error == pytest.approx(flight.errors.mean() / 5.6)
    assert found.work == pytest.approx(metrics.work_per_path(flight).mean() * 1e-4)
    as_published = measures(flight, as_published=True)
    assert as_published.work > found.work
    assert as_published.cost_of_transport > 3 * found.cost_of_transport


def test_treatments_are_bodies_and_u_leaves_the_wing_torque_alone() -> None:
    for treatment in ("fa", "fs", "ua", "us"):
        controller: Any = controllers.make("monte-carlo", treatment=treatment, num_samples=50)
        flight = mothsim.fly(controller, "hover", duration=0.05)
        assert flight.body == MothBody.bustamante2022(treatment)
        assert np.any(flight.controls[:, 3] != 0) == treatment.startswith("f")
    with pytest.raises(ValueError, match="treatment = 'xx'"):
        controllers.make("monte-carlo", treatment="xx")


def test_zahns_own_moth_is_lost() -> None:
    """`us` with torques of 1e5: one segment of random shooting cannot fly it; the fully actuated one stays."""
    assert MothBody.bustamante2022("us") == MothBody()
    flights = [published_flight("us", seed=seed, as_published=False) for seed in range(2)]
    assert all(flight.lost for flight in flights)
    assert all(np.isinf(measures(flight).tracking_error) for flight in flights)


def test_the_demo_resumes_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options: dict[str, Any] = {"cases": ("baseline", "own"), "length_scale": 1.5, "decisions": 6, "out": tmp_path}
    PublishedMonteCarlo(**options, moths=2, json=True).run()
    first = json.loads(capsys.readouterr().out)
    kept = (tmp_path / "baseline-fa.json").read_bytes()
    (tmp_path / "own-fa.json").unlink()
    PublishedMonteCarlo(**options, moths=2, json=True).run()
    assert json.loads(capsys.readouterr().out) == first
    assert (tmp_path / "baseline-fa.json").read_bytes() == kept
    PublishedMonteCarlo(**options, moths=3).run()
    text = capsys.readouterr().out
    assert "baseline (fa, sum-of-primes, 3 moths" in text
    assert "published 66.61" in text
    assert all(row[measure]["low"] <= row[measure]["high"] for row in first["cases"] for measure in MEASURES)


def test_the_seventeen_cases_are_two_tables_with_one_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Abdomen x 0.1, 1, 10 by spring x 0.1, 1, 10, and size x 0.5, 1, 2 by petiole + 0, 0.2, 0.4 of the body length."""
    bodies = {name: MothBody.bustamante2022("fa", **factors) for name, factors in CASES.items()}
    assert len(bodies) == len(set(map(repr, bodies.values()))) == 17
    assert bodies["baseline"] == MothBody.bustamante2022("fa")
    soft, longest = bodies["heavy-abdomen-soft-spring"], bodies["small-longest-petiole"]
    assert (soft.abdomen_density, soft.spring) == pytest.approx((4.0, 2300))
    assert (longest.length, longest.petiole) == pytest.approx((2.8, 1.12))
    PublishedMonteCarlo(cases=("all",), trajectory="hover", moths=2, decisions=2, out=tmp_path, json=True).run()
    shown = json.loads(capsys.readouterr().out)
    assert [row["case"] for row in shown["cases"]] == list(CASES)
    assert {row["work_mJ"]["published"] for row in shown["cases"]} == {None}


def test_it_hovers_and_tracks_a_sine() -> None:
    for trajectory in ("hover", "sine"):
        flight = published_flight("fa", seed=1, decisions=60, as_published=False, trajectory=trajectory)
        assert flight.trajectory.name == trajectory
        assert flight.errors.mean() < 0.6


def test_unknown_cases_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected one or more of light-abdomen-soft-spring, .*, own, all"):
        PublishedMonteCarlo(cases=("heavy",), out=tmp_path).run()
    with pytest.raises(ValueError, match=r"cases = \(\)"):
        PublishedMonteCarlo(cases=(), out=tmp_path).run()
    with pytest.raises(ValueError, match="moths = 1"):
        PublishedMonteCarlo(moths=1, out=tmp_path).run()


def test_cases_are_those_of_the_published_table(shared: Path) -> None:
    with (shared / "monte_carlo_mpc_published.csv").open(newline="") as stream:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(stream)]
    factors = ("abdomen_mass_factor", "spring_factor", "length_scale", "petiole_fraction")
    columns = ("nd_tracking_error_mean", "work_per_path_mJ_mean", "cost_of_transport_mean")
    for row, (name, published) in zip(rows, PUBLISHED.items(), strict=True):
        assert MothBody.bustamante2022("fa", **CASES[name]) == MothBody.bustamante2022(
            "fa", **{name: row[name] for name in factors}
        )
        assert published == tuple(row[name] for name in columns)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["light-abdomen", "baseline"])  # of four, by the hardest to fly
def test_the_published_figures(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Error and work within 3 %, cost of transport within 5 %, as far as eight moths tell (the command flies 40)."""
    PublishedMonteCarlo(cases=(case,), moths=8, out=tmp_path, json=True).run()
    row = json.loads(capsys.readouterr().out)["cases"][0]
    assert row["lost"] == 0
    for measure, share in zip(MEASURES, (0.03, 0.03, 0.05), strict=True):
        found = row[measure]
        assert found["low"] < found["published"] * (1 + share), measure
        assert found["high"] > found["published"] * (1 - share), measure
        assert found["high"] - found["low"] < 0.15 * found["published"], measure
