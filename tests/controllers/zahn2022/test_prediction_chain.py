import numpy as np
import pytest

from mothsim.actuation import to_components
from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.zahn2022 import prediction_chain
from mothsim.controllers.zahn2022.prediction_chain import chain_lengths, chain_table, reference_flight
from mothsim.flight import Flight


@pytest.fixture(scope="module")
def flight() -> Flight:
    return reference_flight(20, seed=1, segments=25)


def test_a_network_that_knew_it_all_flies_to_the_end(flight: Flight, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers with the flight's own controls and velocities, in the outputs' order."""
    steps = iter(range(25))

    def knows(inputs: np.ndarray) -> np.ndarray:
        step = next(steps)
        assert inputs[:, 6:] == pytest.approx(flight.states[:, step][:, [4, 5, 7, 6]])
        controls = to_components(flight.controls[:, step])[:, :3]
        return np.concatenate([controls, flight.states[:, step + 1][:, [4, 5, 7, 6]]], axis=1)

    monkeypatch.setattr(prediction_chain, "CompiledNetwork", lambda network: knows)
    assert (chain_lengths(find_network("small"), flight) == 25).all()


def test_a_network_that_knows_nothing_is_off_soon(flight: Flight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_chain, "CompiledNetwork", lambda network: lambda inputs: np.zeros((len(inputs), 7)))
    lengths = chain_lengths(find_network("small"), flight)
    # Half g t^2 is 1 cm after 45 ms.
    assert np.median(lengths) == pytest.approx(2, abs=1)


def test_chains_of_shipped_networks(flight: Flight) -> None:
    lengths = {name: np.median(chain_lengths(find_network(name), flight)) for name in ("dense", "small")}
    assert 3 <= lengths["small"] <= lengths["dense"] < 25
    rows = chain_table([(name, find_network(name)) for name in ("small", "dense")], starts=3)
    assert [row["network"] for row in rows] == ["dense", "small"]
    assert rows[0]["segments_low"] <= rows[0]["segments"] <= rows[0]["segments_high"]


def test_a_flight_of_one_moth_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(N, T, 8\)"):
        chain_lengths(find_network("small"), reference_flight(2, segments=5).moth(0))
