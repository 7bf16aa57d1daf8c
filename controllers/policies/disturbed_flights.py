"""Long disturbed flights, of which a controller learns window by window: each begins where the last one ended.

Groups of moths fly together, on one body. A group's flight is drawn from the seed, the group and the step at which it
begins: targets, starts, and what it is disturbed by. Flights begin undisturbed early in training and are disturbed as
strongly as they will be later on. What goes wrong after seconds, such as an integral that drifts, is only seen so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components
from mothsim.body import MothBody
from mothsim.controllers.policies.policy_targets import draw_starts, draw_targets
from mothsim.disturbances import next_wind
from mothsim.perturbations import RANGES
from mothsim.policy_interface import PREVIEW, mean_velocities
from mothsim.solver.jacobians import jacobians
from mothsim.solver.propagate import SEGMENT, propagate
from mothsim.trim import find_trim

Array = NDArray[np.floating]

PAST = 3
"""Decisions of the past that a delay may show: 60 ms."""
LONGEST = 500  # decisions of a flight
_UNDISTURBED = 77  # of the stream that tells which groups are so: those of other draws are as without it
_LOST, _SPINNING = 25.0, 150.0  # cm and rad/s, beyond which the rest of a window counts for nothing
_TUMBLING = 100.0  # rad/s, beyond which a flight is not gone on with: windows should not begin hopeless


class Shown(NamedTuple):
    """A decision's targets, (B, 2) each.

    Attributes:
        position, velocity: now, cm and cm/s.
        following: position at the segment's end, cm.
        ahead: (B, K, 2) mean velocities over the times of the preview, cm/s.
    """

    position: Array
    velocity: Array
    following: Array
    ahead: Array


class InTraining(Protocol):
    """A controller that is being trained, as its flights ask it."""

    def first_memory(self, states: Array, positions: Array, velocities: Array) -> Any:
        """What it remembers, a tree of arrays (B, ...), where flights begin at states (B, 8) about targets (B, 2)."""
        ...

    def decide(self, sensed: Array, memory: Any, shown: Shown) -> tuple[Array, Array, Any]:
        """Components (B, 3), a record (B, ...) that the gradient needs, and what it remembers after."""
        ...

    def for_gradient(self, memory: Any) -> Any:
        """What the gradient needs of what it remembers."""
        ...


@dataclass(frozen=True)
class Disturbed:
    """By what flights are disturbed at most, each drawn for itself or for its group.

    Attributes:
        delay: s, up to 60 ms; half the flights have none.
        noise: standard deviation as a share of the range of random starts; half the flights have none.
        gusts: standard deviation of the wind, cm/s; half the flights have none.
        size, abdomen: factors of the lengths and of the abdomen's mass, and their inverses; a third of the groups fly
            the nominal body, the others differ in either or both.
        whole_delays: of the delays that are drawn half are the longest; or, for this, of one segment, two or three, as
            far as they go: shorter ones are harder for who expects the longest.
        undisturbed: share of the groups that nothing disturbs. Without them one flight in some thirty is undisturbed,
            and a policy comes less near its target where it could come nearest.
    """

    delay: float = 0.02
    noise: float = 0.06
    gusts: float = 350.0
    size: float = 1.28
    abdomen: float = 2.1
    whole_delays: bool = False
    undisturbed: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.undisturbed <= 1:
            raise ValueError(f"undisturbed = {self.undisturbed!r}: expected a share, from 0 to 1")
        if not 0 <= self.delay <= PAST * SEGMENT:
            raise ValueError(f"delay = {self.delay!r}: expected seconds, from 0 to {PAST * SEGMENT:g}")


class Flights(NamedTuple):
    """Where G groups of moths are, B in all.

    Attributes:
        begun: (G,) steps at which the groups' flights began.
        states: (B, 8), and `past` (3, B, 8), those of the last decisions, the last first.
        memory: of the controller.
        wind: (B, 2), cm/s.
    """

    begun: Any
    states: Any
    past: Any
    memory: Any
    wind: Any


class Scenario(NamedTuple):
    """A group's flight: targets (n, T, 2) and what it is disturbed by.

    Attributes:
        positions, velocities: (n, T, 2) of the targets, cm and cm/s.
        starts: (n, 8).
        wind: (n, 2) at first, cm/s, and `gusts` (n, 1) its standard deviation.
        noise: (n, 1) share of the range of random starts.
        shares: (n, 4) of the state now and those of the last three decisions in what is shown: the delay.
        body: that flies.
    """

    positions: Array
    velocities: Array
    starts: Array
    wind: Array
    gusts: Array
    noise: Array
    shares: Array
    body: MothBody


class DisturbedWindow(NamedTuple):
    """T segments of flight by B moths, as the gradient needs them; float32, segments first.

    Attributes:
        states, components, by_state, by_components, targets, velocities, ahead, sound: as in
            `mothsim.controllers.policies.flight_gradient.Window`.
        noise: (T, B, 8) added to what is shown.
        record: (T, B, ...) of the controller's decisions.
        shares: (B, 4), see `Scenario`.
        past, memory: at the window's beginning, see `Flights`; of the memory what the gradient needs.
    """

    states: Any
    components: Any
    by_state: Any
    by_components: Any
    targets: Any
    velocities: Any
    ahead: Any
    sound: Any
    noise: Any
    record: Any
    shares: Any
    past: Any
    memory: Any


@lru_cache(maxsize=64)
def draw_scenario(
    seed: int, group: int, begun: int, moths: int, segments: int, violence: float, bobbing: float, strength: float,
    most: Disturbed,
) -> Scenario:  # fmt: skip
    """Draw the flight of a group; a share `strength`, 0 to 1, of the disturbances there may be is drawn."""
    rng = np.random.default_rng([seed, group, begun])
    positions, velocities = draw_targets(rng, moths, LONGEST + segments, bobbing=bobbing)
    starts = draw_starts(rng, positions[:, 0], velocities[:, 0], violence)
    if np.random.default_rng([seed, group, begun, _UNDISTURBED]).uniform() < most.undisturbed:
        strength = 0.0

    def some(share: float) -> Array:
        return (rng.uniform(size=(moths, 1)) < share * strength) * rng.uniform(size=(moths, 1))

    delay = lateness(rng, moths, most) * (rng.uniform(size=(moths, 1)) < 0.5 * strength)
    gusts = most.gusts * some(0.5)
    wind = gusts * rng.normal(size=(moths, 2))
    body = draw_body(rng, most) if rng.uniform() < 0.75 * strength else MothBody()
    noise = most.noise * some(0.5)
    return Scenario(positions, velocities, starts, wind, gusts, noise, delay_shares(most.delay * delay[:, 0]), body)


def lateness(rng: np.random.Generator, moths: int, most: Disturbed) -> Array:
    """Delays of moths that are delayed (moths, 1), as shares of the longest, see `Disturbed`."""
    often, share = rng.uniform(size=(moths, 1)) < 0.5, rng.uniform(size=(moths, 1))
    segments = round(most.delay / SEGMENT) if most.whole_delays else 1
    return np.where(often, rng.integers(1, segments + 1, (moths, 1)) / segments if segments > 1 else 1.0, share)


def draw_body(rng: np.random.Generator, most: Disturbed) -> MothBody:
    """A body of another size, another abdomen, or both."""
    size, abdomen = (
        math.exp(rng.uniform(-1, 1) * math.log(factor)) if rng.uniform() < 0.65 else 1.0
        for factor in (most.size, most.abdomen)
    )
    body = MothBody()
    return replace(body, abdomen_density=body.abdomen_density * abdomen).scaled(size)


def delay_shares(delays: Array) -> Array:
    """Shares (N, 4) of the present and the last three decisions in what is shown after delays (N,), s."""
    late = np.clip(delays / SEGMENT, 0.0, PAST)[:, None]
    return np.maximum(0.0, 1.0 - np.abs(late - np.arange(PAST + 1)))


def begin(scenarios: list[Scenario], controller: InTraining) -> Flights:
    """Flights of all groups at their starts."""
    states = np.concatenate([scenario.starts for scenario in scenarios])
    wind = np.concatenate([scenario.wind for scenario in scenarios])
    goals, speeds = (
        np.concatenate([getattr(c, name)[:, 0] for c in scenarios]) for name in ("positions", "velocities")
    )
    return Flights(
        np.zeros(len(scenarios), dtype=np.int64), states, np.repeat(states[None], PAST, axis=0),
        controller.first_memory(states, goals, speeds), wind,
    )  # fmt: skip


def _begin_anew(flights: Flights, rows: NDArray[np.bool_], starts: Array, goals: Array, speeds: Array, wind: Array,
               controller: InTraining) -> Flights:  # fmt: skip
    """The flights, of which some rows (B,) begin again, at starts (B, 8) about goals and speeds (B, 2)."""
    if not rows.any():
        return flights
    fresh = controller.first_memory(starts, goals, speeds)
    keep = ~rows

    def either(new: Array, old: Array) -> Array:
        return np.where(keep.reshape(-1, *(1,) * (new.ndim - 1)), old, new)

    past = np.where(keep[:, None], flights.past, starts)
    memory = jax.tree.map(either, fresh, flights.memory)
    return Flights(flights.begun, either(starts, flights.states), past, memory, either(wind, flights.wind))


def restart(
    flights: Flights, scenarios: list[Scenario], firsts: Any, anew: Any, rng: np.random.Generator,
    controller: InTraining,
) -> Flights:  # fmt: skip
    """The flights, with those begun anew at their starts, and those that are lost back at their targets."""
    goals, speeds = (np.concatenate([getattr(c, name)[:, first] for c, first in zip(scenarios, firsts, strict=True)])
                     for name in ("positions", "velocities"))  # fmt: skip
    starts, wind = (np.concatenate([getattr(scenario, name) for scenario in scenarios]) for name in ("starts", "wind"))
    flights = _begin_anew(flights, anew, starts, goals, speeds, wind, controller)
    off = np.hypot(*(flights.states[:, :2] - goals).T)
    lost = ~((off < _LOST) & (np.abs(flights.states[:, 6:]).max(axis=1) < _TUMBLING))
    return _begin_anew(flights, lost, draw_starts(rng, goals, speeds, 0.5), goals, speeds, flights.wind,
                       controller)  # fmt: skip


class _Drawn(NamedTuple):
    """What is given for T decisions of B moths: targets (B, T + 33, 2) and so on, noise and wind drawn."""

    targets: Array
    velocities: Array
    ahead: Array
    noise: Array
    draws: Array


def fly_on(
    controller: InTraining, flights: Flights, scenarios: list[Scenario], firsts: NDArray[np.int64], segments: int,
    rng: np.random.Generator, until_lost: bool = False,
) -> tuple[DisturbedWindow, Flights]:  # fmt: skip
    """Fly a window of so many segments, with all Jacobians.

    Args:
        controller: as it is trained by now.
        flights: where they are.
        scenarios: of the groups.
        firsts: (G,) decisions of their scenarios at which the window begins.
        segments: of the window.
        rng: of noise and wind.
        until_lost: keep what a moth flew before it was lost, and tell by segment what is sound; else the whole
            window of a lost moth is left out.

    Returns:
        The window, and the flights at its end.
    """
    drawn = _draw_window(scenarios, firsts, segments, rng)
    (flown, components, winds, record), after = _fly(controller, flights, scenarios, drawn)
    targets, velocities, ahead = (np.moveaxis(e, 1, 0) for e in drawn[:3])
    ends = np.concatenate([flown, after.states[None]])
    off = np.hypot(*np.moveaxis(ends[..., :2] - targets[: segments + 1], -1, 0))
    sound = np.logical_and.accumulate((off < _LOST) & (np.abs(ends[..., 6:]).max(axis=-1) < _SPINNING))
    sound = sound if until_lost else np.broadcast_to(sound[-1], sound.shape)
    rest = find_trim(MothBody()).state
    ends = np.where(sound[..., None], ends, rest)
    window = (ends, components, *_slopes(ends[:-1], components, winds, scenarios, sound[1:]))
    window = (*window, targets[: segments + 1], velocities, ahead, sound[1:] if until_lost else sound[0], drawn.noise)
    window = (*window, record, _all("shares", scenarios), np.where(sound[0, :, None], flights.past, rest))
    window = DisturbedWindow(
        *(np.asarray(each, np.float32) for each in window),
        memory=jax.tree.map(np.float32, controller.for_gradient(flights.memory)),
    )
    return window, after


def _draw_window(
    scenarios: list[Scenario], firsts: NDArray[np.int64], segments: int, rng: np.random.Generator
) -> _Drawn:
    parts = np.arange(segments + 1 + PREVIEW[-1])
    targets, velocities = (
        np.concatenate(
            [getattr(scenario, name)[:, first + parts] for scenario, first in zip(scenarios, firsts, strict=True)]
        )
        for name in ("positions", "velocities")
    )
    velocities = velocities[:, : segments + 1]
    ahead = mean_velocities(targets, velocities, SEGMENT)[:, :segments]
    noise = rng.normal(size=(segments, len(targets), 8)) * _all("noise", scenarios) * RANGES
    return _Drawn(targets, velocities, ahead, noise, rng.normal(size=(segments, len(targets), 2)))


def _fly(
    controller: InTraining, flights: Flights, scenarios: list[Scenario], drawn: _Drawn
) -> tuple[tuple[Array, ...], Flights]:
    """States, components, winds and records (T, B, ...) of the segments, and the flights at their end."""
    shares, gusts = _all("shares", scenarios), _all("gusts", scenarios)
    _, states, past, memory, wind = flights
    rows: list[tuple[Array, ...]] = []
    for t in range(len(drawn.noise)):
        shown = Shown(drawn.targets[:, t], drawn.velocities[:, t], drawn.targets[:, t + 1], drawn.ahead[:, t])
        sensed = shares[:, :1] * states + np.einsum("bk,kbi->bi", shares[:, 1:], past) + drawn.noise[t]
        components, record, memory = controller.decide(sensed, memory, shown)
        rows.append((states, components, wind, record))
        past = np.concatenate([states[None], past[:-1]])
        states = _advance(states, components, wind, scenarios)
        wind = next_wind(wind, drawn.draws[t], gusts, SEGMENT)
    flown = tuple(np.array(each) for each in zip(*rows, strict=True))
    return flown, Flights(flights.begun, states, past, memory, wind)


def _all(name: str, scenarios: list[Scenario]) -> Array:
    return np.concatenate([getattr(scenario, name) for scenario in scenarios])


def _by_body(scenarios: list[Scenario]) -> dict[MothBody, NDArray[np.intp]]:
    """The moths that fly on each body."""
    size, rows = len(scenarios[0].starts), {}
    for i, scenario in enumerate(scenarios):
        rows.setdefault(scenario.body, []).append(np.arange(i * size, (i + 1) * size))
    return {body: np.concatenate(each) for body, each in rows.items()}


def _advance(states: Array, components: Array, wind: Array, scenarios: list[Scenario]) -> Array:
    """States (B, 8) a segment later; flown in the air's frame."""
    after, controls = states.copy(), from_components(np.concatenate([components, np.zeros((len(states), 1))], axis=1))
    after[:, 4:6] -= wind
    for body, rows in _by_body(scenarios).items():
        after[rows] = propagate(after[rows], controls[rows], body=body, threads=1).states
    after[:, 4:6] += wind
    after[:, :2] += SEGMENT * wind
    return after


def _slopes(
    states: Array, components: Array, winds: Array, scenarios: list[Scenario], sound: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Jacobians (T, B, 8, 8) and (T, B, 8, 3) of the segments; zero where they are not sound (T, B)."""
    through = states.copy()
    through[..., 4:6] -= winds
    by_state, by_components = (np.zeros((*sound.shape, 8, each)) for each in (8, 3))
    for body, rows in _by_body(scenarios).items():
        flat = through[:, rows].reshape(-1, 8), components[:, rows].reshape(-1, 3)
        _, *slopes = jacobians(*flat, body=body)
        for every, each in zip((by_state, by_components), slopes, strict=True):
            every[:, rows] = np.nan_to_num(each).reshape(len(states), -1, *each.shape[1:])
    keep = sound[..., None, None]
    return np.where(keep, by_state, 0.0), np.where(keep, by_components, 0.0)
