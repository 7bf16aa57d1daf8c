"""The chain that the velocity outputs are for: a network flown open loop on its own predictions.

Zahn et al. 2022 have their networks predict the velocities at a segment's end, so that a next segment can begin from
them. Along the poses of a flight that was really flown, the network is given the first state and no other: each next
one is the pose that was asked for, with the velocities that it predicted. What counts is how long the moth that its
controls fly keeps to those poses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import applied, from_components
from mothsim.controllers.lqr import LQR
from mothsim.controllers.networks.network import CONTROLS, Network
from mothsim.controllers.networks.network_inputs import network_inputs
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.flight import Flight, fly
from mothsim.solver.propagate import propagate
from mothsim.tables import Row

OFF = 1.0
"""Distance from the flight at which a chain ends, cm."""
_LONGEST = 50  # segments


def reference_flight(starts: int, seed: int = 0, segments: int = _LONGEST) -> Flight:
    """Flights along the sum of primes, by LQR from random starts: poses within reach, one after the other."""
    return fly(LQR(), "sum-of-primes", duration=0.02 * (segments + 1), moths=starts, seed=seed)


def predicts(network: Network) -> bool:
    """Whether a network is an inverse model of three controls, with the velocities at the segment's end after them."""
    return network.kind == "inverse-model" and not network.fully_actuated


def chain_lengths(network: Network, flight: Flight, off: float = OFF) -> NDArray[np.int64]:
    """Whole segments (N,) flown open loop before the joint is more than `off` cm from the flight's.

    Args:
        network: the inverse model.
        flight: of N moths; a chain that lasts to its end has its length, less one decision.
        off: cm.

    Raises:
        ValueError: a network of another kind; a flight of a single moth, or one in which a moth was lost.
    """
    if not predicts(network):
        raise ValueError(
            f"network answers with {len(network.output_names)} outputs: expected an inverse model of seven"
        )
    states = flight.states
    if states.ndim != 3 or not np.isfinite(states).all():
        raise ValueError(f"flight has states {states.shape}: expected (N, T, 8), and no moth lost")
    evaluate = CompiledNetwork(network)
    predicted, true = states[:, 0].copy(), states[:, 0]
    lengths, on = np.zeros(len(states), np.int64), np.ones(len(states), np.bool_)
    for step in range(states.shape[1] - 1):
        poses = states[:, step + 1, :4]
        outputs = evaluate(network_inputs(predicted, poses))
        components = np.pad(outputs[:, :CONTROLS], [(0, 0), (0, 1)])
        true = propagate(true, applied(from_components(components), flight.body), body=flight.body).states
        # Outputs are xdot, ydot, phidot, thetadot; NaN, where the engine gave up, is off too.
        predicted = np.concatenate([poses, outputs[:, [3, 4, 6, 5]]], axis=1)
        on &= np.hypot(*(true[:, :2] - poses[:, :2]).T) <= off
        lengths += on
        if not on.any():
            break
        true = np.where(on[:, None], true, states[:, step + 1])  # whoever is off flies on unharmed, uncounted
    return lengths


def chain_table(networks: Sequence[tuple[str, Network]], starts: int = 100, seed: int = 0) -> list[Row]:
    """A row a network: its weights and sparsity, and median and quartiles of its chains' lengths in segments."""
    flight = reference_flight(starts, seed)
    rows = []
    for name, network in networks:
        low, middle, high = np.quantile(chain_lengths(network, flight), [0.25, 0.5, 0.75])
        size = {"network": name, "weights": network.connections, "sparsity": round(network.sparsity, 4)}
        rows.append({**size, "segments": float(middle), "segments_low": float(low), "segments_high": float(high)})
    return sorted(rows, key=lambda row: -row["weights"])
