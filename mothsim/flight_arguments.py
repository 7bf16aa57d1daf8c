"""Arguments of a flight, checked before it begins."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mothsim.angles import require_unwound
from mothsim.body import MothBody
from mothsim.checks import as_count
from mothsim.disturbances import Disturbances
from mothsim.perturbations import Perturbation

Array = NDArray[np.floating]


def chosen_disturbances(given: Disturbances | None, perturbation: Perturbation) -> Disturbances:
    """The disturbances of a flight, given themselves or by its perturbation.

    Raises:
        ValueError: another object, or both.
    """
    if given is None:
        return perturbation.disturbances
    if not isinstance(given, Disturbances):
        raise ValueError(
            f"disturbances = {given!r}: expected mothsim.Disturbances; fly(perturbation=...) takes the rest"
        )
    if perturbation.disturbances != Disturbances():
        raise ValueError(
            f"disturbances = {given!r} beside perturbation = {perturbation.name!r}: expected one of the two"
        )
    return given


def check_arguments(
    period: float, duration: float, seed: int, moths: int | None, start_scale: float, **bodies: MothBody | None
) -> None:
    """Hold the arguments of a flight with a controller's `period` to their ranges.

    Raises:
        ValueError: names the argument.
        MemoryError: the record does not fit.
    """
    if not (isinstance(duration, Real) and math.isfinite(duration) and duration > 0):
        raise ValueError(f"duration = {duration!r}: expected seconds above zero")
    as_count("seed", seed, 0)
    count = 1 if moths is None else as_count("moths", moths)
    if not (isinstance(start_scale, Real) and math.isfinite(start_scale) and start_scale >= 0):
        raise ValueError(f"start_scale = {start_scale!r}: expected a number of zero or more")
    for name, body in bodies.items():
        if not (body is None or isinstance(body, MothBody)):
            raise ValueError(f"{name} = {body!r}: expected a MothBody; mothsim.make_body makes one of a name or a file")
    np.empty((count, round(duration / period), 8))  # what is beyond memory fails now, not after the plan


def checked_starts(starts: ArrayLike, moths: int | None, scale: float) -> Array:
    """Start states (N, 8), a copy.

    Raises:
        ValueError: another shape or number of them, one that is not finite, a bend a turn off, or a scale of random
            starts beside them.
    """
    if scale != 1:
        raise ValueError(f"starts beside random starts scaled by {scale:g}: expected the ones or the others")
    try:
        states = np.array(starts, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"starts = {starts!r}: expected numbers (N, 8) or (8,)") from None
    if states.shape[-1:] != (8,) or states.ndim > 2 or not states.size:
        raise ValueError(f"starts has shape {states.shape}: expected (N, 8) or (8,)")
    states = np.atleast_2d(states)
    if not np.isfinite(states).all():
        row = int(np.flatnonzero(~np.isfinite(states).all(axis=1))[0])
        raise ValueError(f"starts[{row}] = {states[row].tolist()}: expected finite numbers")
    if moths is not None and moths != len(states):
        raise ValueError(f"moths = {moths!r} beside {len(states)} starts: expected one start for each, or no moths")
    require_unwound("starts", states)
    return states
