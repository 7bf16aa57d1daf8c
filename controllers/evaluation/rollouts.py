"""Flies a plan over all cores; killed at any moment, it goes on, and ends in the same table to the byte.

Every batch of flights is a file in the folder `parts`, named by all that it depends on and written in one piece.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from mothsim import controllers
from mothsim.body import MothBody
from mothsim.controllers.evaluation.scenarios import ControllerSpec, Perturbation, RolloutBatch, Scenario
from mothsim.controllers.guidance.lqr_weights import LQRWeights
from mothsim.controllers.guidance.stability import closed_loop_stability, select_lqr_weights
from mothsim.controllers.learning.protocols import HIDDEN
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import load_network
from mothsim.disturbances import Disturbances
from mothsim.flight import Controller, Flight, fly
from mothsim.io import write_atomically
from mothsim.metrics import RECOVERED_AFTER, effort, recovered
from mothsim.tables import Row, Schema, as_csv, grouped, read_table
from mothsim.workers import run_tasks

COLUMNS: Schema = {
    "controller": str, "family": str, "run": str, "level": float, "weights": int, "loss": float, "task": str,
    "perturbation": str, "start": int, "lost": bool, "lost_after_s": float, "recovered": bool,
    "rms_error_cm": float, "max_error_cm": float, "control_effort": float,
}  # fmt: skip
"""Of the table of flights. `family` is how a network was made, `run` which of its family it belongs to."""


def fly_all(
    batches: Sequence[RolloutBatch], folder: Path, *, workers: int = 1, callback: Callable[[], object] | None = None
) -> list[Row]:
    """The rows of all flights, in the order of the jobs; those that the folder holds are not flown again.

    Args:
        batches: what to fly.
        folder: where `parts` is kept.
        workers: processes.
        callback: called once for every job, at once for those that are not flown again.
    """
    parts = folder / "parts"
    missing = [batch for batch in batches if not _part(parts, batch).exists()]
    # One process a core and one thread a process: a batch of a few dozen moths is too short to share.
    flown = run_tasks(_fly_and_save, ((batch, parts) for batch in missing), workers, threads=1)
    for _ in chain(range(len(batches) - len(missing)), flown):
        if callback:
            callback()
    return [row for batch in batches for row in read_table(_part(parts, batch), COLUMNS)]


def describe_all(specs: Sequence[ControllerSpec], folder: Path) -> list[Row]:
    """A row a network: how it was made, how large it is, and what its slope at trim says by the usual guidance.

    `control_cost_scale` multiplies the cost of control in the guidance that it is flown by (1 is the default guidance).
    """
    rows = []
    for spec in specs:
        if spec.file:
            file = folder / "parts" / f"{spec.checksum[:24]}.json"
            if not file.exists():
                write_atomically(file, json.dumps(_description(load_network(Path(spec.file)))).encode())
            rows.append({**origin(spec), **json.loads(file.read_text(encoding="utf-8"))})
    return rows


def _part(parts: Path, batch: RolloutBatch) -> Path:
    return parts / f"{batch.key}.csv"


def _fly_and_save(batch: RolloutBatch, parts: Path) -> None:
    rows = [{**origin(batch.spec), **row} for row in measure(batch, fly_batch(batch))]
    write_atomically(_part(parts, batch), as_csv(rows, COLUMNS))


def fly_batch(batch: RolloutBatch) -> Flight:
    """The flights of a job."""
    scenario, perturbation = batch.scenario, batch.perturbation
    noise = perturbation.sensor_noise * ranges(scenario) if perturbation.sensor_noise else ()
    controller = make_controller(batch.spec)
    nominal = getattr(controller, "default_body", MothBody())
    return fly(
        controller,
        scenario.trajectory,
        duration=scenario.duration,
        seed=batch.seed,
        moths=batch.starts,
        body=perturbation.body(nominal),
        nominal_body=nominal,
        disturbances=Disturbances(sensor_noise=tuple(noise), delay=perturbation.delay, gusts=perturbation.gusts),
        start_scale=scenario.start_scale,
    )


def make_controller(spec: ControllerSpec) -> Controller:
    """The pilot's controller."""
    return controllers.make(spec.controller, **({"network": spec.file} if spec.file else {}))


def measure(batch: RolloutBatch, flight: Flight) -> list[Row]:
    """A row a flight."""
    period = flight.times[1] - flight.times[0] if len(flight.times) > 1 else 0.0
    flown = np.isfinite(flight.errors).sum(axis=1)
    back = recovered(flight) if flight.times[-1] >= RECOVERED_AFTER else None
    efforts = effort(flight)
    return [
        {
            "task": batch.scenario.name,
            "perturbation": batch.perturbation.name,
            "start": i,
            "lost": bool(flight.lost[i]),
            "lost_after_s": float(round(flown[i] * period, 9)) if flight.lost[i] else None,
            "recovered": None if back is None else bool(back[i]),
            "rms_error_cm": float(flight.rms_error[i]),
            "max_error_cm": float(flight.max_error[i]),
            "control_effort": float(efforts[i]),
        }
        for i in range(batch.starts)
    ]


@lru_cache(maxsize=64)
def ranges(scenario: Scenario) -> np.ndarray:
    """The range (8,) of each state in the undisturbed flight of LQR on a course, from eight starts."""
    batch = RolloutBatch(ControllerSpec("lqr", "lqr"), scenario, Perturbation(), 8, 0)
    states = fly_batch(batch).states
    return np.nanmax(states, axis=(0, 1)) - np.nanmin(states, axis=(0, 1))


@lru_cache(maxsize=4096)
def origin(spec: ControllerSpec) -> Row:
    """What the table of flights says of a pilot."""
    if spec.file is None:
        return {"controller": spec.name, "family": spec.name, "run": "", "level": None, "weights": None, "loss": None}
    network = load_network(Path(spec.file))
    return {
        "controller": spec.name,
        "family": family(network),
        "run": str(network.info.get("seed", "")),
        "level": float(network.info.get("level", 100 * network.sparsity)),
        "weights": network.connections,
        "loss": network.info.get("test_loss"),
    }


def family(network: Network) -> str:
    """How a network was made: `global` or `layerwise` pruning, `dense` of Zahn et al.'s size, or a `small` one."""
    whole = network.info.get("level", 100 * network.sparsity) == 0
    if network.sizes[1:-1] != HIDDEN:
        return "small" if whole else "small, pruned"
    return "dense" if whole else network.info.get("method", "pruned")


def _description(network: Network) -> Row:
    stability, compiled = closed_loop_stability(network), CompiledNetwork(network)
    return {
        "sparsity": network.sparsity,
        "dead_outputs": len(network.info.get("dead_outputs", [])),
        "spectral_radius": stability.spectral_radius,
        "trim_offset_cm": stability.offset,
        "control_cost_scale": LQRWeights().thrust / select_lqr_weights(network, MothBody()).thrust,
        "multiply_adds": compiled.multiply_adds,
        "bytes": compiled.bytes,
    }


def by_task(rows: Sequence[Row], perturbation: str = "nominal") -> dict[str, list[Row]]:
    """Flights under a condition, by task."""
    return grouped((row for row in rows if row["perturbation"] == perturbation), lambda row: row["task"])


def failed(row: Row) -> bool:
    """Whether a flight was lost, or in `recover` did not come back."""
    back = row["recovered"] if row["task"].startswith("recover") else None
    return row["lost"] if back is None else not back
