import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mothsim import controllers
from mothsim.controllers.evaluation.envelope import EnvelopeFlights, fly_envelope
from mothsim.controllers.learning.levenberg_marquardt import RegressionTask
from mothsim.controllers.minimal_networks.requirements import REQUIREMENTS, SELECTION, TEST, Envelope, Loss, NearHover
from mothsim.controllers.minimal_networks.search import find_minimum, path
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network
from mothsim.demos.reproduce.fewest_weights import FewestWeights

ROOT = Path(__file__).parents[3]


class Quick(Loss):
    """A lesson and a goal of moments."""

    hidden = (4,)

    def task(self, seed: int) -> RegressionTask:
        whole = super().task(seed)
        return RegressionTask(whole.inputs[:700], whole.outputs[:700], whole.output_weights)

    def measure(self, network: Network, seed: int) -> dict[str, float]:
        return {"loss": self.task(seed).cost(network)}

    def met(self, measures: dict[str, float]) -> bool:
        return measures["loss"] <= 0.02


def weights(folder: Path) -> list[list[np.ndarray]]:
    return [list(network.weights) for network in path(folder)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Network]:
    folder = tmp_path_factory.mktemp("quick")
    network = find_minimum(Quick(), 0, folder / "surgeon-0")
    assert network is not None
    return folder / "surgeon-0", network


def test_a_network_is_pruned_to_its_goal(whole: tuple[Path, Network]) -> None:
    folder, network = whole
    assert 5 < network.connections < 40
    assert Quick().met(Quick().measure(network, TEST))
    counts = [one.connections for one in path(folder)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 10 * 4 + 4 * 7
    last = path(folder)[-1]
    assert last.info["measures"] == Quick().measure(last, SELECTION)


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_in_the_same_bits(whole: tuple[Path, Network], tmp_path: Path) -> None:
    folder = tmp_path / "surgeon-0"
    code = (
        "from pathlib import Path; from tests.controllers.minimal_networks.test_search import Quick;"
        f"from mothsim.controllers.minimal_networks.search import find_minimum;"
        f" find_minimum(Quick(), 0, Path({str(folder)!r}))"
    )
    for seen in ("first-0.safetensors", "*/0*.safetensors", "*/002*.safetensors"):
        killed = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
        while killed.poll() is None and not list(tmp_path.glob(seen)):
            time.sleep(0.01)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    for one, other in zip(weights(whole[0]), weights(folder), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_goals_by_hand() -> None:
    assert REQUIREMENTS["loss"].met({"loss": 1e-3})
    assert not REQUIREMENTS["loss"].met({"loss": 1.01e-3})
    gentle = {"hover_cm": 0.05, "sum_of_primes_cm": 0.1, "lost": 0.0}
    assert NearHover().met(gentle)
    for worse in ({"hover_cm": 0.051}, {"sum_of_primes_cm": 0.11}, {"lost": 0.01}):
        assert not NearHover().met({**gentle, **worse})
    flown = {"worst_cm": 0.15, "lost": 0.001, "recovered": 0.9, "dense_recovered": 0.9}
    assert Envelope().met(flown)
    for worse in ({"worst_cm": 0.16}, {"lost": 0.002}, {"recovered": 0.8}):
        assert not Envelope().met({**flown, **worse})
    flights = EnvelopeFlights((("a", 0.1, 0.0), ("b", 0.2, 0.0), ("c", 0.1, 0.1), ("d", float("inf"), 1.0)), 1.0)
    assert flights.flown == 0.25
    assert flights.worst == float("inf")
    assert flights.lost == pytest.approx(1.1 / 4)


def test_lqr_flies_the_envelope_and_a_network_of_upright_segments_half_of_it() -> None:
    lqr = fly_envelope(lambda: controllers.make("lqr"), angles=8, speeds=2, moths=2, back=10)
    assert (lqr.flown, lqr.recovered) == (1.0, 1.0)
    assert [name for name, *_ in lqr.manoeuvres][:2] == ["hover at -180.0 deg", "hover at -135.0 deg"]
    dense = find_network("dense")
    flights = fly_envelope(lambda: controllers.make("inverse-model", network=dense), angles=4, speeds=0, back=2)
    lost = {name: share for name, _, share in flights.manoeuvres}
    assert lost["hover at 90.0 deg"] == 0
    assert lost["hover at -90.0 deg"] == 1


@pytest.mark.slow
def test_the_shipped_few_do_what_they_are_shipped_for() -> None:
    assert NearHover().met(NearHover().measure(find_network("fewest"), TEST))
    assert Envelope().met(Envelope().measure(find_network("compact"), TEST))


def test_the_command_draws_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setitem(REQUIREMENTS, "loss", Quick())
    monkeypatch.setattr(Quick, "dense", ((2,),))
    FewestWeights(("loss",), (0,), ("surgeon", "magnitude"), workers=1, out=tmp_path, json=True).run()
    surgeon, magnitude, dense = json.loads(capsys.readouterr().out)["fewest"]
    assert surgeon["met"] == magnitude["met"] == [True]
    assert max(surgeon["weights"] + magnitude["weights"]) < 40
    assert dense["weights"] == []
    assert (tmp_path / "fewest.png").stat().st_size > 5000
    assert len((tmp_path / "fewest.csv").read_text().splitlines()) > 10
