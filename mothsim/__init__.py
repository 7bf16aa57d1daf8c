"""Closed-loop flight of a simulated hawkmoth: the body, its equations, the engine, targets and flights."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mothsim.registry import register_environments

if TYPE_CHECKING:
    from mothsim import metrics
    from mothsim.body import MothBody
    from mothsim.disturbances import Disturbances
    from mothsim.flight import Controller, Flight, Task, fly
    from mothsim.records import load_flights, save_flights
    from mothsim.solver.propagate import SEGMENT, Propagation, propagate, warm_up
    from mothsim.trajectories import Trajectory, make_trajectory

__all__ = [
    "SEGMENT",
    "Controller",
    "Disturbances",
    "Flight",
    "MothBody",
    "Propagation",
    "Task",
    "Trajectory",
    "fly",
    "load_flights",
    "make_trajectory",
    "metrics",
    "propagate",
    "save_flights",
    "warm_up",
]
__version__ = "0.1.0"

_MODULES = {
    "body": ("MothBody",),
    "disturbances": ("Disturbances",),
    "flight": ("Controller", "Flight", "Task", "fly"),
    "records": ("load_flights", "save_flights"),
    "solver.propagate": ("SEGMENT", "Propagation", "propagate", "warm_up"),
    "trajectories": ("Trajectory", "make_trajectory"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name, or a module of the package, when it is first asked for."""
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    else:
        try:
            value = import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


register_environments()
