"""What a decision costs: time on this machine. It differs from run to run, so it has a table of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from controllers.evaluation.flights import make_controller
from controllers.evaluation.plan import Pilot
from controllers.evaluation.tables import Row
from controllers.learning.kernel import CompiledNetwork
from controllers.learning.storage import load_network
from mothsim.benchmark import best_time
from mothsim.body import MothBody
from mothsim.flight import Task, moth_seeds, steady_start
from mothsim.trajectories import make_trajectory

_CALLS, _REPEATS = 5, 20


def decision_costs(pilots: Sequence[Pilot], *, progress: bool = False) -> list[Row]:
    """A row a pilot: us of a whole decision of one hovering moth, and of the network's part; segments simulated."""
    return [_cost(pilot) for pilot in tqdm(pilots, desc="timing", unit="pilot", disable=not progress, leave=False)]


def _cost(pilot: Pilot) -> Row:
    controller, trajectory = make_controller(pilot), make_trajectory("hover")
    body = getattr(controller, "default_body", MothBody())
    controller.reset(Task(trajectory, body, 1.0, moth_seeds(0, 1)[1]))
    state = steady_start(trajectory, body)[None]
    network = None
    if pilot.file:
        compiled, inputs = CompiledNetwork(load_network(Path(pilot.file))), np.ones((1, 10))
        network = _microseconds(lambda: compiled(inputs))
    decision = _microseconds(lambda: controller.control(state, 0.0))
    segments = getattr(controller, "segments", 0)
    return {"pilot": pilot.name, "decision_us": decision, "network_us": network, "segments": segments}


def _microseconds(work: Callable[[], object]) -> float:
    def repeated() -> None:
        for _ in range(_CALLS):
            work()

    return 1e6 * best_time(repeated, _REPEATS) / _CALLS
