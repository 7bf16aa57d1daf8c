import numpy as np
import pytest

from mothsim import MothBody, make_trajectory, propagate
from mothsim.actuation import from_components, limited
from mothsim.controllers.guidance.ilqr import Costs, ilqr, tracking_lqr
from mothsim.controllers.guidance.lqr_weights import LQRWeights, quadratic_costs
from mothsim.controllers.guidance.reference import reference_states
from mothsim.trim import find_trim, linearise

BODY = MothBody()


def test_law_and_lead_are_the_best_there_are() -> None:
    """Against the same least squares in one piece: controls of all segments as the unknowns."""
    rng = np.random.default_rng(0)
    length, width = 5, 3
    a, b = 0.4 * rng.standard_normal((length, 8, 8)), rng.standard_normal((length, 8, 4))
    costs = Costs(rng.uniform(0.5, 2, (length, 8)), rng.uniform(0.5, 2, width), np.eye(8))
    law = tracking_lqr(np.zeros((length + 1, 8)), np.zeros((length, 4)), a, b, costs)
    offsets, inputs = rng.standard_normal((length + 1, 8)), rng.standard_normal((length, width))
    start = rng.standard_normal(8)

    feedforward = law.feedforward(offsets[None], inputs[None])[0]
    state, controls = start, []
    for t in range(length):
        controls.append(feedforward[t] - law.feedback[t] @ state)
        state = a[t] @ state + b[t, :, :width] @ controls[-1]

    free, forced = [start], [np.zeros((8, length * width))]
    for t in range(length):
        free.append(a[t] @ free[-1])
        forced.append(a[t] @ forced[-1])
        forced[-1][:, t * width : (t + 1) * width] += b[t, :, :width]
    roots = [*np.sqrt(costs.q), np.ones(8)]
    rows = [root[:, None] * push for root, push in zip(roots, forced, strict=True)]
    wanted = [root * (offset - coast) for root, offset, coast in zip(roots, offsets, free, strict=True)]
    effort = np.sqrt(np.tile(costs.r, length))
    system = np.concatenate([*rows, np.diag(effort)])
    best = np.linalg.lstsq(system, np.concatenate([*wanted, effort * inputs.ravel()]), rcond=None)[0]
    assert np.concatenate(controls) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("task", ["figure-eight", "forward", "sum-of-primes", "step"])
def test_a_plan_is_a_flight_and_meets_its_target(task: str) -> None:
    trajectory = make_trajectory(task)
    law = ilqr(trajectory, BODY, LQRWeights(), 250)
    controls = from_components(law.controls)
    assert propagate(law.states[:-1], controls).states == pytest.approx(law.states[1:], abs=1e-6)
    assert limited(controls, BODY) == pytest.approx(controls)
    target = reference_states(trajectory, BODY, 0.02 * np.arange(251))
    missed = np.hypot(*(law.states - target)[25:, :2].T)
    assert np.sqrt(np.mean(missed**2)) < 0.01


def test_a_plan_begins_at_rest() -> None:
    law = ilqr(make_trajectory("figure-eight"), BODY, LQRWeights(), 100)
    assert law.states[0] == pytest.approx(find_trim(BODY).state)


def test_hovering_is_planned_as_trim_under_the_usual_law() -> None:
    law = ilqr(make_trajectory("hover"), BODY, LQRWeights(), 60)
    trim = find_trim(BODY)
    usual = quadratic_costs(linearise(BODY, trim), LQRWeights(), 3).feedback
    assert np.array_equal(law.states, np.tile(trim.state, (61, 1)))
    assert law.feedback == pytest.approx(np.tile(usual, (60, 1, 1)), rel=1e-6, abs=1e-6)
    # Violent starts are drawn in less urgently, while they last.
    softer = ilqr(make_trajectory("recover"), BODY, LQRWeights(), 120).feedback
    assert np.abs(softer[0, :, :2]).max() < 0.6 * np.abs(usual[:, :2]).max()
    assert softer[-1] == pytest.approx(usual, rel=1e-6, abs=1e-6)


def test_what_cannot_be_flown_is_followed_as_a_linear_moth_would() -> None:
    weights = LQRWeights(position=1e-3)  # so stiff that the moth tumbles
    trajectory = make_trajectory("figure-eight")
    law = ilqr(trajectory, BODY, weights, 100)
    target = reference_states(trajectory, BODY, 0.02 * np.arange(101))
    assert np.array_equal(law.states[30:], target[30:])
    assert np.isfinite(law.controls).all()


def test_equal_targets_are_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ilqr(make_trajectory("forward"), BODY, LQRWeights(), 40)
    monkeypatch.setattr("mothsim.controllers.guidance.ilqr.tracking_lqr", None)
    ilqr(make_trajectory("forward"), BODY, LQRWeights(), 40)
    with pytest.raises(TypeError):
        ilqr(make_trajectory("forward", 1.5), BODY, LQRWeights(), 40)


def test_a_body_without_trim_is_refused() -> None:
    with pytest.raises(ValueError, match="beyond the body's"):
        ilqr(make_trajectory("sine", 1.0), MothBody(abdomen_torque_limit=10.0), LQRWeights(), 40)
