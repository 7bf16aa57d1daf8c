"""Long disturbed flights, of which a controller learns window by window: each begins where the last one ended.

Groups of moths fly what `mothsim.controllers.policies.disturbed_scenarios` draws for them. What goes wrong after
seconds, such as an integral that drifts, is only seen so.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components
from mothsim.body import MothBody
from mothsim.controllers.policies.disturbed_scenarios import PAST, Scenario
from mothsim.controllers.policies.policy_targets import draw_starts
from mothsim.disturbances import next_wind
from mothsim.perturbations import RANGES
from mothsim.policy_interface import PREVIEW, mean_velocities
from mothsim.solver.jacobians import jacobians
from mothsim.solver.propagate import SEGMENT, propagate
from mothsim.trim import find_trim

Array = NDArray[np.floating]

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


class DisturbedWindow(NamedTuple):
    """T segments of flight by B moths, as the gradient needs them; float32, segments first.

    Attributes:
        states, components, by_state, by_components, targets, velocities, ahead, sound: as in
            `mothsim.controllers.policies.flight_windows.Window`.
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
