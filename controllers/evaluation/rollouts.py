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
from joblib import Parallel, delayed

from mothsim import controllers
from mothsim.body import MothBody
from mothsim.controllers.evaluation.scenarios import Condition, Course, Job, Pilot
from mothsim.controllers.guidance.lqr_weights import Weights
from mothsim.controllers.guidance.stability import airworthiness, suited_weights
from mothsim.controllers.learning.protocols import HIDDEN
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import load_network
from mothsim.disturbances import Disturbances
from mothsim.flight import Controller, Flight, fly
from mothsim.io import write_atomically
from mothsim.metrics import RECOVERED_AFTER, effort, recovered
from mothsim.tables import Row, as_csv, grouped, read_table

COLUMNS = (
    "pilot", "family", "run", "level", "weights", "loss", "task", "condition", "start",
    "lost", "lost_after_s", "recovered", "rms_error_cm", "max_error_cm", "effort_weights",
)  # fmt: skip
"""Of the table of flights. `family` is how a network was made, `run` which of its family it belongs to."""


def fly_all(
    jobs: Sequence[Job], folder: Path, *, workers: int = 1, report: Callable[[], object] | None = None
) -> list[Row]:
    """The rows of all flights, in the order of the jobs; those that the folder holds are not flown again.

    Args:
        jobs: what to fly.
        folder: where `parts` is kept.
        workers: processes.
        report: called once for every job, at once for those that are not flown again.
    """
    parts = folder / "parts"
    missing = [job for job in jobs if not _part(parts, job).exists()]
    # One process a core and one thread a process: a batch of a few dozen moths is too short to share.
    work = Parallel(workers, return_as="generator_unordered", inner_max_num_threads=1) if workers > 1 else None
    flown = work(delayed(_fly_part)(job, parts) for job in missing) if work else (_fly_part(j, parts) for j in missing)
    for _ in chain(range(len(jobs) - len(missing)), flown):
        if report:
            report()
    return [row for job in jobs for row in read_table(_part(parts, job))]


def describe_all(pilots: Sequence[Pilot], folder: Path) -> list[Row]:
    """A row a network: how it was made, how large it is, and what its slope at trim says by the usual guidance.

    `gentleness` is how many times dearer control is in the guidance that it is flown by (one for the usual guidance).
    """
    rows = []
    for pilot in pilots:
        if pilot.file:
            file = folder / "parts" / f"{pilot.checksum[:24]}.json"
            if not file.exists():
                write_atomically(file, json.dumps(_description(load_network(Path(pilot.file)))).encode())
            rows.append({**origin(pilot), **json.loads(file.read_text(encoding="utf-8"))})
    return rows


def _part(parts: Path, job: Job) -> Path:
    return parts / f"{job.key}.csv"


def _fly_part(job: Job, parts: Path) -> None:
    rows = [{**origin(job.pilot), **row} for row in measure(job, fly_job(job))]
    write_atomically(_part(parts, job), as_csv(rows, COLUMNS))


def fly_job(job: Job) -> Flight:
    """The flights of a job."""
    course, condition = job.course, job.condition
    noise = condition.sensor_noise * ranges(course) if condition.sensor_noise else ()
    controller = make_controller(job.pilot)
    told = getattr(controller, "default_body", MothBody())
    return fly(
        controller,
        course.trajectory,
        duration=course.duration,
        seed=job.seed,
        moths=job.starts,
        body=condition.body(told),
        believed_body=told,
        disturbances=Disturbances(sensor_noise=tuple(noise), delay=condition.delay, gusts=condition.gusts),
        start_scale=course.start_scale,
    )


def make_controller(pilot: Pilot) -> Controller:
    """The pilot's controller."""
    return controllers.make(pilot.controller, **({"network": pilot.file} if pilot.file else {}))


def measure(job: Job, flight: Flight) -> list[Row]:
    """A row a flight."""
    period = flight.times[1] - flight.times[0] if len(flight.times) > 1 else 0.0
    flown = np.isfinite(flight.errors).sum(axis=1)
    back = recovered(flight) if flight.times[-1] >= RECOVERED_AFTER else None
    efforts = effort(flight)
    return [
        {
            "task": job.course.name,
            "condition": job.condition.name,
            "start": i,
            "lost": bool(flight.lost[i]),
            "lost_after_s": float(round(flown[i] * period, 9)) if flight.lost[i] else None,
            "recovered": None if back is None else bool(back[i]),
            "rms_error_cm": float(flight.rms_error[i]),
            "max_error_cm": float(flight.max_error[i]),
            "effort_weights": float(efforts[i]),
        }
        for i in range(job.starts)
    ]


@lru_cache(maxsize=64)
def ranges(course: Course) -> np.ndarray:
    """The range (8,) of each state in the undisturbed flight of LQR on a course, from eight starts."""
    job = Job(Pilot("lqr", "lqr"), course, Condition(), 8, 0)
    states = fly_job(job).states
    return np.nanmax(states, axis=(0, 1)) - np.nanmin(states, axis=(0, 1))


@lru_cache(maxsize=4096)
def origin(pilot: Pilot) -> Row:
    """What the table of flights says of a pilot."""
    if pilot.file is None:
        return {"pilot": pilot.name, "family": pilot.name, "run": "", "level": None, "weights": None, "loss": None}
    network = load_network(Path(pilot.file))
    return {
        "pilot": pilot.name,
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
    verdict, compiled = airworthiness(network), CompiledNetwork(network)
    return {
        "sparsity": network.sparsity,
        "dead_outputs": len(network.info.get("dead_outputs", [])),
        "spectral_radius": verdict.spectral_radius,
        "trim_offset_cm": verdict.offset,
        "gentleness": Weights().thrust / suited_weights(network, MothBody()).thrust,
        "multiply_adds": compiled.multiply_adds,
        "bytes": compiled.bytes,
    }


def by_task(rows: Sequence[Row], condition: str = "nominal") -> dict[str, list[Row]]:
    """Flights under a condition, by task."""
    return grouped((row for row in rows if row["condition"] == condition), lambda row: row["task"])


def failed(row: Row) -> bool:
    """Whether a flight was lost, or in `recover` did not come back."""
    back = row["recovered"] if row["task"].startswith("recover") else None
    return row["lost"] if back is None else not back
