"""Policies fly alone: no engine, no linearisation and no plan between reset and the end of a flight."""

import numpy as np
import pytest

import mothsim
from mothsim import controllers
from mothsim.controllers.evaluation.envelope import fly_envelope
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import find_network, load_network, save_network, shipped_networks
from mothsim.controllers.policies.policy_training import PolicySettings, init_policy
from mothsim.controllers.policy import Policy
from mothsim.flight import Task
from mothsim.metrics import effort, recovered
from mothsim.policy_interface import ENTRIES
from mothsim.trajectories import NAMES
from mothsim.trim import find_trim

SHIPPED = [name for name, file in shipped_networks().items() if load_network(file).kind == "policy"]


def some_policy(hidden: tuple[int, ...] = (5,)) -> Network:
    return init_policy(PolicySettings(hidden=hidden, seed=3))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_fly(name: str) -> None:
    controller = controllers.make("policy", network=name)
    for task in NAMES:
        flights = mothsim.fly(controller, task, duration=3.0, moths=5, seed=0)
        assert not flights.lost.any(), task
        if task == "recover":
            assert recovered(flights).all()
        elif task != "step":
            assert np.median(flights.rms_error) < 0.25, task


def test_the_dense_one_tracks_closely() -> None:
    controller = controllers.make("policy", network="alone")
    for task, most in (("hover", 0.01), ("sum-of-primes", 0.03), ("figure-eight", 0.03), ("forward", 0.015)):
        assert np.median(mothsim.fly(controller, task, duration=4.0, moths=10, seed=1).rms_error) < most, task


def test_the_dense_one_holds_its_place_on_bodies_of_another_weight() -> None:
    controller = controllers.make("policy", network="alone")
    for perturbation, most in (("size 1.1", 0.12), ("abdomen mass 1.5", 0.12), ("size 0.9", 0.2), ("size 1.25", 6.0)):
        flights = mothsim.fly(controller, "hover", duration=4.0, moths=10, seed=1, perturbation=perturbation)
        assert not flights.lost.any()
        assert np.median(flights.rms_error) < most, perturbation


def test_the_dense_one_takes_little_force() -> None:
    dense, lqr = controllers.make("policy", network="alone"), controllers.make("lqr")
    for task, most in (("hover", 2.2), ("step", 2.0), ("forward", 1.3), ("recover", 1.9)):
        ours, theirs = (mothsim.fly(each, task, duration=4.0, moths=10, seed=1) for each in (dense, lqr))
        assert np.median(effort(ours)) < most * np.median(effort(theirs)), task


def test_twelve_connections_hold_every_body_angle() -> None:
    """At twelve of the envelope's angles, level and upside down too, and in its fastest cruises."""
    flown = fly_envelope(lambda: Policy("envelope-12"), angles=12, speeds=2, moths=4, back=20)
    assert (flown.flown, flown.lost, flown.recovered) == (1.0, 0.0, 1.0)


def test_nothing_but_the_network_runs_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    """From reset on the engine, trim, linearisation, LQR and plans raise."""
    import mothsim.controllers.guidance.ilqr as ilqr
    import mothsim.controllers.guidance.lq_tracking as lq_tracking
    import mothsim.controllers.guidance.reference as reference
    import mothsim.policy_interface as interface
    import mothsim.solver.propagate as engine
    import mothsim.trim as trim

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("called in flight")

    controller = Policy("alone")
    trajectory, body = mothsim.make_trajectory("figure-eight"), mothsim.MothBody()
    states = find_trim(body).state + np.random.default_rng(0).normal(size=(7, 8)) * 0.1
    for module in (ilqr, lq_tracking, reference):
        for name, value in vars(module).items():
            if callable(value) and getattr(value, "__module__", "") == module.__name__:
                monkeypatch.setattr(module, name, refuse)
    for name in ("linearise", "segment_slopes"):
        monkeypatch.setattr(trim, name, refuse)
    monkeypatch.setattr(engine, "propagate", refuse)
    monkeypatch.setattr(engine, "_engine", refuse)
    controller.reset(Task(trajectory, body, 1.0, ()))
    monkeypatch.setattr(interface, "find_trim", refuse)
    for step in range(50):
        controls = controller.control(states, 0.02 * step)
        assert controls.shape == (7, 4)
        assert np.isfinite(controls).all()


def test_bits_do_not_depend_on_who_else_flies() -> None:
    controller = Policy(some_policy())
    together = mothsim.fly(controller, "figure-eight", duration=1.0, moths=21, seed=4)
    for moth in (0, 20):
        alone = mothsim.fly(controller, "figure-eight", duration=1.0, starts=together.states[moth, 0], seed=4)
        np.testing.assert_array_equal(alone.states, together.states[moth])


def test_whole_turns_are_not_noticed() -> None:
    controller = Policy("alone")
    start = find_trim(mothsim.MothBody()).state + np.array([0.5, -0.5, 0.1, -0.1, 5, 5, 1, 1])
    wound = start + 2 * np.pi * np.array([0, 0, 3, 3, 0, 0, 0, 0])
    plain, turned = (mothsim.fly(controller, "hover", duration=2.0, starts=each) for each in (start, wound))
    np.testing.assert_allclose(turned.errors, plain.errors, atol=1e-6)


def test_policies_are_files(tmp_path) -> None:
    network = some_policy((6, 4))
    save_network(network, tmp_path / "a.safetensors")
    again = load_network(tmp_path / "a.safetensors")
    assert again.kind == "policy"
    assert again.sizes == (len(ENTRIES), 6, 4, 3)
    controller = controllers.make("policy", network=tmp_path / "a.safetensors")
    assert not mothsim.fly(controller, "hover", duration=0.1, moths=3).lost.any()


def test_compiled_policies_are_the_networks() -> None:
    from mothsim.controllers.networks.sparse_inference import CompiledNetwork

    inputs = np.random.default_rng(0).normal(size=(40, len(ENTRIES)))
    for hidden in ((), (9,), (32, 32)):
        network = some_policy(hidden)
        compiled = CompiledNetwork(network)
        np.testing.assert_allclose(compiled(inputs), network(inputs), atol=1e-6)
        np.testing.assert_array_equal(compiled(inputs[:1]), compiled(inputs)[:1])


def test_what_is_no_policy_or_no_task_of_its_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 'policy'"):
        Policy("small")
    with pytest.raises(ValueError, match="expected 'inverse-model'"):
        controllers.make("inverse-model", network=some_policy())
    with pytest.raises(ValueError, match="expected 10 and 7"):
        Network(some_policy().weights, some_policy().biases, find_network("small").scaling)
    tilted = mothsim.make_trajectory("hover", angle=1.0)
    with pytest.raises(ValueError, match="rad off upright"):
        mothsim.fly(Policy(some_policy()), tilted, duration=1.0)
