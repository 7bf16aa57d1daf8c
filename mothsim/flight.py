"""The closed loop: a controller, a target, and many moths at once."""

from __future__ import annotations

import inspect
import math
import threading
import time as clock
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mothsim.actuation import applied
from mothsim.angles import with_possible_bends
from mothsim.body import MothBody
from mothsim.disturbances import Disturbances, DisturbanceSampler
from mothsim.flight_arguments import check_arguments, checked_starts, chosen_disturbances
from mothsim.perturbations import Perturbation, make_perturbation
from mothsim.progress import ProgressBar
from mothsim.solver.propagate import LONGEST, SEGMENT
from mothsim.step import advance, distance, is_lost
from mothsim.trajectories import Function, Trajectory, make_trajectory
from mothsim.trim import find_trim

Array = NDArray[np.floating]

SETTLE = 0.5
"""Measures count from here on, s."""


@dataclass(frozen=True)
class Task:
    """The flight that a controller prepares for.

    Attributes:
        trajectory: the target, known ahead.
        body: the nominal body, which may differ from the one that flies.
        duration: of the flight, s.
        seeds: one random stream a moth, `len(seeds)` moths.
    """

    trajectory: Trajectory
    body: MothBody
    duration: float
    seeds: tuple[np.random.SeedSequence, ...]


class Controller(Protocol):
    """Closed-loop controller of N moths at once, which decides every `period` seconds."""

    period: float

    def reset(self, task: Task) -> None:
        """Prepare for a flight."""
        ...

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8) at `time` s, in the project's units; cut to the body's limits after.

        The states are a copy, which the controller may change.
        """
        ...


@dataclass(frozen=True)
class Flight:
    """The record of a flight, one row a decision; with N > 1 moths every array has a leading axis of N.

    Attributes:
        trajectory, body: the target, and the moth's own body.
        times: (T,) of the decisions, s.
        states: (T, 8) at those times; NaN after a moth is lost.
        controls: (T, 4) as applied.
        errors: (T,) distance of the pin joint from the target, cm.
        lost: whether a state was not finite or farther from the target than its `lost_distance`; it ends the flight.
        decision_seconds: median wall time of a decision, for all moths.
        wall_seconds: wall time of the flight, from its first decision on.
    """

    trajectory: Trajectory
    body: MothBody
    times: Array
    states: Array
    controls: Array
    errors: Array
    lost: NDArray[np.bool_]
    decision_seconds: float
    wall_seconds: float

    @property
    def rms_error(self) -> Array:
        """Root mean square error after the first 0.5 s, cm; infinite for the lost."""
        return np.where(self.lost, np.inf, np.sqrt(np.mean(self.errors[..., self.settled] ** 2, axis=-1)))[()]

    @property
    def max_error(self) -> Array:
        """Largest error after the first 0.5 s, cm; infinite for the lost."""
        return np.where(self.lost, np.inf, np.max(self.errors[..., self.settled], axis=-1))[()]

    @property
    def settled(self) -> NDArray[np.bool_] | slice:
        """Index of the decisions that measures count: those after 0.5 s, or all of a shorter flight."""
        late = self.times > SETTLE - 1e-6 * self.period  # a float32's period too
        return late if late.any() else slice(None)

    @property
    def period(self) -> float:
        """Seconds from decision to decision; of a flight of one decision a segment's."""
        return float(self.times[1] - self.times[0]) if len(self.times) > 1 else SEGMENT

    @property
    def targets(self) -> Array:
        """(T, 2) target positions at the decisions, cm."""
        return self.trajectory.position(self.times)

    @property
    def realtime_factor(self) -> float:
        """Seconds flown, over all moths and of each until it was lost, a second of wall time."""
        return float(np.isfinite(self.errors).sum() * self.period / self.wall_seconds)

    def moth(self, index: int) -> Flight:
        """One moth's flight out of many."""
        if self.states.ndim == 2:
            raise ValueError("moth: this flight has a single moth")
        return Flight(
            self.trajectory, self.body, self.times, self.states[index], self.controls[index], self.errors[index],
            self.lost[index], self.decision_seconds, self.wall_seconds,
        )  # fmt: skip


def by_moth(flights: Mapping[str, Flight]) -> dict[str, Flight]:
    """Flights of one moth each, by name: those of many moths numbered, `name #0` and so on."""
    single: dict[str, Flight] = {}
    for name, flight in flights.items():
        if flight.states.ndim == 2:
            single[name] = flight
        else:
            single |= {f"{name} #{i}": flight.moth(i) for i in range(len(flight.states))}
    return single


