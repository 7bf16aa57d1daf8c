"""Closed-loop flight of a simulated hawkmoth: the body, its equations, the engine, targets and flights."""

from mothsim import metrics
from mothsim.body import MothBody
from mothsim.disturbances import Disturbances
from mothsim.flight import Controller, Flight, Task, fly
from mothsim.registry import register_environments
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
    "make_trajectory",
    "metrics",
    "propagate",
    "warm_up",
]
__version__ = "0.1.0"

register_environments()
