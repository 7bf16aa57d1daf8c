"""Iterative LQR: a feasible flight along a target, and the linear-quadratic regulator about it.

A moth may be unable to follow a target exactly: with three controls it must tilt to accelerate sideways. So a feasible
flight is computed first, states with the controls that reach them, by Gauss-Newton: the tracking regulator about one
flight is simulated with the engine, which gives the next flight (iterative LQR: Li and Todorov 2004, ICINCO). The first
regulator is the one about trim.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components, limited, to_components
from mothsim.body import MothBody
from mothsim.controllers.guidance.lqr_weights import LQRWeights, quadratic_costs
from mothsim.controllers.guidance.reference import MOTION, approach_curves, choose_approach_time, reference_states
from mothsim.flight import SETTLE
from mothsim.progress import ProgressBar
from mothsim.solver.propagate import SEGMENT, propagate
from mothsim.step import is_lost
from mothsim.trajectories import Trajectory
from mothsim.trim import Linearisation, find_trim, linearise, segment_slopes

Array = NDArray[np.floating]

_TIGHTNESS = (1.0, 3.0, 10.0)
"""Factors by which the position deviation is tightened, iteration by iteration; the last at once would tumble."""
_SETTLING = 0.3
"""Factor on the position weight while moths from violent starts approach the flight; with 1 they would tumble."""
_FLIGHTS, _GAIN = 8, 0.01
"""Maximum number of iterations, and the share by which each must lower the best cost so far."""


@dataclass(frozen=True)
class Costs:
    """Quadratic costs over T segments: diagonals of states `q` (T, 8) and controls `r` (m,), final state `p` (8, 8)."""

    q: Array
    r: Array
    p: Array


@dataclass(frozen=True)
class TrackingLQR:
    """Linear-quadratic tracking about a flight of T segments: `u = controls[t] - feedback[t] (s - states[t])`.

    Attributes:
        states: (T + 1, 8) of the flight.
        controls: (T, 4) components, see `mothsim.actuation`.
        costs: that the regulator minimises.
        feedback: (T, m, 8), with m = 3 controls, or 4 with wing torque.
        costate_gain: (T, m, 8), from the costate of a segment's end to its control.
        input_gain: (T, m, m), from a desired change of a control to the change that is applied.
        costate_map: (T, 8, 8), the costate from a segment's end to its beginning.
    """

    states: Array
    controls: Array
    costs: Costs
    feedback: Array
    costate_gain: Array
    input_gain: Array
    costate_map: Array

    def feedforward(self, offsets: Array, inputs: Array | None = None) -> Array:
        """Compute the feedforward (N, L, m) with which N moths follow offsets (N, L + 1, 8) from the flight.

        Args:
            offsets: desired state minus the state of the flight, from its first state on; the last one stays.
            inputs: (N, L, m), desired changes of the controls; by default zero.
        """
        length, width = offsets.shape[1] - 1, self.feedback.shape[1]
        inputs = np.zeros((len(offsets), length, width)) if inputs is None else inputs
        added = np.empty_like(inputs)
        costate = rowwise_matvec(self.costs.p, offsets[:, length])
        for t in range(length - 1, -1, -1):
            added[:, t] = rowwise_matvec(self.costate_gain[t], costate) + rowwise_matvec(
                self.input_gain[t], inputs[:, t]
            )
            costate = self.costs.q[t] * offsets[:, t] + rowwise_matvec(self.costate_map[t], costate)
            costate -= rowwise_matvec(self.feedback[t].T, self.costs.r * inputs[:, t])
        return added


def rowwise_matvec(matrix: Array, rows: Array) -> Array:
    """Multiply a matrix with every row, summed row by row, so that no bit depends on the number of rows."""
    return (rows[:, None, :] * matrix).sum(axis=2)


def tracking_lqr(states: Array, controls: Array, a: Array, b: Array, costs: Costs) -> TrackingLQR:
    """Compute the tracking regulator about a flight by the Riccati recursion from its end.

    Args:
        states: (T + 1, 8).
        controls: (T, 4) components.
        a: state Jacobians of its segments (T, 8, 8).
        b: input Jacobians of its segments (T, 8, 4).
        costs: of deviations from it.
    """
    count, width = len(controls), len(costs.r)
    feedback, costate_gain = np.empty((2, count, width, 8))
    input_gain, costate_map = np.empty((count, width, width)), np.empty((count, 8, 8))
    p, r = costs.p, np.diag(costs.r)
    for t in range(count - 1, -1, -1):
        bt = b[t, :, :width].T
        inverse = np.linalg.inv(r + bt @ p @ bt.T)
        costate_gain[t], input_gain[t] = inverse @ bt, inverse @ r
        feedback[t] = costate_gain[t] @ p @ a[t]
        closed = a[t] - bt.T @ feedback[t]
        costate_map[t] = closed.T
        p = np.diag(costs.q[t]) + feedback[t].T @ r @ feedback[t] + closed.T @ p @ closed
    return TrackingLQR(states, controls, costs, feedback, costate_gain, input_gain, costate_map)


def fly_lqr(law: TrackingLQR, feedforward: Array, start: Array, body: MothBody) -> tuple[Array, Array]:
    """Simulate a regulator with a feedforward (T, m) from `start` (8,); returns states (T + 1, 8), controls (T, 4)."""
    states, controls = np.empty_like(law.states), law.controls.copy()
    states[0] = start
    for t, (control, feedback) in enumerate(zip(controls, law.feedback, strict=True)):
        control[: len(feedback)] += feedforward[t] - feedback @ (states[t] - law.states[t])
        applied = limited(from_components(control), body)
        control[:] = to_components(applied)
        states[t + 1] = propagate(states[t], applied, body=body).states
    return states, controls


@lru_cache(maxsize=128)
def ilqr(trajectory: Trajectory, body: MothBody, weights: LQRWeights, segments: int) -> TrackingLQR:
    """Compute a feasible flight along a trajectory from rest, and the regulator about it, over so many segments.

    Where none is found, the regulator is about the target itself, with the controls of the linear model.

    Raises:
        ValueError: the body has no trim at a body angle of the trajectory.
    """
    trim = find_trim(body, float(trajectory.angle(0.0)))
    linear = linearise(body, trim)
    target = reference_states(trajectory, body, SEGMENT * np.arange(segments + 1))
    target = target if trajectory.starts_moving else _eased(target)
    states, controls = target, np.tile(to_components(trim.control), (segments, 1))
    a, b = np.tile(linear.a, (segments, 1, 1)), np.tile(linear.b, (segments, 1, 1))
    if (target != target[0]).any():  # a target at rest is feasible as it is
        steps = [_costs(linear, weights, body, segments, tightness) for tightness in _TIGHTNESS]
        still = tracking_lqr(np.tile(trim.state, (segments + 1, 1)), controls, a, b, steps[0])
        states, controls, a, b = _feasible(still, target, a, b, steps, body, trajectory.lost_distance)
    costs = _costs(linear, weights, body, segments, 1.0)
    late = (
        choose_approach_time(np.array(trajectory.start_spread)[MOTION], weights.approach_time) - weights.approach_time
    )
    costs.q[: round(late / SEGMENT), :2] *= _SETTLING**2
    return tracking_lqr(states, controls, a, b, costs)


def _feasible(
    law: TrackingLQR, target: Array, a: Array, b: Array, steps: list[Costs], body: MothBody, limit: float
) -> tuple[Array, Array, Array, Array]:
    """Find a feasible flight by Gauss-Newton; returns states (T + 1, 8), controls (T, 4) and Jacobians `a`, `b`.

    Args:
        law: regulator about trim.
        target: desired states (T + 1, 8); the desired controls are those of trim.
        a: state Jacobians about trim (T, 8, 8).
        b: input Jacobians about trim (T, 8, 4).
        steps: costs of the first iterations; the last holds for all that follow.
        body: of the moth.
        limit: distance from the target beyond which a flight is lost, cm.
    """
    hover, width = law.controls, law.feedback.shape[1]
    controls = hover.copy()
    controls[:, :width] += _following(law, target, hover)
    controls[:, :width] -= np.einsum("tms,ts->tm", law.feedback, (target - law.states)[:-1])
    states, best = target, np.inf
    for flight in ProgressBar(
        range(1, _FLIGHTS + 1), desc="planning", unit="flight", leave=False, delay=2.0, disable=None
    ):
        flown = fly_lqr(law, _following(law, target, hover), target[0], body)
        lost = is_lost(flown[0], target[:, :2], limit).any()
        cost = np.inf if lost else _cost(*flown, target, hover, steps[-1])
        if not cost < best * (1 - _GAIN):
            break
        (states, controls), best = flown, cost
        a, b = segment_slopes(body, states[:-1], controls)
        law = tracking_lqr(states, controls, a, b, steps[min(flight, len(steps) - 1)])
    return states, controls, a, b


def _eased(target: Array) -> Array:
    """Return the target (T + 1, 8) started from rest along a quintic, at full speed by the time that errors count."""
    still, slowing = approach_curves(SETTLE, np.arange(len(target)))[:, [0, 2], 0].T[..., None]
    eased, away = target.copy(), target[:, :2] - target[0, :2]
    eased[:, :2] -= still * away
    eased[:, 4:6] -= still * target[:, 4:6] + slowing * away
    return eased


def _costs(linear: Linearisation, weights: LQRWeights, body: MothBody, segments: int, tightness: float) -> Costs:
    """Return the costs of the weights with the position deviation divided by `tightness`."""
    width = 4 if body.wing_torque_limit > 0 else 3
    costs = quadratic_costs(linear, replace(weights, position=weights.position / tightness), width)
    return Costs(np.tile(np.diag(costs.q), (segments, 1)), np.diag(costs.r), costs.p)


def _following(law: TrackingLQR, target: Array, hover: Array) -> Array:
    """Return the feedforward (T, m) along a target (T + 1, 8), with the hover controls as desired controls."""
    width = law.feedback.shape[1]
    return law.feedforward((target - law.states)[None], (hover - law.controls)[None, :, :width])[0]


def _cost(states: Array, controls: Array, target: Array, hover: Array, costs: Costs) -> float:
    away, push = states - target, (controls - hover)[:, : len(costs.r)]
    return float((away[:-1] ** 2 * costs.q).sum() + (push**2 * costs.r).sum() + away[-1] @ costs.p @ away[-1])
