"""The reward, as named terms that sum to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def reward_terms(
    errors: Array, tilts: Array, spins: Array, efforts: Array, lost: NDArray[np.bool_], xp: Any = np
) -> dict[str, Array]:
    """Terms (N,) of the reward for a decision, in all between 0 and 2.

    - `aloft`, 1 unless the moth is lost: staying aloft always pays;
    - `tracking`, `1 / (1 + error / 1 cm)`: 1 on the target, a half at 1 cm, and never flat, so that a learner
      that is far away is still drawn nearer;
    - `posture`, `-(1 - cos tilt) / 10`;
    - `spin`, `-(thetadot / 100 rad/s)^2 / 10`, at least -0.1;
    - `effort`, `-|action|^2 / 5`: large at full force, small for the fine forces that flying takes.

    Args:
        errors: (N,) tracking errors after the decision, cm.
        tilts: (N,) theta less the target's, rad.
        spins: (N,) thetadot, rad/s.
        efforts: (N,) squares of the actions' lengths.
        lost: (N,).
        xp: `numpy`, or `jax.numpy`.
    """
    return {
        "aloft": xp.where(lost, 0.0, 1.0),
        "tracking": xp.where(lost, 0.0, 1 / (1 + errors)),
        "posture": -0.1 * (1 - xp.cos(tilts)),
        "spin": -0.1 * xp.minimum((spins / 100) ** 2, 1.0),
        "effort": -0.2 * efforts,
    }


def total(terms: dict[str, Array]) -> Array:
    """The reward (N,): the sum of its terms, in their order."""
    return sum(terms.values(), start=np.zeros(()))
