"""Nonlinear MPC: how closely it tracks, that it keeps within the limits, and that moths do not touch each other."""

import dataclasses
import sys

import numpy as np
import pytest

import mothsim
from mothsim.controllers import make
from mothsim.flight import Task, moth_seeds, steady_start
from mothsim.metrics import recovered

pytest.importorskip("piqp", reason="the extra [mpc] is not installed")


@pytest.mark.parametrize(("task", "most"), [("hover", 0.004), ("sum-of-primes", 0.005), ("figure-eight", 0.005)])
def test_it_tracks_closely(task: str, most: float) -> None:
    controller = make("nmpc")
    flight = mothsim.fly(controller, task, duration=2.0, moths=3, seed=1)
    assert flight.rms_error.max() < most
    assert not controller.fallbacks.any()  # pyright: ignore[reportAttributeAccessIssue]


def test_every_moth_recovers() -> None:
    assert recovered(mothsim.fly(make("nmpc"), "recover", duration=2.5, moths=20, seed=2)).all()


def test_a_plan_keeps_within_limits_that_bind() -> None:
    """With little more than its weight to push with, plans lie on the limit, and the moth recovers all the same."""
    body = dataclasses.replace(mothsim.MothBody(), force_limit=3200.0, abdomen_torque_limit=2e4)
    controller = make("nmpc")
    controller.reset(Task(mothsim.make_trajectory("hover"), body, 1.0, moth_seeds(0, 1)[1]))
    low = steady_start(mothsim.make_trajectory("hover"), body) - [0.0, 3.0, 0.0, 0.0, 0.0, 50.0, 0.0, 0.0]
    controller.control(low[None], 0.0)
    controls = controller._controls[0]  # pyright: ignore[reportAttributeAccessIssue]
    force = np.hypot(*controls[:, :2].T)
    assert force[:3].min() > 3200.0 * np.cos(np.pi / 12) * (1 - 1e-6)  # on the polygon's side, or in a corner
    assert force.max() < 3200.0 * (1 + 1e-6)
    assert np.abs(controls[:, 2]).max() < 2e4 * (1 + 1e-6)
    flight = mothsim.fly(make("nmpc"), "hover", duration=2.5, starts=low, body=body)
    assert flight.errors[-1] < 0.01


def test_a_moth_plans_alone_as_in_company() -> None:
    together = mothsim.fly(make("nmpc"), "recover", duration=0.3, moths=3, seed=5)
    alone = mothsim.fly(make("nmpc"), "recover", duration=0.3, seed=5)
    np.testing.assert_array_equal(together.states[0], alone.states)


def test_a_moth_that_cannot_be_planned_for_gets_trim() -> None:
    controller = make("nmpc", horizon=5)
    target = mothsim.make_trajectory("hover")
    body = mothsim.MothBody()
    controller.reset(Task(target, body, 1.0, moth_seeds(0, 2)[1]))
    states = np.tile(steady_start(target, body), (2, 1))
    states[1, 4] = np.nan
    np.testing.assert_allclose(controller.control(states, 0.0)[1], mothsim.find_trim(body).control, atol=1e-9)
    assert controller.fallbacks.tolist() == [0, 1]  # pyright: ignore[reportAttributeAccessIssue]


def test_what_it_needs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="horizon = 1"):
        make("nmpc", horizon=1)
    monkeypatch.setitem(sys.modules, "piqp", None)
    with pytest.raises(ValueError, match=r'nmpc needs a solver: pip install "mothsim\[mpc\]"'):
        make("nmpc")
