"""Fly batches of rollouts over all cores; interrupted work goes on, and ends in the same table to the byte.

Every finished batch is a file in the folder `parts`, see `mothsim.controllers.evaluation.parts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mothsim import controllers
from mothsim.body import MothBody
from mothsim.controllers.evaluation.parts import Parts, print_line
from mothsim.controllers.evaluation.scenarios import ControllerSpec, RolloutBatch
from mothsim.controllers.evaluation.sources import module_sources
from mothsim.controllers.guidance.lqr_weights import LQRWeights
from mothsim.controllers.guidance.stability import closed_loop_stability, select_lqr_weights
from mothsim.controllers.informed import Informed
from mothsim.controllers.inverse_model import InverseModel, own_waypoint
from mothsim.controllers.learning.protocols import HIDDEN
from mothsim.controllers.learning.pruning import effective_connectivity
from mothsim.controllers.networks.network import CONTROLS, Network
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import find_network
from mothsim.flight import Controller, Flight, fly
from mothsim.import_path import is_import_path
from mothsim.metrics import RECOVERED_AFTER, body_swing, effort, recovered
from mothsim.tables import Row, Schema, grouped
from mothsim.workers import run_tasks

COLUMNS: Schema = {
    "controller": str, "family": str, "help": str, "run": str, "level": float, "weights": int, "dead_controls": int,
    "loss": float, "task": str, "perturbation": str, "start": int, "lost": bool, "lost_after_s": float,
    "recovered": bool, "rms_error_cm": float, "max_error_cm": float, "body_swing_deg": float, "control_effort": float,
}  # fmt: skip
"""Columns of the table of flights: `family` is how a network was made, `help` what flies beside it (nothing, or LQR
guidance with the engine; empty of controllers without a network), `run` the seed of its training, `level` its
sparsity in per cent, `dead_controls` how many of its three control outputs no input reaches; `recovered` has a value
in `recover` tasks, and `body_swing_deg` is how the body angle still varies in the last second."""
ALONE, GUIDED, ENGINE = "nothing", "LQR, engine", "engine"
"""Values of `help`."""
NETWORK_COLUMNS: Schema = {
    "sparsity": float, "dead_outputs": int, "spectral_radius": float, "trim_offset_cm": float,
    "control_cost_scale": float, "multiply_adds": int, "bytes": int,
}  # fmt: skip


@dataclass(frozen=True)
class Flown:
    """The flights of an evaluation.

    Attributes:
        rows: of `COLUMNS`, in the order of the batches, without those of controllers that failed.
        failures: a message for each controller that could not be flown, by its name.
    """

    rows: list[Row]
    failures: dict[str, str]


def fly_all(
    batches: Sequence[RolloutBatch],
    folder: Path,
    *,
    workers: int | None = 1,
    callback: Callable[[], object] | None = None,
    log: Callable[[str], object] = print_line,
) -> Flown:
    """Fly all batches; those that the folder holds are not flown again.

    Args:
        batches: what to fly.
        folder: where `parts` is kept.
        workers: processes; none leaves it to `joblib.parallel_config`.
        callback: called once for every batch, at once for those that are not flown again.
        log: called with a line for every damaged part.
    """
    parts, sources = Parts(folder.resolve() / "parts", log), module_sources(__name__)
    keys = {batch: batch.key(sources) for batch in batches}
    found = {batch: parts.read(key, COLUMNS) for batch, key in keys.items()}
    missing = [(batch, keys[batch], parts) for batch in batches if found[batch] is None]
    failures: dict[str, str] = {}
    # One process a core and one thread a process: a batch of a few dozen moths is too short to share.
    flown = run_tasks(_fly_and_save, missing, workers, threads=1)
    done = callback or (lambda: None)
    for _ in range(len(batches) - len(missing)):
        done()
    for batch, rows, failure in flown:
        found[batch] = rows
        if failure:
            failures[batch.spec.name] = failure
        done()
    rows = [row for batch in batches if batch.spec.name not in failures for row in found[batch] or ()]
    return Flown(rows, failures)


def _fly_and_save(batch: RolloutBatch, key: str, parts: Parts) -> tuple[RolloutBatch, list[Row], str]:
    """Fly a batch; returns its rows, or why it could not be flown."""
    try:
        rows = [{**origin(batch.spec), **row} for row in measure(batch, fly_batch(batch))]
    except (ValueError, ArithmeticError) as error:
        return batch, [], str(error) or type(error).__name__
    except Exception as error:
        if not is_import_path(batch.spec.controller):
            raise
        return batch, [], f"{type(error).__name__}: {error}"  # the user's own code may raise any
    parts.write(key, rows, COLUMNS)
    return batch, rows, ""


def unreadable(specs: Sequence[ControllerSpec]) -> dict[str, str]:
    """Find the specs whose network cannot be read; returns a message for each, by name."""
    messages = {}
    for spec in specs:
        try:
            origin(spec)
        except (ValueError, OSError) as error:
            messages[spec.name] = str(error)
    return messages


def describe_all(specs: Sequence[ControllerSpec], folder: Path, log: Callable[[str], object] = print_line) -> list[Row]:
    """Describe networks, a row each: how it was made, how large it is, and its closed loop linearised about trim.

    `control_cost_scale` multiplies the cost of control in the guidance that it is flown by (1 is the default guidance);
    none of networks that fly alone.

    Args:
        specs: those without a network have no row.
        folder: where `parts` is kept.
        log: called with a line for every damaged part.
    """
    parts, sources = Parts(folder / "parts", log), module_sources(__name__)
    rows = []
    for spec in specs:
        if spec.file:
            key = hashlib.sha256(f"network {spec.checksum} {spec.waypoint} {sources}".encode()).hexdigest()[:24]
            described = parts.read(key, NETWORK_COLUMNS)
            if described is None:
                described = [_description(find_network(spec.file), spec.waypoint)]
                parts.write(key, described, NETWORK_COLUMNS)
            rows.append({**origin(spec), **described[0]})
    return rows


def with_failures(networks: Sequence[Row], failures: Mapping[str, str]) -> list[Row]:
    """Return the rows of networks with the column `failure`, and a row for each controller that could not be flown.

    Args:
        networks: of `describe_all`.
        failures: messages by the names of controllers.
    """
    columns = networks[0] if networks else ("controller",)
    failed = [{**dict.fromkeys(columns), "controller": name, "failure": why} for name, why in failures.items()]
    return [*({**row, "failure": ""} for row in networks), *failed]


def fly_batch(batch: RolloutBatch) -> Flight:
    """Fly a batch."""
    scenario, perturbation = batch.scenario, batch.perturbation
    controller = make_controller(batch.spec)
    nominal = getattr(controller, "default_body", MothBody())
    if batch.spec.informed:
        controller = Informed(controller, perturbation.disturbances)
    return fly(
        controller,
        scenario.target(),
        duration=scenario.duration,
        seed=batch.seed,
        moths=batch.starts,
        body=perturbation.body(nominal),
        nominal_body=perturbation.body(nominal) if batch.spec.informed else nominal,
        disturbances=perturbation.disturbances,
        start_scale=scenario.start_scale * perturbation.start_scale,
    )


def make_controller(spec: ControllerSpec) -> Controller:
    """Make the controller of a spec."""
    options = {"network": spec.file} if spec.file else {}
    return controllers.make(spec.controller, **options, **({"waypoint": spec.waypoint} if spec.waypoint else {}))


def measure(batch: RolloutBatch, flight: Flight) -> list[Row]:
    """Measure the flights of a batch, a row each, without the columns of `origin`."""
    flown = np.isfinite(flight.errors).sum(axis=1)
    recovers = batch.scenario.trajectory == "recover" and flight.times[-1] >= RECOVERED_AFTER
    back = recovered(flight) if recovers else None
    swings, efforts = np.degrees(body_swing(flight)), effort(flight)
    return [
        {
            "task": batch.scenario.name,
            "perturbation": batch.perturbation.name,
            "start": i,
            "lost": bool(flight.lost[i]),
            "lost_after_s": float(round(flown[i] * flight.period, 9)) if flight.lost[i] else None,
            "recovered": None if back is None else bool(back[i]),
            "rms_error_cm": float(flight.rms_error[i]),
            "max_error_cm": float(flight.max_error[i]),
            "body_swing_deg": float(swings[i]),
            "control_effort": float(efforts[i]),
        }
        for i in range(batch.starts)
    ]


@lru_cache(maxsize=4096)
def origin(spec: ControllerSpec) -> Row:
    """Return a controller's columns of the table of flights.

    Raises:
        ValueError: its network cannot be read.
    """
    if spec.file is None:
        return {"controller": spec.name, "family": spec.name, "help": "", "run": "", "level": None, "weights": None,
                "dead_controls": None, "loss": None}  # fmt: skip
    network = find_network(spec.file)
    alone = flies_alone(network, spec.waypoint)
    return {
        "controller": spec.name,
        "family": family(network) + (", alone" if alone else "") + (", informed" if spec.informed else ""),
        "help": ALONE if alone and not spec.informed else GUIDED if not alone else ENGINE,
        "run": str(network.info.get("seed", network.info.get("training", {}).get("seed", ""))),
        "level": pruning_level(network),
        "weights": network.connections,
        "dead_controls": sum(output < CONTROLS for output in _dead_outputs(network)),
        "loss": network.info.get("test_loss"),
    }


def flies_alone(network: Network, waypoint: str = "") -> bool:
    """Return whether a network flies alone: a policy, or an inverse model on kinematic waypoints, given or its own."""
    return network.kind == "policy" or (waypoint or own_waypoint(network)) == "kinematic"


def pruning_level(network: Network) -> float:
    """Return the level in per cent that a network was pruned to, or where its file names none, its sparsity."""
    level = network.info.get("level")
    return 100 * network.sparsity if level is None else float(level)


def family(network: Network) -> str:
    """Tell how a network was made: `global` or `layerwise` pruning, `dense` of Zahn et al.'s size, or a `small` one."""
    if network.kind == "policy":
        return "policy"
    whole = pruning_level(network) == 0
    if network.sizes[1:-1] != HIDDEN:
        return "small" if whole else "small, pruned"
    return "dense" if whole else network.info.get("method", "pruned")


