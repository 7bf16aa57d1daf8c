"""Trim: the posture and control of steady flight, and the linearisation of a segment about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import from_components, to_components
from mothsim.body import MothBody
from mothsim.dynamics import bend_drive, coefficients, drag, inertias
from mothsim.solver.propagate import SEGMENT, propagate

# Steps of the central differences, by component: about 1e-4 of what a segment moves.
_STATE_STEPS = np.array([1e-2, 1e-2, 1e-3, 1e-3, 0.1, 0.1, 1e-2, 1e-2])
_CONTROL_STEPS = np.array([5.0, 5.0, 10.0, 10.0])


@dataclass(frozen=True)
class Trim:
    """A state and a control that keep the moth flying steadily: `state` (8,) at x = y = 0, `control` (4,)."""

    state: NDArray[np.float64]
    control: NDArray[np.float64]


@dataclass(frozen=True)
class Linearisation:
    """A segment about trim: `s' - trim' = a (s - trim) + b (u - u_trim)`, u in components.

    `a` is (8, 8), `b` (8, 4); rows in the units of the state, columns of `b` in dyn and dyn cm.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]


def find_trim(body: MothBody, angle: float = math.pi / 2, velocity: tuple[float, float] = (0.0, 0.0)) -> Trim:
    """Steady flight at a body angle (rad) and a velocity (cm/s); of two bends, the one nearer to straight.

    Weight and drag give the force; that the moment about the centre of mass vanishes gives the bend
    (`p cos D + q sin D = -r`); that the bend rests gives the abdominal torque. No wing torque.

    Raises:
        ValueError: another object than a body; a number that is not finite, or not two speeds; there is no such
            flight, or the body cannot produce the control it needs.
    """
    if not isinstance(body, MothBody):
        raise ValueError(f"body = {body!r}: expected a MothBody; mothsim.make_body makes one of a name or a file")
    if len(velocity) != 2 or not all(map(math.isfinite, (angle, *velocity))):
        raise ValueError(f"angle = {angle!r} rad at velocity {velocity!r} cm/s: expected finite numbers, one and two")
    state, control = _solve_trim(body, float(angle), (float(velocity[0]), float(velocity[1])))
    return Trim(np.array(state), np.array(control))  # arrays of the caller's own


@lru_cache(maxsize=256)
def _solve_trim(
    body: MothBody, angle: float, velocity: tuple[float, float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """State (8,) and control (4,) of `find_trim`."""
    k = coefficients(body)
    s, c = math.sin(angle), math.cos(angle)
    drag_x, drag_y = drag(k, *velocity)
    along = c * drag_x + s * (drag_y + k.weight)
    across = -s * drag_x + c * (drag_y + k.weight)
    drag_along, drag_across = c * drag_x + s * drag_y, c * drag_y - s * drag_x
    p = k.abdomen_offset * (drag_across - across)
    q = k.abdomen_offset * (along - drag_along)
    r = k.force_arm * across + k.head_offset * drag_across
    if abs(r) > math.hypot(p, q):
        raise ValueError(f"angle = {angle:.4g} rad at velocity {velocity} cm/s: no bend of the body balances it")
    middle, half = math.atan2(q, p), math.acos(-r / math.hypot(p, q))
    bend = min((math.remainder(middle + sign * half - math.pi, math.tau) for sign in (1, -1)), key=abs) + math.pi
    sb, cb = math.sin(bend), math.cos(bend)
    a, b, inverse, _ = inertias(k, cb)
    q1 = r
    q2 = p * cb + q * sb
    torque = bend_drive(k, a, b, inverse, q1, q2, sb, bend, 0.0, 0.0, 0.0)
    force = math.hypot(along, across)
    if force > body.force_limit or abs(torque) > body.abdomen_torque_limit:
        raise ValueError(
            f"angle = {angle:.4g} rad at velocity {velocity} cm/s: needs {force:.4g} dyn and {torque:.4g} dyn cm, "
            f"beyond the body's {body.force_limit:.4g} dyn and {body.abdomen_torque_limit:.4g} dyn cm"
        )
    state = (0.0, 0.0, angle, angle + bend, velocity[0], velocity[1], 0.0, 0.0)
    return state, (force, math.atan2(across, along) % math.tau, torque, 0.0)


def linearise(body: MothBody, trim: Trim, duration: float = SEGMENT) -> Linearisation:
    """The segment's Jacobian about a trim by central differences through the engine.

    Args:
        body: the moth.
        trim: of that body.
        duration: of the segment, s.
    """
    a, b = segment_slopes(body, trim.state[None], to_components(trim.control)[None], duration, rtol=1e-9)
    return Linearisation(a[0], b[0])


def segment_slopes(
    body: MothBody,
    states: NDArray[np.floating],
    components: NDArray[np.floating],
    duration: float = SEGMENT,
    rtol: float = 1e-6,
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Jacobians (T, 8, 8) and (T, 8, 4) of segments' ends by central differences through the engine.

    Args:
        body: the moth.
        states: (T, 8), where the segments begin.
        components: (T, 4) of the controls, see `mothsim.actuation`.
        duration: of the segments, s.
        rtol: the engine's tolerance.
    """
    steps = np.concatenate([_STATE_STEPS, _CONTROL_STEPS])
    offsets = np.concatenate([np.diag(steps), -np.diag(steps)])
    starts = (states[:, None] + offsets[:, :8]).reshape(-1, 8)
    controls = from_components((components[:, None] + offsets[:, 8:]).reshape(-1, 4))
    final = propagate(starts, controls, body=body, duration=duration, rtol=rtol).states.reshape(-1, 2, 12, 8)
    jacobians = np.swapaxes((final[:, 0] - final[:, 1]) / (2 * steps[:, None]), 1, 2)
    return jacobians[:, :, :8], jacobians[:, :, 8:]