def random_starts(
    trajectory: Trajectory, body: MothBody, seeds: Sequence[np.random.SeedSequence], scale: float = 1.0
) -> Array:
    """Starts (N, 8) about `steady_start`, uniform within `scale` times the trajectory's `start_spread`.

    A bend that no body has gives way to the nearest one, see `mothsim.angles.with_possible_bends`.
    """
    draws = [np.random.default_rng(seed).uniform(-1, 1, 8) for seed in seeds]
    spread = scale * np.array(trajectory.start_spread)
    return with_possible_bends(steady_start(trajectory, body) + spread * np.array(draws))


def steady_start(trajectory: Trajectory, body: MothBody, time: float = 0.0) -> Array:
    """The state (8,) of trim at the target's position and body angle, at first or at another time, s.

    At rest, or at the target's velocity where the trajectory is `starts_moving`.
    """
    xdot, ydot = trajectory.velocity(time).tolist() if trajectory.starts_moving else (0.0, 0.0)
    start = find_trim(body, float(trajectory.angle(time)), (xdot, ydot)).state.copy()
    start[:2] = trajectory.position(time)
    return start


def moth_seeds(seed: int, count: int) -> tuple[list[np.random.SeedSequence], tuple[np.random.SeedSequence, ...]]:
    """The random streams of a flight's moths: those of their starts and those of their controllers."""
    pairs = [np.random.SeedSequence(seed, spawn_key=(i,)).spawn(2) for i in range(count)]
    return [pair[0] for pair in pairs], tuple(pair[1] for pair in pairs)


def decisions(duration: float, period: float) -> int:
    """How many decisions a flight of `duration` s has, one every `period` s."""
    return max(1, round(duration / period))


def whole_periods(duration: float, period: float) -> float:
    """The duration, s, rounded to whole periods of decisions; warns where that changes it."""
    rounded = decisions(duration, period) * period
    if math.isclose(rounded, duration, rel_tol=1e-6):  # a float32's duration too
        return duration
    warnings.warn(f"duration = {duration:g} s is rounded to {rounded:g} s, whole periods of {period:g} s", stacklevel=3)
    return rounded


def fly(
    controller: Controller,
    trajectory: Trajectory | str | Path | Function = "hover",
    *,
    duration: float = 10.0,
    seed: int = 0,
    moths: int | None = None,
    body: MothBody | None = None,
    nominal_body: MothBody | None = None,
    perturbation: Perturbation | Mapping[str, Any] | str = "nominal",
    disturbances: Disturbances | None = None,
    starts: ArrayLike | None = None,
    start_scale: float = 1.0,
    rtol: float = 1e-6,
    progress: bool = False,
) -> Flight:
    """Fly a controller along a trajectory, from decision to decision.

    Args:
        controller: see `Controller`; it flies one flight at a time.
        trajectory: a `Trajectory`, or what `make_trajectory` takes; of files see `Trajectory.for_flight` too.
        duration: s; rounded, with a warning, to whole periods of the controller.
        seed: fixes starts and every random stream; moth i of many has the flight it has alone.
        moths: how many fly, each from its own random start; by default one, as single arrays.
        body: by default the one that the controller is for, its `default_body`, if it names one; else Zahn et al.'s.
        nominal_body: the body that the controller plans with, and about whose trim moths start; by default `body`.
        perturbation: such as `delay 20 ms, size 0.9`, see `mothsim.perturbations.make_perturbation`: noise, delay and
            gusts, and another body that flies, where the controller plans with `nominal_body`.
        disturbances: noise, delay, gusts and a drink in absolute units, instead of the perturbation's.
        starts: (N, 8) or (8,) start states instead of random ones; a turn of theta or phi alone is refused.
        start_scale: times the spread of random starts, see `Trajectory`.
        rtol: the engine's tolerance.
        progress: show a bar on standard error.

    Raises:
        ValueError: an argument out of range, no controller, one that is flying at the moment, or whose controls have
            the wrong shape or are no numbers for any moth at first. A moth whose control is no number is lost.
    """
    check_controller(controller)
    perturbation = make_perturbation(perturbation)
    disturbances = chosen_disturbances(disturbances, perturbation)
    check_arguments(controller.period, duration, seed, moths, start_scale, body=body, nominal_body=nominal_body)
    known: MothBody = body or getattr(controller, "default_body", MothBody())
    duration = whole_periods(duration, controller.period)
    target = trajectory if isinstance(trajectory, Trajectory) else make_trajectory(trajectory)
    trajectory = target.for_flight(duration)
    spread = perturbation.start_scale * start_scale
    fixed = None if starts is None else checked_starts(starts, moths, spread)
    single = moths is None and (starts is None or np.ndim(starts) == 1)
    count = (moths or 1) if fixed is None else len(fixed)
    start_seeds, seeds = moth_seeds(seed, count)
    nominal, body = nominal_body or known, perturbation.body(known)
    states = random_starts(trajectory, nominal, start_seeds, spread) if fixed is None else fixed
    with _in_use(controller):
        controller.reset(Task(trajectory, nominal, duration, seeds))
        sampler = DisturbanceSampler(disturbances, _keys(seed, count), controller.period)
        began = clock.perf_counter()
        record = _loop(controller, trajectory, body, states, sampler, duration, rtol, progress)
        flight = Flight(trajectory, body, *record, wall_seconds=clock.perf_counter() - began)
    return flight.moth(0) if single else flight


