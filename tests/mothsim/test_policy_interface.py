"""What a policy observes: worked by hand, the same in NumPy and JAX, and blind to whole turns and to where it is."""

import math
from importlib import import_module

import numpy as np
import pytest

from mothsim import MothBody, make_trajectory
from mothsim.policy_interface import (
    ENTRIES,
    GRAVITY_ENTRIES,
    OUTPUT_ENTRIES,
    PREVIEW,
    PolicyTarget,
    departures,
    observe,
    observed_motion,
    observed_up,
    preview,
    softened,
    to_control_components,
)

BODY = MothBody()
UPRIGHT = np.array([0.0, 0.0, math.pi / 2, 1.5 * math.pi, 0.0, 0.0, 0.0, 0.0])
TRIM = np.array([BODY.weight, 0.0, 0.0])
STILL = PolicyTarget(np.zeros(2), np.zeros(2), np.zeros((len(PREVIEW), 2)), UPRIGHT[2:4], TRIM)


def some_states(count: int = 40) -> np.ndarray:
    return UPRIGHT + np.random.default_rng(0).normal(size=(count, 8)) * [3, 3, 0.5, 0.5, 50, 50, 8, 8]


def test_by_hand() -> None:
    state = UPRIGHT + np.array([3.0, 0.0, 0.0, 0.1, 0.0, 15.0, 5.0, 5.0])
    seen = observe(state[None], STILL)[0]
    assert seen.shape == (len(ENTRIES),)
    # Head up, the target 3 cm to the left lies 3 cm across the body, which is turned a quarter.
    assert seen[:2] == pytest.approx([0.0, 3.0 / math.sqrt(1 + 9 / 25)], abs=1e-12)
    assert seen[2:4] == pytest.approx([1.0 / math.sqrt(1 + 0.01), 0.0], abs=1e-12)  # up at 15 cm/s is along the body
    assert seen[4:6] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert seen[6] == pytest.approx(0.3, rel=2e-3)
    assert seen[7:9] == pytest.approx([1.0, 0.0], rel=1e-2)
    assert not seen[9:].any()


def test_where_up_is_by_hand() -> None:
    tilted = UPRIGHT + np.array([0, 0, math.pi / 6, -math.pi / 2, 0, 0, 0, 0])
    seen = observe(tilted[None], STILL, gravity=True)[0]
    assert seen.shape == (len(ENTRIES) + len(GRAVITY_ENTRIES),)
    np.testing.assert_array_equal(seen[: len(ENTRIES)], observe(tilted[None], STILL)[0])
    # The head leans left by 30 degrees, so up lies to its right; the abdomen, held left, no longer points down.
    assert seen[len(ENTRIES) :] == pytest.approx([3 * (math.cos(math.pi / 6) - 1), -1.5, 3.0, -3.0], abs=1e-12)
    force = np.array([math.sin(tilted[2]), math.cos(tilted[2])]) * BODY.weight  # what would carry the weight
    assert seen[len(ENTRIES) : -2] == pytest.approx(3 * (force - TRIM[:2]) / BODY.weight)


def test_bounds_are_approached_and_not_passed() -> None:
    wild = some_states() + np.array([1e3, -1e3, 2.0, 30.0, 1e5, 1e5, 1e4, -1e4])
    far = STILL._replace(positions=np.full(2, 1e6), velocities=np.full(2, -1e6), ahead=np.full((len(PREVIEW), 2), 1e6))
    bounds = np.array([entry.bound for entry in (*ENTRIES, *GRAVITY_ENTRIES)])
    assert (np.abs(observe(wild, far, gravity=True)) <= bounds * (1 + 1e-12)).all()


@pytest.mark.parametrize("turns", [-2, 1])
def test_whole_turns_and_places_are_not_seen(turns: int) -> None:
    states = some_states()
    moved = states + math.tau * turns * np.eye(8)[2] + math.tau * turns * np.eye(8)[3] + [7, -9, 0, 0, 0, 0, 0, 0]
    there = STILL._replace(positions=np.array([7.0, -9.0]))
    assert observe(moved, there, gravity=True) == pytest.approx(observe(states, STILL, gravity=True), abs=1e-9)


def test_bits_do_not_depend_on_who_else_is_observed() -> None:
    target = preview(make_trajectory("figure-eight"), BODY, 0.02, 50).at(7)
    states, outputs = some_states(101), np.random.default_rng(1).normal(size=(101, 3))
    together, asked = observe(states, target), to_control_components(outputs, target.trims, BODY)
    for i in range(0, 101, 20):
        np.testing.assert_array_equal(observe(states[i : i + 1], target)[0], together[i])
        np.testing.assert_array_equal(to_control_components(outputs[i : i + 1], target.trims, BODY)[0], asked[i])


