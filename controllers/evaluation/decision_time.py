"""Measure the time of a decision on this machine: a table of its own, as it differs from run to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.evaluation.rollouts import make_controller
from mothsim.controllers.evaluation.scenarios import ControllerSpec
from mothsim.controllers.networks.dense_inference import dense_forms
from mothsim.controllers.networks.network import Kind, Network, Scaling
from mothsim.controllers.networks.sparse_inference import CompiledNetwork
from mothsim.controllers.networks.storage import find_network
from mothsim.flight import Task, moth_seeds, steady_start
from mothsim.progress import ProgressBar
from mothsim.tables import Row
from mothsim.timing import microseconds
from mothsim.trajectories import make_trajectory

_CALLS, _REPEATS = 5, 20


def decision_costs(specs: Sequence[ControllerSpec], *, progress: bool = False) -> list[Row]:
    """Time the decisions of controllers, a row each, for one hovering moth.

    Columns: `control_step_us`, a whole decision; `network_us`, its network alone; `dense_us`, a dense network of the
    same layers, the faster of numpy and jitted JAX; `segments`, how many a decision simulates.
    """
    return [
        _cost(spec) for spec in ProgressBar(specs, desc="timing", unit="controller", disable=not progress, leave=False)
    ]


def _cost(spec: ControllerSpec) -> Row:
    controller, trajectory = make_controller(spec), make_trajectory("hover")
    body = getattr(controller, "default_body", MothBody())
    controller.reset(Task(trajectory, body, 1.0, moth_seeds(0, 1)[1]))
    state = steady_start(trajectory, body)[None]
    row: Row = {"controller": spec.name, "control_step_us": _microseconds(lambda: controller.control(state, 0.0))}
    row |= {"network_us": None, "dense_us": None, "segments": getattr(controller, "segments", 0)}
    if spec.file:
        network = find_network(spec.file)
        compiled, inputs = CompiledNetwork(network), np.ones((1, network.sizes[0]))
        row |= {"network_us": _microseconds(lambda: compiled(inputs)), "dense_us": _dense(network.sizes, network.kind)}
    return row


@lru_cache
def _dense(sizes: tuple[int, ...], kind: Kind) -> float:
    rng = np.random.default_rng(0)
    weights = tuple((rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32) for shape in pairwise(sizes))
    biases = tuple(np.zeros(width, dtype=np.float32) for width in sizes[1:])
    ends = [sign * np.ones(width) for width in (sizes[0], sizes[-1]) for sign in (-1, 1)]
    inputs = np.ones((1, sizes[0]), dtype=np.float32)
    forms = dense_forms(Network(weights, biases, Scaling(*ends), kind=kind))
    return min(_microseconds(partial(form, inputs)) for form in forms.values())


def _microseconds(work: Callable[[], object]) -> float:
    return microseconds(work, _CALLS, _REPEATS)