def _keys(seed: int, count: int) -> NDArray[np.uint64]:
    """Keys (N,) of the moths' disturbances, beside their streams in `moth_seeds`."""
    streams = [np.random.SeedSequence(seed, spawn_key=(i, 2)) for i in range(count)]
    return np.array([stream.generate_state(1, np.uint64)[0] for stream in streams])


def check_controller(controller: Any) -> None:
    """Check that an object is a controller, see `Controller`.

    Raises:
        ValueError: it is a class, or lacks a method or the period, which is at most that of the engine's segments.
    """
    if inspect.isclass(controller):
        raise ValueError(f"controller = {controller!r}: expected an instance, not the class itself; call it first")
    if isinstance(controller, str):
        raise ValueError(
            f"controller = {controller!r}: expected a controller; mothsim.controllers.make makes one of a name"
        )
    for name in ("reset", "control"):
        if not callable(getattr(controller, name, None)):
            raise ValueError(f"controller = {controller!r}: expected a method {name}, see mothsim.Controller")
    period = getattr(controller, "period", None)
    if not (isinstance(period, (int, float, np.number)) and 0 < period <= LONGEST):
        raise ValueError(
            f"controller.period = {period!r}: expected seconds above zero, at most {LONGEST:g}, see mothsim.Controller"
        )


_IN_FLIGHT: set[int] = set()
_LOCK = threading.Lock()


@contextmanager
def _in_use(controller: Controller) -> Iterator[None]:
    """Keep a controller to one flight at a time: it remembers its flight from `reset` on."""
    key = id(controller)
    with _LOCK:
        if key in _IN_FLIGHT:
            raise ValueError(f"controller = {controller!r} is flying in another thread: expected one for each flight")
        _IN_FLIGHT.add(key)
    try:
        yield
    finally:
        with _LOCK:
            _IN_FLIGHT.discard(key)


def _decide(controller: Controller, states: Array, time: float) -> Array:
    """Controls (N, 4) of a controller, which gets a copy of the states (N, 8) and may change it."""
    given = controller.control(states.copy(), time)
    try:
        controls = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"controller.control gave {given!r}: expected numbers {(len(states), 4)}") from None
    if controls.shape != (len(states), 4):
        raise ValueError(f"controller.control gave shape {controls.shape}: expected {(len(states), 4)}")
    return controls


def _check_first(controls: Array, states: Array) -> None:
    """Refuse a controller that has no number for any moth: it is broken, and the moths are not lost."""
    sound = np.isfinite(states).all(axis=1)
    if sound.any() and not np.isfinite(controls[sound]).all(axis=1).any():
        raise ValueError(
            f"controller.control gave {controls[sound][0]} for {states[sound][0]}: expected finite numbers"
        )


def _loop(
    controller: Controller,
    trajectory: Trajectory,
    body: MothBody,
    states: Array,
    sampler: DisturbanceSampler,
    duration: float,
    rtol: float,
    progress: bool,
) -> tuple[Array, Array, Array, Array, NDArray[np.bool_], float]:
    """The loop itself; lost moths stay in the batch as they were, so that their neighbours see no change."""
    count, steps = len(states), decisions(duration, controller.period)
    times: Array = np.arange(steps, dtype=np.float64) * controller.period
    targets = trajectory.position(np.append(times, steps * controller.period))
    all_states = np.full((count, steps, 8), np.nan)
    all_controls = np.full((count, steps, 4), np.nan)
    errors = np.full((count, steps), np.nan)
    limit = trajectory.lost_distance
    lost = is_lost(states, targets[0], limit)
    deciding = []
    for step in ProgressBar(range(steps), desc="flying", unit="decision", disable=not progress, leave=False):
        shown = sampler.measured_state(states, step)
        began = clock.perf_counter()
        controls = _decide(controller, shown, float(times[step]))
        if step == 0:
            _check_first(controls, shown)
        deciding.append(clock.perf_counter() - began)
        controls = applied(controls, body)
        flying = ~lost
        all_states[flying, step] = states[flying]
        all_controls[flying, step] = controls[flying]
        errors[flying, step] = distance(states[flying], targets[step])
        after, gone = advance(states, controls, targets[step + 1], limit, body=sampler.body(body, step),
                              duration=controller.period, rtol=rtol, wind=sampler.wind(step))  # fmt: skip
        lost |= gone
        states = np.where(lost[:, None], states, after)
        if lost.all():
            break
    return times, all_states, all_controls, errors, lost, float(np.median(deciding))
