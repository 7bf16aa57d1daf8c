"""Controls as polar `[force, angle, abdomen_torque, wing_torque]`, as components `[F_x, F_y, tau, tau_w]`, as actions.

Components are smooth through zero force, so control laws and networks work in them; F_x is along the
head-thorax and F_y across it (Zahn et al. 2022). Actions are components on a
learner's scale, from -1 to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mothsim.body import MothBody

Array = NDArray[np.floating]


def to_components(controls: ArrayLike) -> Array:
    """`[F cos(angle), F sin(angle), tau, tau_w]` (..., 4), dyn and dyn cm, of controls (..., 4)."""
    controls = np.asarray(controls)
    force, angle = controls[..., 0], controls[..., 1]
    return np.stack([force * np.cos(angle), force * np.sin(angle), controls[..., 2], controls[..., 3]], axis=-1)


def from_components(components: Any, xp: Any = np) -> Any:
    """Controls (..., 4), the angle from 0 to 2 pi, of components (..., 4); `xp` is `numpy` or `jax.numpy`."""
    components = xp.asarray(components)
    fx, fy = components[..., 0], components[..., 1]
    angle = xp.mod(xp.arctan2(fy, fx), 2 * np.pi)
    return xp.stack([xp.hypot(fx, fy), angle, components[..., 2], components[..., 3]], axis=-1)


def action_size(body: MothBody) -> int:
    """Components of an action: 3, or 4 for a body with wing torque."""
    return 4 if body.wing_torque_limit > 0 else 3


def limited(controls: Array, body: MothBody) -> Array:
    """Controls cut to what the body can do: force in [0, limit], torques within their limits; NaN stays NaN."""
    high = np.array([body.force_limit, np.inf, body.abdomen_torque_limit, body.wing_torque_limit])
    low = np.array([0.0, -np.inf, -body.abdomen_torque_limit, -body.wing_torque_limit])
    return np.clip(controls, low, high)


_CURVATURE = 7.0
"""Curvature of the scale of actions: at its middle it is sinh(7)/7, or 78, times as fine as an even scale."""


def _scale(body: MothBody) -> tuple[Array, Array]:
    """Components (4,) of the zero action, and the distance (4,) from them to those of the actions +-1."""
    middle = np.array([body.weight, 0.0, 0.0, 0.0])
    force = body.force_limit
    return middle, np.array([force, force, body.abdomen_torque_limit or 1.0, body.wing_torque_limit or 1.0]) + middle


def to_actions(controls: Array, body: MothBody) -> Array:
    """Actions (..., 4) in [-1, 1], see `from_actions`, of controls (..., 4), which are cut to the limits first."""
    middle, span = _scale(body)
    return np.arcsinh((to_components(limited(controls, body)) - middle) / span * np.sinh(_CURVATURE)) / _CURVATURE


def from_actions(actions: Array, body: MothBody) -> Array:
    """Controls (..., 4) of actions (..., 4): zero carries the weight along the head-thorax, +-1 is the limit.

    A component is `middle + span sinh(7 action) / sinh(7)`: flight takes forces of tens to hundreds of dyn, while
    the largest force is 17 times the weight, so an even scale would leave a hundredth of it for flight.
    The span of F_x is the limit and the weight, so that both ends are reached; what exceeds a limit is cut to it.
    """
    middle, span = _scale(body)
    return limited(from_components(middle + span * (np.sinh(_CURVATURE * actions) / np.sinh(_CURVATURE))), body)


def applied(controls: Array, body: MothBody) -> Array:
    """Controls (..., 4) as a flight applies them: cut to the limits, and rounded as they are by way of actions.

    That rounding, of the last digits, makes a flight the same whether its controls come as controls or as actions.
    """
    return from_actions(to_actions(controls, body), body)