def _description(network: Network, waypoint: str) -> Row:
    compiled = CompiledNetwork(network)
    return {
        "sparsity": network.sparsity,
        "dead_outputs": len(_dead_outputs(network)),
        **_stability(network, waypoint),
        "multiply_adds": compiled.multiply_adds,
        "bytes": compiled.bytes,
    }


def _stability(network: Network, waypoint: str) -> Row:
    """Stability of an inverse model's loop about trim, and the scale of its guidance's cost of control, if any.

    A policy has neither: its loop holds no waypoint. Nor has a fully actuated moth's network: the linearised segment
    of the guidance has three controls.
    """
    if network.kind == "policy" or network.fully_actuated:
        return dict.fromkeys(("spectral_radius", "trim_offset_cm", "control_cost_scale"))
    alone = flies_alone(network, waypoint)
    stability = InverseModel(network, waypoint="kinematic").stability() if alone else closed_loop_stability(network)
    scale = None if alone else LQRWeights().thrust / select_lqr_weights(network, MothBody()).thrust
    return {
        "spectral_radius": stability.spectral_radius,
        "trim_offset_cm": stability.offset,
        "control_cost_scale": scale,
    }


def _dead_outputs(network: Network) -> tuple[int, ...]:
    return effective_connectivity(network.masks).dead_outputs


def by_task(rows: Sequence[Row], perturbation: str = "nominal") -> dict[str, list[Row]]:
    """Group the flights under a perturbation by task."""
    return grouped((row for row in rows if row["perturbation"] == perturbation), lambda row: row["task"])


def failed(row: Row) -> bool:
    """Return whether a flight was lost, or in `recover` did not come back."""
    back = row["recovered"] if row["task"].startswith("recover") else None
    return row["lost"] if back is None else not back
