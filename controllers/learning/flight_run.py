"""A training through the flight on disk: killed at any moment, it goes on and ends in the same bits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

import numpy as np

from mothsim.controllers.guidance.kinematic_stability import select_kinematic_gains
from mothsim.controllers.inverse_model import GAINS, WAYPOINT
from mothsim.controllers.learning.data import TESTING, make_dataset
from mothsim.controllers.learning.flight_training import FlightSettings, FlightState, FlightTrainer
from mothsim.controllers.learning.train_and_prune import TEST_SEED, TEST_SEGMENTS
from mothsim.controllers.learning.trees import named_leaves, tree_from_leaves
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network, pack, save_network, unpack
from mothsim.io import write_atomically

_SAVE_EVERY = 10.0  # s
_CURVE_POINTS = 100
TRAINING = "flight_training"
"""Where a network's `info` has the settings of this training, and what it was trained from."""


def train_through_flight(
    network: Network,
    file: Path,
    settings: FlightSettings | None = None,
    callback: Callable[[FlightState], object] | None = None,
) -> Network:
    """Train a network on through its flight, from wherever an interrupted training stands.

    Args:
        network: an inverse model, dense or pruned.
        file: where the result is kept; one that is there already is not made again.
        settings: of the training.
        callback: called after every step.

    Raises:
        ValueError: the file holds a network that was made otherwise, or the network is of a fully actuated moth.
    """
    if network.fully_actuated:
        raise ValueError("network gives a wing torque: expected an inverse model of three controls")
    settings = settings or FlightSettings()
    identity = {**asdict(settings), "from": network.checksum}
    if file.exists():
        found = load_network(file)
        if found.info.get(TRAINING) != identity:
            raise ValueError(f"{file}: holds a network that was made otherwise; expected another file, or none")
        return found
    data = make_dataset(settings.segments, settings.seed, scaling=network.scaling)
    trainer = FlightTrainer(network, select_kinematic_gains(network), data, settings)
    progress = file.with_name(f".{file.name}.progress")
    state = _resumed(progress, identity, trainer.start())
    saved = time.monotonic()
    while len(state.curve) < settings.steps:
        state = trainer.step(state)
        if callback:
            callback(state)
        if time.monotonic() - saved > _SAVE_EVERY:
            write_atomically(progress, _packed(state, identity))
            saved = time.monotonic()
    trained = trainer.finish(state, _info(trainer, state, identity))
    save_network(trained, file)
    progress.unlink(missing_ok=True)
    return trained


def tested_loss(network: Network) -> float:
    """Loss of an inverse model on the segments that every network is tested on."""
    scaling = network.scaling
    tests = make_dataset(TEST_SEGMENTS, TEST_SEED, TESTING, scaling=scaling)
    inputs = (tests.inputs + 0.5) * (scaling.input_max - scaling.input_min) + scaling.input_min
    return network.loss(inputs, scaling.unscale_outputs(tests.outputs))


def _info(trainer: FlightTrainer, state: FlightState, identity: dict[str, Any]) -> dict[str, Any]:
    points = np.array_split(state.curve, min(_CURVE_POINTS, len(state.curve)))
    return {
        WAYPOINT: "kinematic",
        GAINS: list(astuple(trainer.gains(state))),
        TRAINING: identity,
        "flight_curve": [[float(f"{value:.4g}") for value in part.mean(axis=0)] for part in points],
        "test_loss": tested_loss(trainer.finish(state, {})),
    }


def _packed(state: FlightState, identity: dict[str, Any]) -> bytes:
    tensors = named_leaves((state.parameters, state.optimiser))
    return pack({**tensors, "curve": state.curve}, {"identity": identity})


def _resumed(file: Path, identity: dict[str, Any], start: FlightState) -> FlightState:
    """An interrupted training of the same identity where there is a sound one, else the start."""
    try:
        tensors, header = unpack(file)
        parameters, optimiser = tree_from_leaves(tensors, (start.parameters, start.optimiser))
    except ValueError:
        return start
    if header.get("identity") != identity:
        return start
    return FlightState(parameters, optimiser, tensors["curve"])
