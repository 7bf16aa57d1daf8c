"""Control laws that decide for one moth, as controllers of many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from mothsim.flight import Task
from mothsim.solver.propagate import SEGMENT

Array = NDArray[np.floating]
Law = Callable[[Array, float, Task], Any]


class SingleMothController:
    """A controller of N moths that asks a law for one moth after the other, made by `single`."""

    def __init__(self, law: Law, period: float) -> None:
        self.law, self.period = law, period
        self.__doc__ = law.__doc__

    def reset(self, task: Task) -> None:
        """Remember each moth's own task, with its one random stream."""
        self._tasks = [replace(task, seeds=(seed,)) for seed in task.seeds]

    def control(self, states: Array, time: float) -> Array:
        """Controls (N, 4) for states (N, 8).

        Raises:
            ValueError: the law gave something else than four numbers.
        """
        controls = np.empty((len(states), 4))
        for row, task in enumerate(self._tasks):
            given = self.law(states[row], time, task)
            try:
                control = np.asarray(given, dtype=np.float64)
            except (TypeError, ValueError):
                raise ValueError(f"{_name(self.law)} gave {given!r}: expected four numbers") from None
            if control.shape != (4,):
                raise ValueError(f"{_name(self.law)} gave shape {control.shape}: expected (4,)")
            controls[row] = control
        return controls


@overload
def single(law: Law) -> SingleMothController: ...
@overload
def single(*, period: float = SEGMENT) -> Callable[[Law], SingleMothController]: ...
def single(
    law: Law | None = None, *, period: float = SEGMENT
) -> SingleMothController | Callable[[Law], SingleMothController]:
    """Make a controller of a law for one moth: `@mothsim.single`, or `@mothsim.single(period=0.005)`.

    Args:
        law: a function `law(state, time, task)` of a state (8,), a time in s and the `Task`, to a control (4,),
            `[force, angle, abdomen_torque, wing_torque]`. It keeps nothing from one decision to the next.
        period: s from decision to decision.

    Raises:
        ValueError: the law is not a function.
    """
    if law is None:
        return lambda law: single_with(law, period)
    return single_with(law, period)


def single_with(law: Law, period: float) -> SingleMothController:
    """A controller of a law for one moth, which decides every `period` s; see `single`."""
    if not callable(law) or isinstance(law, type):
        raise ValueError(f"law = {law!r}: expected a function of a state (8,), a time and a task")
    return SingleMothController(law, period)


def _name(law: Law) -> str:
    return getattr(law, "__name__", repr(law))
