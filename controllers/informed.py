"""Compensation of known delay and noise around any controller: an extended Kalman filter, then prediction to now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import applied, to_components
from mothsim.disturbances import Disturbances
from mothsim.flight import Array, Controller, Task
from mothsim.solver.jacobians import jacobians
from mothsim.solver.propagate import propagate

_MODEL_ERROR = 0.02  # of the noise's standard deviations, what the filter allows the engine to err a decision
_INSTANT = 1e-9  # s


class Informed:
    """A controller that knows the delay and the noise of the states it is given, and no other disturbance.

    It remembers the controls that it gave. An extended Kalman filter with the engine's Jacobians estimates the state
    that was measured, and the engine carries the estimate through the delay to now: what the controller then decides
    by. Both fly the body that the controller plans with.

    Args:
        controller: decides.
        disturbances: their delay and sensor noise are known; gusts cannot be known in advance.
    """

    def __init__(self, controller: Controller, disturbances: Disturbances) -> None:
        self.controller, self.period = controller, controller.period
        self._delay, self._noise = disturbances.delay, np.array(disturbances.sensor_noise)

    def reset(self, task: Task) -> None:
        """Prepare the controller, and forget the last flight."""
        self.controller.reset(task)
        self._body = task.body
        self._flown: list[Array] = []
        self._at_decisions: list[Array] = []
        self._estimate: Array | None = None
        self._covariance = np.empty(0)
        self._seen_at = 0.0

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8) as they were measured a delay ago."""
        seen_at = max(0.0, time - self._delay)
        states = states + self._off_line(seen_at)
        estimate = self._filtered(states, seen_at) if len(self._noise) else states
        now = estimate
        for controls, duration in self._controls_between(seen_at, time):
            now = propagate(now, controls, body=self._body, duration=duration).states
        now = np.where(np.isfinite(now).all(axis=1, keepdims=True), now, states)
        self._at_decisions.append(now)
        decided = self.controller.control(now, time)
        self._flown.append(applied(decided, self._body))
        return decided

    def _off_line(self, time: float) -> Array | float:
        """What the engine's flight (N, 8) is off the straight line between two decisions, which a delay shows."""
        last = int((time + _INSTANT) / self.period)
        into = time - last * self.period
        if into < _INSTANT:
            return 0.0
        start, controls = self._at_decisions[last], self._flown[last]
        part, whole = (propagate(start, controls, body=self._body, duration=duration).states
                       for duration in (into, self.period))  # fmt: skip
        off = part - start - into / self.period * (whole - start)
        return np.where(np.isfinite(off).all(axis=1, keepdims=True), off, 0.0)

    def _controls_between(self, first: float, last: float) -> list[tuple[Array, float]]:
        """Controls (N, 4) that were given between two times, s, and for how long, in order."""
        parts = []
        for i, controls in enumerate(self._flown):
            duration = min(last, (i + 1) * self.period) - max(first, i * self.period)
            if duration > _INSTANT:
                parts.append((controls, duration))
        return parts

    def _filtered(self, measured: Array, seen_at: float) -> Array:
        """States (N, 8) at the time of measurement, estimated from all measurements so far."""
        noise = np.diag(self._noise**2)
        if self._estimate is None:
            self._estimate, self._covariance = measured, np.repeat(noise[None], len(measured), axis=0)
            return measured
        if seen_at - self._seen_at < _INSTANT:  # the start, which is shown until the delay is over
            return self._estimate
        predicted, covariance = self._estimate, self._covariance
        for controls, duration in self._controls_between(self._seen_at, seen_at):
            components = to_components(controls)[:, :3]
            predicted, slopes, _ = jacobians(predicted, components, body=self._body, duration=duration)
            covariance = _products(_products(slopes, covariance), np.swapaxes(slopes, 1, 2))
        covariance = covariance + _MODEL_ERROR**2 * noise
        finite: NDArray[np.bool_] = np.isfinite(np.concatenate([predicted[:, None], covariance], axis=1))
        sound = np.array([row.all() for row in finite])
        predicted = np.where(sound[:, None], predicted, measured)
        covariance = np.where(sound[:, None, None], covariance, noise)
        gain = np.swapaxes(np.linalg.solve(covariance + noise + 1e-12 * np.eye(8), covariance), 1, 2)
        self._estimate = predicted + _products(gain, (measured - predicted)[..., None])[..., 0]
        self._covariance = covariance - _products(gain, covariance)
        self._seen_at = seen_at
        return self._estimate


def _products(first: Array, second: Array) -> Array:
    """Products of matrices (N, i, j) and (N, j, k), added in one order, whatever N is."""
    total = first[:, :, :1] * second[:, :1]
    for j in range(1, first.shape[2]):
        total = total + first[:, :, j : j + 1] * second[:, j : j + 1]
    return total
