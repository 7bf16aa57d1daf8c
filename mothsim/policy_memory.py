"""What a policy with memory observes beside the present: how things changed, what it did, and an integral of its error.

A delay, noise, and a body that differs from the nominal one show in how the moth answers to what it was asked to do.
All of it is made from what a policy is shown and from its own outputs; the arithmetic is that of
`mothsim.policy_interface`, for NumPy and JAX alike.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mothsim.policy_interface import ENTRIES, OUTPUT_ENTRIES, PolicyEntry, PolicyTarget, observe, softened
from mothsim.response_estimate import LAGS, ResponseRecord, estimate_response, no_record

REMEMBERED = LAGS
"""Decisions whose outputs are observed: those on their way in 60 ms of delay, and one more."""

_MOTION = 9  # the entries of an observation that are of the moth's motion
_CHANGE, _ASKED, _REACH = 4.0, 5.0, 4.0
_SPEED, _FASTEST = 20.0, 200.0  # cm/s
_INTEGRAL_RATE = 3.0  # 1/s
_STRONGEST = 3.0  # response, as a share of the nominal one

MEMORY_ENTRIES = (
    *(
        PolicyEntry(f"change, {e.name}", e.unit, e.frame, e.scale / _CHANGE, 2 * _CHANGE * e.bound)
        for e in ENTRIES[:_MOTION]
    ),
    *(
        PolicyEntry(f"{e.name}, {k} decision{'s' * (k > 1)} ago", e.unit, e.frame, e.scale, _ASKED)
        for k in range(1, REMEMBERED + 1)
        for e in OUTPUT_ENTRIES
    ),
    PolicyEntry("target's velocity, along", "cm/s", "body", _SPEED, _FASTEST / _SPEED),
    PolicyEntry("target's velocity, across", "cm/s", "body", _SPEED, _FASTEST / _SPEED),
    PolicyEntry("integral of the error, softened to 1 cm, along", "cm s", "body", 1 / _INTEGRAL_RATE, 2 * _REACH),
    PolicyEntry("integral of the error, softened to 1 cm, across", "cm s", "body", 1 / _INTEGRAL_RATE, 2 * _REACH),
    *(
        PolicyEntry(f"response {axis} to the output {k} decision{'s' * (k > 1)} ago", "1", "body", 1.0, _STRONGEST)
        for axis in ("along", "across")
        for k in range(1, LAGS + 1)
    ),
)  # fmt: skip
"""The numbers that follow `mothsim.policy_interface.ENTRIES` in the observation of a policy with memory, in order; a
change is that since the last decision."""


class PolicyMemory(NamedTuple):
    """What N moths remember.

    Attributes:
        motion: (N, 9) entries of the last observation that are of the moth's motion.
        outputs: (N, 5, 3) softened departures from trim that were asked for, the last first, in units of outputs.
        integral: (N, 2) of the error along x and y, in the world's frame, in units of its entries.
        response: what the estimate of the response is made of.
    """

    motion: Any
    outputs: Any
    integral: Any
    response: ResponseRecord


def first_memory(states: Any, target: PolicyTarget, xp: Any = np) -> PolicyMemory:
    """Memory of moths that begin a flight at states (N, 8): nothing changed, nothing was done, no error so far."""
    count = len(states)
    motion = observe(states, target, xp)[:, :_MOTION]
    outputs = xp.zeros((count, REMEMBERED + 1, len(OUTPUT_ENTRIES)))
    return PolicyMemory(
        motion,
        outputs,
        xp.zeros((count, 2)),
        no_record(_turned(states[:, 4:6], xp.cos(states[:, 2]), xp.sin(states[:, 2]), xp), xp),
    )


def recall(
    states: Any, target: PolicyTarget, memory: PolicyMemory, period: float, xp: Any = np, response: Any = None
) -> tuple[Any, PolicyMemory]:
    """Observe with memory, and remember what is seen.

    Args:
        states: (N, 8), as the policy is shown them.
        target: of all moths, or of each, see `mothsim.policy_interface.observe`.
        memory: of the decision before.
        period: s from decision to decision.
        xp: `numpy`, or `jax.numpy`.
        response: (N, 8) entries of the response where it is estimated already; with JAX it must be.

    Returns:
        Observations (N, 62): `ENTRIES`, then `MEMORY_ENTRIES`; and the memory, to which `remember` adds the outputs.
    """
    count, cos, sin = len(states), xp.cos(states[:, 2]), xp.sin(states[:, 2])
    seen = observe(states, target, xp)
    motion = seen[:, :_MOTION]
    error = target.positions - states[:, :2]
    pull = error / xp.sqrt(1.0 + (error**2).sum(axis=1, keepdims=True))
    integral = xp.clip(memory.integral + _INTEGRAL_RATE * period * pull, -_REACH, _REACH)
    velocity = xp.broadcast_to(target.velocities, (count, 2))
    velocity = velocity / (_SPEED * xp.sqrt(1.0 + (velocity**2).sum(axis=1, keepdims=True) / _FASTEST**2))
    record = memory.response
    if response is None:
        response, record = estimate_response(_turned(states[:, 4:6], cos, sin, xp), memory.outputs[..., :2], record)
        response = softened(response, _STRONGEST)
    parts = [seen, _CHANGE * (motion - memory.motion), memory.outputs[:, :REMEMBERED].reshape(count, -1)]
    parts += [_turned(velocity, cos, sin, xp), _turned(integral, cos, sin, xp), response]
    return xp.concatenate(parts, -1), PolicyMemory(motion, memory.outputs, integral, record)


def remember(memory: PolicyMemory, components: Any, trims: Any, xp: Any = np) -> PolicyMemory:
    """The memory with the components (N, 3) that were asked for now, dyn and dyn cm, beside trim's (3,) or (N, 3)."""
    units = np.array([entry.scale for entry in OUTPUT_ENTRIES])
    asked = softened((components - trims) / units, _ASKED)
    return memory._replace(outputs=xp.concatenate([asked[:, None], memory.outputs[:, :-1]], 1))


def _turned(vectors: Any, cos: Any, sin: Any, xp: Any) -> Any:
    """Vectors (N, 2) of the world's frame along and across the head-thorax."""
    x, y = vectors[:, 0], vectors[:, 1]
    return xp.stack([cos * x + sin * y, cos * y - sin * x], -1)
