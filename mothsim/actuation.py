"""Controls as polar `[force, angle, abdomen_torque, wing_torque]` and as components `[F_x, F_y, tau, tau_w]`.

Components are smooth through zero force, so control laws and networks work in them; F_x is along the
head-thorax and F_y across it (Zahn et al. 2022).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody

Array = NDArray[np.floating]


def to_components(controls: Array) -> Array:
    """`[F cos(angle), F sin(angle), tau, tau_w]` (..., 4), dyn and dyn cm, of controls (..., 4)."""
    force, angle = controls[..., 0], controls[..., 1]
    return np.stack([force * np.cos(angle), force * np.sin(angle), controls[..., 2], controls[..., 3]], axis=-1)


def from_components(components: Array) -> Array:
    """Controls (..., 4), the angle in [0, 2 pi), of components (..., 4)."""
    fx, fy = components[..., 0], components[..., 1]
    angle = np.mod(np.arctan2(fy, fx), 2 * np.pi)
    return np.stack([np.hypot(fx, fy), angle, components[..., 2], components[..., 3]], axis=-1)


def limited(controls: Array, body: MothBody) -> Array:
    """Controls cut to what the body can do: force in [0, limit], torques within their limits; NaN stays NaN."""
    high = np.array([body.force_limit, np.inf, body.abdomen_torque_limit, body.wing_torque_limit])
    low = np.array([0.0, -np.inf, -body.abdomen_torque_limit, -body.wing_torque_limit])
    return np.clip(controls, low, high)
