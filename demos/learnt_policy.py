"""What a learner of another library has learnt: as a policy network, and its row beside LQR's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import mothsim
from mothsim import controllers
from mothsim.controllers.networks.network import Network, Scaling
from mothsim.flight import Flight
from mothsim.metrics import recovered

COLUMNS = ("controller", "rms_error_cm", "lost", "recovered", "weights", "minutes", "decisions")
_TEST_SEED = 999

Layer = tuple[Any, Any]
"""Weights (n_in, n_out) and biases (n_out,)."""


def as_network(layers: Sequence[Layer], environment: str, learner: str, seconds: float) -> Network:
    """The layers of a mean action, with tanh between them, as a policy in a policy's own units.

    Args:
        layers: of the network that was trained.
        environment: in which: `Hover`, `Track` or `Recover`, of version 1.
        learner: that trained it.
        seconds: of processor time that the training took.
    """
    weights = [np.asarray(weight, np.float32) for weight, _ in layers]
    biases = [np.asarray(bias, np.float32) for _, bias in layers]
    action_range = np.float32(_options(environment).get("action_range", 1.0))
    weights[-1], biases[-1] = action_range * weights[-1], action_range * biases[-1]
    scaling = Scaling.identity(weights[0].shape[0], weights[-1].shape[1])
    info = {"learner": learner, "environment": environment, "training_seconds": round(seconds, 1)}
    return Network(tuple(weights), tuple(biases), scaling, info, "policy")


def compared_row(
    name: str, environment: str, tests: int, network: Network | None = None, **more: Any
) -> dict[str, Any]:
    """A row of `COLUMNS`: how a policy, or LQR where none is given, flies an environment's task.

    Args:
        name: of the row.
        environment: `Hover`, `Track` or `Recover`, of version 1.
        tests: moths, from starts that no training sees.
        network: a policy.
        more: entries of the row.
    """
    controller = controllers.make("lqr") if network is None else controllers.make("policy", network=network)
    options = _options(environment)
    flights: Flight = mothsim.fly(
        controller, options["trajectory"], duration=options.get("duration", 10.0), moths=tests, seed=_TEST_SEED
    )
    return {
        "controller": name,
        "rms_error_cm": float(np.median(flights.rms_error)),
        "lost": int(flights.lost.sum()),
        "recovered": float(recovered(flights).mean()) if environment == "Recover" else None,
        "weights": network.connections if network else None,
        "minutes": None,
        "decisions": None,
        **more,
    }


def label(name: str) -> str:
    """What a policy is called: its name, or that of its file's folder where all files are called policy."""
    file = Path(name)
    return file.absolute().parent.name if file.stem == "policy" else file.stem


def _options(environment: str) -> dict[str, Any]:
    return gym.spec(f"mothsim/{environment}-v1").kwargs
