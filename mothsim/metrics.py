"""Measures of a flight beside its tracking error: recovery, swing, effort, work and cost of transport.

Bustamante et al. 2022 (Integr Org Biol, obac039): a path is the flight between two decisions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import to_components
from mothsim.flight import Flight
from mothsim.solver.propagate import propagate
from mothsim.trim import find_trim

Array = NDArray[np.floating]

RECOVERED_WITHIN, RECOVERED_AFTER = 0.5, 2.0
"""Largest distance from the target, cm, of a moth that has recovered, and the time, s, from which on it holds."""


def recovered(flight: Flight) -> NDArray[np.bool_]:
    """Whether the moth was not lost and within 0.5 cm of its target at all times from 2 s on; () or (N,).

    Raises:
        ValueError: the flight ended before.
    """
    late = flight.times >= RECOVERED_AFTER
    if not late.any():
        raise ValueError(f"flight of {len(late)} decisions to {flight.times[-1]:g} s: expected more than 2 s")
    near = (flight.errors[..., late] <= RECOVERED_WITHIN).all(axis=-1)
    return np.asarray(near & ~flight.lost)  # who is lost in the last period was near at every decision


def mean_over_flight(values: Array) -> Array:
    """Means (...) over the last axis of values (..., T) without those that are NaN; NaN where all are, or none is."""
    missing = np.isnan(values)
    count = np.sum(~missing, axis=-1)
    total = np.sum(np.where(missing, 0.0, values), axis=-1)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)[()]


def error_between_decisions(flight: Flight) -> Array:
    """Root mean square distance from the target half way from one decision to the next, after the first 0.5 s, cm.

    A moth that swings from decision to decision may be near its target at every one of them, where `Flight.rms_error`
    looks. Infinite for the lost; of flights in still air, on a body that does not change; () or (N,).
    """
    settled, half = flight.settled, flight.period / 2
    states, controls = flight.states[..., settled, :], flight.controls[..., settled, :]
    flown = propagate(states.reshape(-1, 8), controls.reshape(-1, 4), body=flight.body, duration=half).states
    off = flown[:, :2].reshape(*states.shape[:-1], 2) - flight.trajectory.position(flight.times[settled] + half)
    return np.where(flight.lost, np.inf, np.sqrt(np.mean(np.sum(off**2, axis=-1), axis=-1)))[()]


def body_swing(flight: Flight) -> Array:
    """Standard deviation of the body angle in the last second, rad; infinite for the lost; () or (N,).

    A moth that holds its place may still swing about it, since forces that hold the place leave the body angle free.
    """
    late = flight.times > flight.times[-1] - 1.0
    return np.where(flight.lost, np.inf, np.std(flight.states[..., late, 2], axis=-1))[()]


def effort(flight: Flight) -> Array:
    """Root mean square of the force's departure from trim, as a share of the weight; () or (N,).

    Raises:
        ValueError: the body has no trim at the target's body angle: it is too heavy to hover.
    """
    trim = find_trim(flight.body, float(flight.trajectory.angle(0.0)))
    departure = (to_components(flight.controls) - to_components(trim.control))[..., :2]
    return np.sqrt(mean_over_flight(np.sum(departure**2, axis=-1))) / flight.body.weight


def work_per_path(flight: Flight, *, force_times_distance: bool = False) -> Array:
    """Work `|tau_w dtheta| + |tau d(phi - theta)| + |F . r|` of every path but the last, erg; (T-1,) or (N, T-1).

    Args:
        flight: of one moth or of N.
        force_times_distance: `|F| |r|` instead of `|F . r|`, whatever the angle between: the published figures.
    """
    before, after = flight.states[..., :-1, :], flight.states[..., 1:, :]
    force, angle, torque, wing = np.moveaxis(flight.controls[..., :-1, :], -1, 0)
    turn = after[..., 2] - before[..., 2]
    bend = after[..., 3] - before[..., 3] - turn
    dx, dy = after[..., 0] - before[..., 0], after[..., 1] - before[..., 1]
    world = angle + before[..., 2]
    along = np.hypot(dx, dy) if force_times_distance else np.cos(world) * dx + np.sin(world) * dy
    return np.abs(wing * turn) + np.abs(torque * bend) + np.abs(force * along)


def cost_of_transport(flight: Flight, *, head_mass_halved: bool = False, force_times_distance: bool = False) -> Array:
    """Mean over paths of work / (mass g distance), by the mass at the start; () or (N,).

    Args:
        flight: of one moth or of N.
        head_mass_halved: divide by half the head-thorax's mass instead of the moth's, as was published.
        force_times_distance: see `work_per_path`.
    """
    before, after = flight.states[..., :-1, :2], flight.states[..., 1:, :2]
    distance = np.hypot(*np.moveaxis(after - before, -1, 0))
    mass = flight.body.head_mass / 2 if head_mass_halved else flight.body.mass
    work = work_per_path(flight, force_times_distance=force_times_distance)
    return mean_over_flight(work / (mass * flight.body.gravity * distance))
