"""Sampling model predictive control, the core that its methods share: sample, roll out, weigh, shift.

At every decision a method samples K plans of H controls about its warm-started plan, the engine rolls them out
segment by segment, all moths and samples in one call, their costs weigh them into the next plan, its first control
is flown, and the rest of the plan is kept. The plan's missing end comes from the cost's own law, for `tracking` a
linear-quadratic one (`mothsim.controllers.mpc.costs`): sampling starts from that and betters it by simulation. A method
says what it samples and how it weighs. There is no integral action: the model is trusted.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.mpc.costs import Cost, make_cost
from mothsim.flight import Task
from mothsim.solver.compiled import kernel
from mothsim.solver.propagate import SEGMENT, propagate

Array = NDArray[np.floating]

RTOL = 1e-4
"""Tolerance of rollouts."""
MAX_PLOTTED = 100
"""Plans of a decision that are kept for pictures."""
_POINTS = 5  # of a plotted path, a segment
_REST = np.array([0, 0, 0, np.pi, 0, 0, 0, 0], dtype=np.float64)  # stands in for rows that have failed


@kernel
def polar(plans, centre, axes, force_limit, torque_limit, wing_limit):
    """Controls (M, 4) within limits of plans (M, m): `mothsim.actuation`'s, in one pass and row by row."""
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
    """A sampling method; subclasses `update_plan`, and may sample otherwise.

    Plans (N, H, m) are in the cost's coordinates, in which its noise is round: see `mothsim.controllers.mpc.costs`.

    Args:
        cost: what a plan costs: `tracking`, `bustamante2022`, or a `Cost`.
        num_samples: K, plans a round; the first is the warm-started plan itself.
        horizon: H, segments of 20 ms.
        iterations: of sampling and weighing a decision.
        noise_std: standard deviation of the noise in the first round, in the cost's coordinates.
        noise_decay: of the spread from a round to the next.

    Attributes:
        fallbacks: (N,) decisions in which no plan could be rolled out, so that trim was flown.
        sampled_paths: with `keep_rollouts`, a decision each: the first moth's plans as paths (S, P, 2), cm.

    Raises:
        ValueError: an unknown cost, or a number out of range.
    """

    period = SEGMENT
    keep_rollouts = False

    def __init__(
        self, cost: str | Cost, *, num_samples: int, horizon: int, iterations: int, noise_std: float, noise_decay: float
    ) -> None:
        for name, value in (("num_samples", num_samples), ("horizon", horizon), ("iterations", iterations)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} = {value!r}: expected a whole number of one or more")
        for name, value in (("noise_std", noise_std), ("noise_decay", noise_decay)):
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} = {value!r}: expected a number above zero")
        self.cost = make_cost(cost) if isinstance(cost, str) else cost
        self.num_samples, self.horizon, self.iterations = num_samples, horizon, iterations
        self.noise_std, self.noise_decay = noise_std, noise_decay

    @property
    def segments(self) -> int:
        """How many segments a decision rolls out for one moth."""
        return self.num_samples * self.horizon * self.iterations

    def reset(self, task: Task) -> None:
        """Start every moth without a plan, on its own random stream.

        Raises:
            ValueError: see the cost.
        """
        body = self.body = task.body
        self.limits = (body.force_limit, body.abdomen_torque_limit, body.wing_torque_limit)
        self.cost.reset(task)
        self.random = [np.random.Generator(np.random.SFC64(seed)) for seed in task.seeds]
        self.plan = np.empty((len(task.seeds), 0, len(self.cost.axes)))
        self.fallbacks = np.zeros(len(task.seeds), dtype=np.int64)
        self.sampled_paths: list[Array] = []

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8): the first of the plan, or trim where no plan could be rolled out."""
        sound = np.asarray(np.isfinite(states).all(axis=1))
        states = np.where(sound[:, None], states, _REST)
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

    def shift(self, states: Array, time: float) -> None:
        """Fill the plan up to the horizon by the cost's own law, from where it leads; all of it at the start."""
        ends = states
        for step in range(self.horizon):
            at = time + step * SEGMENT
            if step == self.plan.shape[1]:
                self.plan = np.concatenate([self.plan, self.cost.nominal_control(ends, at)[:, None]], axis=1)
            if step + 1 < self.horizon:
                ends, _ = self.advance(ends, self.controls(self.plan[:, step]))

    def sample(self, number: int) -> Array:
        """Plans (N, K, H, m) of a round: the plan itself, then the plan and noise."""
        return self.plan[:, None] + self.noise_std * self.noise_decay**number * self.noise()

    def noise(self) -> Array:
        """Normal noise (N, K, H, m), each moth's of its own stream; none for the first plan."""
        noise = np.array([random.standard_normal((self.num_samples, *self.plan.shape[1:])) for random in self.random])
        noise[:, 0] = 0.0
        return noise

    def controls(self, plans: Array) -> Array:
        """Controls (..., 4), within the body's limits, of plans' coordinates (..., m)."""
        rows = np.ascontiguousarray(plans).reshape(-1, plans.shape[-1])
        return polar(rows, self.cost.centre, self.cost.axes, *self.limits).reshape(*plans.shape[:-1], 4)

    def roll_out(self, states: Array, plans: Array, time: float) -> Array:
        """Costs (N, K) of plans (N, K, H, m) flown from states (N, 8) at `time`; infinite where one failed."""
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
        """Ends (M, 8) of a segment, at rest where it could not be solved, and whether it could, (M,)."""
        flown = propagate(states, controls, body=self.body, duration=SEGMENT, rtol=RTOL)
        if not flown.success.all():
            flown.states[~flown.success] = _REST
        return flown.states, flown.success

    @abstractmethod
    def update_plan(self, plans: Array, costs: Array) -> Array:
        """The next plans (N, H, m), of plans (N, K, H, m) and costs (N, K); free where a moth's are all infinite."""

    def _paths(self, state: Array, plans: Array) -> Array:
        """Paths (S, P, 2) of the joint under plans (S, H, m)."""
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
    """Of plans (N, K, H, m) the ones (N, H, m) of least cost (N, K)."""
    return plans[np.arange(len(plans)), costs.argmin(axis=1)]