def test_a_target_of_each_moth_is_one_of_all() -> None:
    target = preview(make_trajectory("figure-eight", angle=1.2), BODY, 0.02, 50)
    states, decisions = some_states(3), np.array([4, 9, 30])
    outputs = np.random.default_rng(1).normal(size=(3, 3))
    each = target.at(decisions)
    seen, asked = observe(states, each), to_control_components(outputs, each.trims, BODY)
    for i, decision in enumerate(decisions):
        one = target.at(decision)
        np.testing.assert_array_equal(seen[i], observe(states[i : i + 1], one)[0])
        np.testing.assert_array_equal(asked[i], to_control_components(outputs[i : i + 1], one.trims, BODY)[0])


def test_jax_observes_the_same() -> None:
    import jax.numpy as jnp

    target = preview(make_trajectory("figure-eight"), BODY, 0.02, 50)
    assert target.ahead.shape == (50, len(PREVIEW), 2)
    shown, states = target.at(7), some_states()
    theirs = observe(jnp.asarray(states), PolicyTarget(*(jnp.asarray(each) for each in shown)), jnp, True)
    np.testing.assert_allclose(theirs, observe(states, shown, gravity=True), atol=2e-4)
    outputs = np.random.default_rng(1).normal(size=(20, 3)) * 4
    np.testing.assert_allclose(
        to_control_components(jnp.asarray(outputs), jnp.asarray(TRIM), BODY, jnp),
        to_control_components(outputs, TRIM, BODY), rtol=1e-4, atol=0.1,
    )  # fmt: skip


def test_numba_observes_and_acts_the_same() -> None:
    from mothsim.solver.compiled import kernel

    import_module("mothsim.solver.lanes")  # where compiled code's square root is

    @kernel
    def compiled(numbers, outputs):
        asked = departures(outputs[0], outputs[1], outputs[2], 4e4, 1e5)
        return observed_motion(*numbers), observed_up(*numbers[:4]), asked

    numbers = tuple(np.random.default_rng(0).normal(size=11))
    outputs = (0.3, -0.7, 1.9)
    seen, up, asked = compiled(numbers, outputs)
    np.testing.assert_allclose(up, observed_up(*map(np.float64, numbers[:4])), rtol=1e-14)
    np.testing.assert_allclose(seen, observed_motion(*map(np.float64, numbers)), rtol=1e-14)
    np.testing.assert_allclose(asked, departures(outputs[0], outputs[1], outputs[2], 4e4, 1e5), rtol=1e-14)


def test_the_preview_is_the_mean_velocity_that_comes() -> None:
    trajectory = make_trajectory("sine")
    target = preview(trajectory, BODY, 0.02, 30)
    times = 0.02 * (12 + np.array([16, 24]))
    ends = trajectory.position(times)
    expected = (ends[1] - ends[0]) / 0.16 - trajectory.velocity(0.24)
    np.testing.assert_allclose(target.ahead[12, PREVIEW.index(24)], expected, atol=1e-12)


@pytest.mark.parametrize("angle", [math.pi / 2, math.pi / 4])
def test_at_trim_nothing_is_seen_and_no_output_asks_for_trim(angle: float) -> None:
    from mothsim.actuation import from_components
    from mothsim.trim import find_trim

    trim = find_trim(BODY, angle)
    target = preview(make_trajectory("hover", angle=angle), BODY, 0.02, 3).at(0)
    assert observe(trim.state[None], target, gravity=True) == pytest.approx(
        np.zeros((1, len(ENTRIES) + len(GRAVITY_ENTRIES))), abs=1e-12
    )
    asked = np.append(to_control_components(np.zeros((1, 3)), target.trims, BODY)[0], 0.0)
    np.testing.assert_allclose(from_components(asked), trim.control, rtol=1e-12, atol=1e-9)


def test_outputs_are_even_about_trim_and_keep_to_the_limits() -> None:
    units = np.array([entry.scale for entry in OUTPUT_ENTRIES])
    small = to_control_components(np.full((1, 3), 0.01), TRIM, BODY)[0]
    np.testing.assert_allclose(small - TRIM, 0.01 * units, rtol=1e-4)
    wild = to_control_components(np.random.default_rng(0).normal(size=(100, 3)) * 1e3, TRIM, BODY)
    assert np.hypot(wild[:, 0], wild[:, 1]).max() <= BODY.force_limit
    assert np.abs(wild[:, 2]).max() <= BODY.abdomen_torque_limit
    numb = to_control_components(np.ones((1, 3)), TRIM, MothBody(abdomen_torque_limit=0.0))
    np.testing.assert_allclose(numb[0, 2], 0.0, atol=1e-5)


def test_softening_keeps_small_numbers_and_bounds_large_ones() -> None:
    assert softened(1e-6, 2.0) == pytest.approx(1e-6, rel=1e-9)
    assert softened(1e9, 2.0) == pytest.approx(2.0)
