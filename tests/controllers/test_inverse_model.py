import math
from dataclasses import replace

import numpy as np
import pytest

from mothsim import MothBody, controllers, fly
from mothsim.controllers.guidance.lq_tracking import LQRWeights
from mothsim.controllers.guidance.stability import CONTROL_COST_SCALES, closed_loop_stability, select_lqr_weights
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.network_inputs import network_inputs
from mothsim.controllers.networks.storage import find_network, shipped_networks
from mothsim.trim import find_trim

# And `inverse-93`, which flies alone.
SHIPPED = ("dense", "sparse-93", "sparse-98", "small", "compact", "fewest")


def test_network_inputs_wrap_by_whole_turns() -> None:
    rng = np.random.default_rng(0)
    states, poses = rng.uniform(0, 2 * math.pi, (5, 8)), rng.uniform(-3, 9, (5, 4))
    turned, aimed = states.copy(), poses.copy()
    turned[:, [0, 1]] += 7.0
    aimed[:, [0, 1]] += 7.0
    turned[:, [2, 3]] -= 3 * math.tau
    aimed[:, [2, 3]] -= 3 * math.tau
    inputs = network_inputs(turned, aimed)
    assert inputs == pytest.approx(network_inputs(states, poses))
    assert inputs[:, 0] == pytest.approx(states[:, 3])
    assert inputs[:, 1] == pytest.approx(states[:, 2])
    assert inputs[:, [2, 3]] == pytest.approx(poses[:, [0, 1]] - states[:, [0, 1]])
    assert inputs[:, [4, 5]] == pytest.approx(poses[:, [3, 2]])
    assert inputs[:, 6:] == pytest.approx(states[:, [4, 5, 7, 6]])


def test_wrapping_does_not_wind_up_the_spring() -> None:
    """Upside down and straight, theta lies below 0 and phi above: moved apart by a turn, they would be another moth."""
    state = find_trim(MothBody(), -math.pi / 2).state[None]
    phi, theta = network_inputs(state, state[:, :4])[0, :2]
    assert phi - theta == pytest.approx(math.pi)


