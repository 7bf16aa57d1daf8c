"""Sampling model predictive control: the loop that MPPI, CEM and random shooting share.

At every decision a method samples K plans of H controls about its warm-started plan; the engine rolls them out
segment by segment, all moths and samples in one call; their costs give the updated plan, whose first control is
flown, and the rest is shifted to the next decision. The plan is extended to the horizon by the nominal control of the
cost, for `tracking` that of a linear-quadratic regulator (`mothsim.controllers.mpc.costs`). A method defines how plans
are sampled and how the plan is updated. There is no integral action: the model is assumed to be exact.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mothsim.angles import near
from mothsim.checks import as_count
from mothsim.controllers.mpc.costs import Cost, make_cost
from mothsim.flight import Task
from mothsim.solver.compiled import kernel
from mothsim.solver.propagate import SEGMENT, propagate

Array = NDArray[np.floating]

RTOL = 1e-4
"""Relative tolerance of rollouts."""
MAX_PLOTTED = 100
"""Number of plans of a decision that are kept for plots."""
_POINTS = 5  # of a plotted path, a segment
_REST = np.array([0, 0, 0, np.pi, 0, 0, 0, 0], dtype=np.float64)  # in place of rows that have failed


@kernel
def polar(plans, centre, axes, force_limit, torque_limit, wing_limit):
    """Convert plans (M, m) to controls (M, 4) within the limits, as `mothsim.actuation` does, in one pass."""
    controls = np.empty((len(plans), 4))
    for row in range(len(plans)):
        fx, fy, torque, wing = centre[0], centre[1], centre[2], centre[3]
        for i in range(len(axes)):
            fx += plans[row, i] * axes[i, 0]
            fy += plans[row, i] * axes[i, 1]
            torque += plans[row, i] * axes[i, 2]
            wing += plans[row, i] * axes[i, 3]
        controls[row, 0] = min(math.hypot(fx, fy), force_limit)
        controls[row, 1] = math.atan2(fy, fx) % math.tau
        controls[row, 2] = min(max(torque, -torque_limit), torque_limit)
        controls[row, 3] = min(max(wing, -wing_limit), wing_limit)
    return controls


class SamplingMPC(ABC):
    """A sampling method; subclasses define `update_plan`, and may override `sample`.

    Plans (N, H, m) are in the coordinates of the cost, in which the noise has the same deviation in every direction,
    see `mothsim.controllers.mpc.costs`.

    Args:
        cost: of a plan: `tracking`, `close-tracking`, `bustamante2022`, or a `Cost`.
        num_samples: K, plans sampled an iteration; the first is the warm-started plan itself.
        horizon: H, segments of 20 ms.
        iterations: of sampling and updating in each decision.
        noise_std: standard deviation of the noise in the first iteration, in the cost's coordinates.
        noise_decay: factor on the noise from one iteration to the next.

    Attributes:
        fallbacks: (N,) number of decisions in which no plan could be rolled out, so that trim was flown.
        sampled_paths: with `keep_rollouts`, for each decision the first moth's plans as paths (S, P, 2), cm.

    Raises:
        ValueError: an unknown cost, or a number out of range.
    """

    period = SEGMENT
    keep_rollouts = False
    turns_count_once = True  # a moth a whole turn on is the same moth

    def __init__(
        self, cost: str | Cost, *, num_samples: int, horizon: int, iterations: int, noise_std: float, noise_decay: float
    ) -> None:
        for name, value in (("num_samples", num_samples), ("horizon", horizon), ("iterations", iterations)):
            as_count(name, value)
        for name, value in (("noise_std", noise_std), ("noise_decay", noise_decay)):
            check_positive(name, value)
        self.cost = make_cost(cost) if isinstance(cost, str) else cost
        self.num_samples, self.horizon, self.iterations = num_samples, horizon, iterations
        self.noise_std, self.noise_decay = noise_std, noise_decay

    @property
    def segments(self) -> int:
        """Number of segments that a decision rolls out for one moth."""
        return self.num_samples * self.horizon * self.iterations

    def reset(self, task: Task) -> None:
        """Clear the plans, and give every moth its own random stream.

        Raises:
            ValueError: see the cost.
        """
        body = self.body = task.body
        self.limits = (body.force_limit, body.abdomen_torque_limit, body.wing_torque_limit)
        self.trajectory = task.trajectory
        self.cost.reset(task)
        self.random = [np.random.Generator(np.random.SFC64(seed)) for seed in task.seeds]
        self.plan = np.empty((len(task.seeds), 0, len(self.cost.axes)))
        self.fallbacks = np.zeros(len(task.seeds), dtype=np.int64)
        self.sampled_paths: list[Array] = []

    def control(self, states: Array, time: float) -> Array:
        """Return controls (N, 4) for states (N, 8): the plan's first, or trim where no plan could be rolled out."""
        sound = np.asarray(np.isfinite(states).all(axis=1))
        states = np.where(sound[:, None], states, _REST)
        if self.turns_count_once:
            states = near(states, self._upright(time))
        self.cost.begin(states, time)
        self.shift(states, time)
        found = np.zeros(len(states), dtype=np.bool_)
        for number in range(self.iterations):
            plans = self.sample(number)
            if self.keep_rollouts and number == 0:
                self.sampled_paths.append(self._paths(states[0], plans[0, :MAX_PLOTTED]))
            costs = self.roll_out(states, plans, time)
            valid = np.asarray(np.isfinite(costs).any(axis=1)) & sound
            self.plan = np.where(valid[:, None, None], self.update_plan(plans, costs), self.plan)
            found |= valid
        self.fallbacks += ~found
        controls = np.where(found[:, None], self.controls(self.plan[:, 0]), self.cost.trim)
        self.plan = np.where(found[:, None, None], self.plan, 0.0)[:, 1:]
        return controls

    def _upright(self, time: float) -> Array:
        """The state (8,) of a straight body at the target's angle, to which whole turns of a moth are counted."""
        state, angle = np.zeros(8), float(self.trajectory.angle(time))
        state[2:4] = angle, angle + np.pi
        return state

    def shift(self, states: Array, time: float) -> None:
        """Extend the plan to the horizon by the nominal control of the cost, from the plan's last state."""
        ends = states
        for step in range(self.horizon):
            at = time + step * SEGMENT
            if step == self.plan.shape[1]:
                self.plan = np.concatenate([self.plan, self.cost.nominal_control(ends, at)[:, None]], axis=1)
            if step + 1 < self.horizon:
                ends, _ = self.advance(ends, self.controls(self.plan[:, step]))

    def sample(self, number: int) -> Array:
        """Sample the plans (N, K, H, m) of an iteration: the plan itself, and the plan with noise."""
        return self.plan[:, None] + self.noise_std * self.noise_decay**number * self.noise()

    def noise(self) -> Array:
        """Draw normal noise (N, K, H, m) from each moth's own stream; the first plan has none."""
        noise = np.array([random.standard_normal((self.num_samples, *self.plan.shape[1:])) for random in self.random])
        noise[:, 0] = 0.0
        return noise

    def controls(self, plans: Array) -> Array:
        """Convert coordinates of plans (..., m) to controls (..., 4) within the body's limits."""
        rows = np.ascontiguousarray(plans).reshape(-1, plans.shape[-1])
        return polar(rows, self.cost.centre, self.cost.axes, *self.limits).reshape(*plans.shape[:-1], 4)

    def roll_out(self, states: Array, plans: Array, time: float) -> Array:
        """Return costs (N, K) of plans (N, K, H, m) flown from states (N, 8) at `time`; infinite where one failed."""
        count, num_samples, horizon, _ = plans.shape
        ends = np.repeat(states, num_samples, axis=0)
        costs = np.zeros((count, num_samples))
        for step in range(horizon):
            chosen = np.ascontiguousarray(plans[:, :, step])
            ends, solved = self.advance(ends, self.controls(chosen).reshape(-1, 4))
            costs[~solved.reshape(count, num_samples)] = np.inf
            at = time + (step + 1) * SEGMENT
            costs += self.cost(ends.reshape(count, num_samples, 8), chosen, at, last=step + 1 == horizon)
        return np.where(np.isfinite(costs), costs, np.inf)

    def advance(self, states: Array, controls: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Solve one segment: final states (M, 8), at rest where it failed, and whether it was solved (M,)."""
        flown = propagate(states, controls, body=self.body, duration=SEGMENT, rtol=RTOL)
        if not flown.success.all():
            flown.states[~flown.success] = _REST
        return flown.states, flown.success

    @abstractmethod
    def update_plan(self, plans: Array, costs: Array) -> Array:
        """Return the updated plans (N, H, m) from plans (N, K, H, m) and costs (N, K).

        Where all costs of a moth are infinite its row is not used.
        """

    def _paths(self, state: Array, plans: Array) -> Array:
        """Return the paths (S, P, 2) of the pin joint under plans (S, H, m), cm."""
        ends = np.tile(state, (len(plans), 1))
        paths = [ends[:, None, :2]]
        times = SEGMENT * np.arange(1, _POINTS + 1) / _POINTS
        for step in range(plans.shape[1]):
            flown = propagate(ends, self.controls(plans[:, step]), body=self.body, times=times, rtol=RTOL)
            assert flown.path is not None
            paths.append(flown.path[..., :2])
            ends = np.where(flown.success[:, None], flown.states, _REST)
        return np.concatenate(paths, axis=1)


def cheapest(plans: Array, costs: Array) -> Array:
    """Select from plans (N, K, H, m) those (N, H, m) of least cost (N, K)."""
    return plans[np.arange(len(plans)), costs.argmin(axis=1)]


def check_positive(name: str, value: Any) -> None:
    """Check an option.

    Raises:
        ValueError: it is not a finite number above zero.
    """
    if not isinstance(value, (int, float, np.number)) or not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} = {value!r}: expected a finite number above zero")
