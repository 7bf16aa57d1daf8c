"""Closed-loop flight of a simulated hawkmoth: the body, its equations, the engine, targets and flights."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mothsim.gym_registration import register_environments

if TYPE_CHECKING:
    from mothsim import metrics
    from mothsim.actuation import from_components, to_components
    from mothsim.body import MothBody, make_body
    from mothsim.disturbances import Disturbances
    from mothsim.equations_of_motion import state_rates
    from mothsim.flight import Controller, Flight, Task, fly
    from mothsim.records import load_flights, save_flights
    from mothsim.single_moth import single
    from mothsim.solver.propagate import SEGMENT, Propagation, propagate, warm_up
    from mothsim.trajectories import Trajectory, make_trajectory
    from mothsim.trim import Linearisation, Trim, find_trim, linearise

__all__ = [
    "SEGMENT",
    "Controller",
    "Disturbances",
    "Flight",
    "Linearisation",
    "MothBody",
    "Propagation",
    "Task",
    "Trajectory",
    "Trim",
    "find_trim",
    "fly",
    "from_components",
    "linearise",
    "load_flights",
    "make_body",
    "make_trajectory",
    "metrics",
    "propagate",
    "save_flights",
    "single",
    "state_rates",
    "to_components",
    "warm_up",
]
__version__ = "0.1.0"

_MODULES = {
    "actuation": ("from_components", "to_components"),
    "body": ("MothBody", "make_body"),
    "disturbances": ("Disturbances",),
    "flight": ("Controller", "Flight", "Task", "fly"),
    "records": ("load_flights", "save_flights"),
    "solver.propagate": ("SEGMENT", "Propagation", "propagate", "warm_up"),
    "single_moth": ("single",),
    "equations_of_motion": ("state_rates",),
    "trajectories": ("Trajectory", "make_trajectory"),
    "trim": ("Linearisation", "Trim", "find_trim", "linearise"),
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
