"""What a function of a window of flights gives for each moth by itself, such as a gradient of each moth's cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

_MOTHS_FIRST = ("postures", "trims", "shares", "memory", "unhurried", "leaping")


def moth_by_moth(function: Callable[..., Any], parameters: Any, window: Any, *others: Any, each: Any = ()) -> Any:
    """What a function of parameters and a window gives for each moth's flight, moths first.

    Args:
        function: of parameters, a window of one moth, `others`, and a moth's own of `each`.
        parameters: of the policy.
        window: a `Window` or a `DisturbedWindow` of B moths.
        others: further arguments.
        each: a tuple of arrays (B, ...), of which each moth has its own.
    """
    axes = [_moth_axis(name, part) for name, part in zip(window._fields, window, strict=True)]

    def one(moth: Any, own: Any) -> Any:
        parts = zip(moth, axes, strict=True)
        alone = [jax.tree.map(partial(jnp.expand_dims, axis=axis), part) for part, axis in parts]
        return function(parameters, type(window)(*alone), *others, *own)

    return jax.vmap(one, in_axes=(type(window)(*axes), 0))(window, each)


def _moth_axis(name: str, part: Any) -> int:
    """Which axis of an array of a window has the moths."""
    return 0 if name in _MOTHS_FIRST or (name == "sound" and part.ndim == 1) else 1