def test_seven_networks_are_shipped_and_small() -> None:
    files = {name: file for name, file in shipped_networks().items() if find_network(name).kind == "inverse-model"}
    assert {*SHIPPED, "inverse-93"} == set(files)
    assert sum(file.stat().st_size for file in files.values()) < 3e6
    counts = {name: find_network(name).connections for name in SHIPPED}
    assert counts == {
        "dense": 330_512,
        "sparse-93": 23_136,
        "sparse-98": 6_610,
        "small": 1_312,
        "compact": 260,
        "fewest": 6,
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_fly(name: str) -> None:
    hover = fly(InverseModel(name), "hover", duration=3.0, moths=8, seed=77)
    primes = fly(InverseModel(name), "sum-of-primes", duration=3.0, moths=8, seed=78)
    assert hover.lost.sum() + primes.lost.sum() == 0
    assert np.median(hover.rms_error) < 0.03
    assert np.median(primes.rms_error) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_fly_a_hundred_times(name: str) -> None:
    for task, duration, limit in (("hover", 5.0, 0.03), ("sum-of-primes", 10.0, 0.06)):
        flight = fly(InverseModel(name), task, duration=duration, moths=100, seed=4321)
        assert flight.lost.sum() == 0
        assert np.median(flight.rms_error) < limit


def test_raw_targets_lose_the_moth() -> None:
    flight = fly(InverseModel("small", waypoint="raw"), "hover", duration=2.0, moths=8, seed=1)
    assert flight.lost.all()


def test_a_moth_flies_alone_as_in_company() -> None:
    many = fly(InverseModel("small"), "sine", duration=0.5, moths=70, seed=3)
    alone = fly(InverseModel("small"), "sine", duration=0.5, seed=3)
    assert np.array_equal(many.moth(0).states, alone.states)


@pytest.mark.parametrize("name", SHIPPED)
def test_airworthiness_foretells_the_hover(name: str) -> None:
    """Without integral action a moth comes to rest at the fixed point of the linearised segment."""
    network, weights = find_network(name), LQRWeights(integral=0.0)
    verdict = closed_loop_stability(network, weights)
    assert verdict.stable
    flight = fly(InverseModel(network, weights), "hover", duration=4.0, moths=4, seed=5, start_scale=0.3)
    assert flight.lost.sum() == 0
    assert flight.errors[:, -1] == pytest.approx(verdict.offset, abs=0.02)


@pytest.mark.parametrize("name", SHIPPED)
def test_good_networks_fly_by_the_usual_guidance(name: str) -> None:
    assert select_lqr_weights(find_network(name), MothBody()) == LQRWeights()


def test_a_network_with_too_steep_a_slope_is_flown_gently() -> None:
    """The small network with its controls' slope a third too steep, and at trim the control that it had."""
    good, trim = find_network("small"), find_trim(MothBody()).state[None]
    at_trim = network_inputs(trim, trim[:, :4])
    steep = Network((*good.weights[:-1], np.float32(1.3) * good.weights[-1]), good.biases, good.scaling)
    span = good.scaling.output_max - good.scaling.output_min
    back = ((good(at_trim) - steep(at_trim))[0] / span).astype(np.float32)
    steep = Network(steep.weights, (*steep.biases[:-1], steep.biases[-1] + back), steep.scaling)
    gentle = select_lqr_weights(steep, MothBody())
    assert gentle.thrust < LQRWeights().thrust
    assert closed_loop_stability(steep, gentle).spectral_radius < 0.95 < closed_loop_stability(steep).spectral_radius
    assert fly(InverseModel(steep, LQRWeights()), "hover", duration=2.0, moths=4, seed=1).lost.all()
    assert fly(InverseModel(steep), "hover", duration=2.0, moths=4, seed=1).rms_error.max() < 0.05


def test_airworthiness_grounds_a_bad_network() -> None:
    good = find_network("small")
    weights = (*good.weights[:-1], 3 * good.weights[-1])
    bad = Network(weights, good.biases, good.scaling)
    verdict = closed_loop_stability(bad)
    assert verdict.spectral_radius > 1.7
    assert not verdict.stable
    assert fly(InverseModel(bad), "hover", duration=3.0, moths=4, seed=1).lost.all()


def degenerate(kind: str) -> Network:
    """The small network with dead controls, with a layer pruned to nothing, or with no weight at all."""
    good = find_network("small")
    layers = {"all": (0, 1, 2, 3), "first": (0,), "middle": (2,), "force": ()}.get(kind, ())
    weights = [np.zeros_like(w) if i in layers else w.copy() for i, w in enumerate(good.weights)]
    dead = {"controls": slice(0, 3), "force": 0}.get(kind)
    if dead is not None:
        weights[-1][:, dead] = 0
    return Network(tuple(weights), good.biases, good.scaling)


@pytest.mark.parametrize("kind", ["controls", "force", "all", "first", "middle"])
def test_a_degenerate_network_hovers_nowhere_and_is_lost(kind: str) -> None:
    network = degenerate(kind)
    found = closed_loop_stability(network)
    assert found.offset == math.inf
    assert math.isfinite(found.spectral_radius)
    assert not found.stable
    assert select_lqr_weights(network, MothBody()) in {weights_at(scale) for scale in CONTROL_COST_SCALES}
    assert fly(InverseModel(network), "hover", duration=3.0, moths=3, seed=1).lost.all()


def test_a_jacobian_that_overflows_is_unstable() -> None:
    good = find_network("small")
    huge = Network((*good.weights[:-1], good.weights[-1] * np.float32(1e36)), good.biases, good.scaling)
    assert not closed_loop_stability(huge).stable


def weights_at(scale: float) -> LQRWeights:
    usual = LQRWeights()
    return replace(usual, thrust=scale * usual.thrust, lift=scale * usual.lift, torque=scale * usual.torque)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"position": 0.0}, r"position = 0\.0: expected a finite number above zero"),
        ({"torque": math.nan}, "torque = nan"),
        ({"rate": -1.0}, r"rate = -1\.0"),
        ({"integral": -0.1}, r"integral = -0\.1: expected a finite number from zero on"),
        ({"preview": math.inf}, "preview = inf"),
        ({"approach_time": math.nan}, "approach_time = nan"),
    ],
)
def test_bad_weights_are_named(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LQRWeights(**options)


def test_the_stability_is_that_of_the_body_that_flies() -> None:
    controller = InverseModel("inverse-93")
    small = MothBody().scaled(0.8)
    assert controller.stability(body=MothBody()) == controller.stability()
    assert controller.stability().stable
    assert not controller.stability(body=small).stable
    assert fly(controller, "hover", duration=1.0, body=small).lost


@pytest.mark.parametrize(("name", "flies"), [("0.00", True), ("0.75", True), ("0.93", True), ("0.95", False)])
def test_the_authors_networks(shared, name: str, flies: bool) -> None:
    pytest.importorskip("h5py", reason="the extra [keras] is not installed")
    from mothsim.controllers.networks.keras_import import import_keras

    folder = shared / "published_networks"
    network = import_keras(folder / f"{name}.h5", folder / "scaling.json")
    assert closed_loop_stability(network).stable == flies
    hover = fly(InverseModel(network), "hover", duration=3.0, moths=6, seed=7)
    primes = fly(InverseModel(network), "sum-of-primes", duration=3.0, moths=6, seed=7)
    if not flies:
        assert hover.lost.all()
        assert primes.lost.all()
        return
    assert hover.lost.sum() + primes.lost.sum() == 0
    assert np.median(hover.rms_error) < 0.03
    assert np.median(primes.rms_error) < 0.06


def test_bad_options_are_named() -> None:
    with pytest.raises(ValueError, match="waypoint = 'sideways'"):
        controllers.make("inverse-model", network="small", waypoint="sideways")
    with pytest.raises(ValueError, match="compact, dense, envelope-12, fewest, inverse-93, robust, small"):
        controllers.make("inverse-model", network="nothing")
