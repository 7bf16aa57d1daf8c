"""How a moth's velocity responds to a policy's outputs, estimated in flight by least squares with forgetting.

The change of the change of velocity is regressed on the changes of the last outputs, along and across the head-thorax
each by itself: a finite impulse response (Ljung 1999, System Identification, chapter 11). It shows by how much what is
seen is delayed, and how heavy the moth is, which nobody tells the policy. Forgetting takes half a second.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

LAGS = 4
"""Decisions back to which a response is looked for: up to 60 ms of delay."""
RESPONSES = 2 * LAGS
"""Numbers in an estimate."""

_KEPT = 0.96  # from decision to decision, of what came before
_RIDGE, _LEAST = 1e-3, 1e-9  # of the regression: relative to the outputs' changes, and where there were none
_NOMINAL = np.array([56.0, 37.0])  # cm/s, change of velocity by an output of one, of the nominal body


class ResponseRecord(NamedTuple):
    """What N moths remember of their responses, along and across.

    Attributes:
        velocity, change: (N, 2) last velocity along and across, and its last change, cm/s.
        gram: (N, 2, 4, 4) products of the outputs' changes with one another, and `moment` (N, 2, 4) with the
            velocity's change of change; older ones count less.
    """

    velocity: Any
    change: Any
    gram: Any
    moment: Any


def no_record(velocity: Any, xp: Any = np) -> ResponseRecord:
    """Record of moths that begin a flight at a velocity (N, 2) along and across, cm/s."""
    moths = len(velocity)
    return ResponseRecord(velocity, xp.zeros((moths, 2)), xp.zeros((moths, 2, LAGS, LAGS)), xp.zeros((moths, 2, LAGS)))


def estimate_response(velocity: Any, outputs: Any, record: ResponseRecord) -> tuple[Any, ResponseRecord]:
    """Estimate the response after one more decision.

    Args:
        velocity: (N, 2) along and across, cm/s.
        outputs: (N, 5, 2) of the last decisions along and across, the last first.
        record: of the decision before.

    Returns:
        Estimates (N, 8), and the record. The first four are the response along to the output of one to four decisions
        ago, the others that across, each as a share of the nominal body's.
    """
    outputs, change = outputs.transpose(0, 2, 1), velocity - record.velocity
    steps = outputs[..., :-1] - outputs[..., 1:]
    gram = _KEPT * record.gram + steps[..., :, None] * steps[..., None, :]
    moment = _KEPT * record.moment + steps * (change - record.change)[..., None]
    ridge = _RIDGE * np.trace(gram, axis1=-2, axis2=-1)[..., None, None] / LAGS + _LEAST
    response = np.linalg.solve(gram + ridge * np.eye(LAGS), moment[..., None])[..., 0] / _NOMINAL[:, None]
    return response.reshape(len(response), -1), ResponseRecord(velocity, change, gram, moment)
