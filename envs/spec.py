"""Gymnasium's specification of an environment, complete and as JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, fields
from enum import Enum
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec

from mothsim.body import MothBody
from mothsim.perturbations import Perturbation
from mothsim.trajectories import Trajectory, make_trajectory


class TrackSpec(EnvSpec):
    """Specification whose options may be objects: paths, bodies and trajectories."""

    def to_json(self) -> str:
        """JSON from which `EnvSpec.from_json` and `gymnasium.make` make the same environment.

        A trajectory made by name, or from a file, is written so. One of the user's own functions has no text that
        it could be made from: its entry says so, and making an environment from it raises a ValueError.
        """
        plain = copy(self)
        plain.kwargs = _plain(self.kwargs)
        return EnvSpec.to_json(plain)


def complete_spec(spec: EnvSpec | None, max_episode_steps: int) -> TrackSpec | None:
    """Specification with the time limit that the environment itself keeps, in decisions."""
    if spec is None:
        return None
    values: dict[str, Any] = {field.name: getattr(spec, field.name) for field in fields(spec) if field.init}
    values["max_episode_steps"] = max_episode_steps
    return TrackSpec(**values)


def _plain(value: Any) -> Any:
    """Value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if callable(value):  # a target that is a function
        value = make_trajectory(value)
    if isinstance(value, Trajectory):
        return value.name if _by_name(value) else f"Trajectory {value.name!r} of functions, which JSON cannot hold"
    if isinstance(value, (MothBody, Perturbation)):
        return asdict(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Enum):
        return value.value
    return value.item() if isinstance(value, np.generic) else value


def _by_name(trajectory: Trajectory) -> bool:
    """Whether the trajectory is what its name makes."""
    try:
        return make_trajectory(trajectory.name) == trajectory
    except ValueError:
        return False
