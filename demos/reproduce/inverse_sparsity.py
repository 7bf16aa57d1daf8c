"""Does sparsity help or hurt inverse models that fly alone, where flights are disturbed?

`python -m mothsim.demos.reproduce.inverse_sparsity` trains inverse models on Zahn et al.'s segments and prunes them
level by level by what their connections are worth there, with a few rounds of Levenberg-Marquardt after each. All are
then trained on through their own flight, on kinematic waypoints, with disturbances and without, and flown under every
perturbation of `mothsim evaluate --robustness`, uninformed. Small dense networks, fitted for as many rounds, stand
beside them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from mothsim.controllers.learning.data import make_dataset
from mothsim.controllers.learning.disturbed_flight_training import DisturbedFlightSettings, train_disturbed
from mothsim.controllers.learning.levenberg_marquardt import RegressionTask, levenberg_marquardt
from mothsim.controllers.learning.protocols import SMALL, find_protocol
from mothsim.controllers.learning.sparsifying import sparsify_inverse_model
from mothsim.controllers.learning.train_and_prune import Settings
from mothsim.controllers.learning.train_and_prune import run as train_and_prune
from mothsim.controllers.learning.training_run import Callback, as_json, run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.networks.storage import load_network
from mothsim.demos.options import Count, Counts, Factor
from mothsim.demos.reproduce.sparsity_study import TRAININGS, SparsityStudy, Stage
from mothsim.demos.run import run as run_program

_FITTED = 5000  # segments, by which networks are fitted and pruned


@dataclass
class InverseSparsity(SparsityStudy):
    """Train and prune inverse models, train them through flight with and without disturbances, fly and compare."""

    hidden: Counts = SMALL
    """Nodes of the hidden layers."""
    segments: Count = 1_000_000
    """Segments in the training set."""
    step_scale: Factor = 2.0
    """Factor on the steps of training on segments."""
    rounds: Count = 10
    """Of Levenberg-Marquardt, after the training on segments and after each level."""
    flight_steps: Count = 500
    """Of the training through flight."""
    dense_flight_steps: Count = 500
    """The same of the small dense networks."""
    out: Path = Path("out/inverse-sparsity")
    """Folder for the networks, the tables and the picture."""

    def trained(self, hidden: tuple[int, ...], longer: int, training: str, seed: int, file: Path) -> Network:
        """A dense inverse model, trained on segments and then through its flight."""
        steps = self.flight_steps if hidden == self.hidden else self.dense_flight_steps
        return self._through_flight(self._on_segments(hidden, longer, seed), steps, training, seed, file)

    def pruned(self, dense: Network, pruning: str, stages: list[Stage], training: str, seed: int) -> Iterator[Network]:
        """What the dense one was on segments, pruned and fitted there, and then trained through its flight."""
        network = self._on_segments(self.hidden, 0, seed)
        for level, keep, file in stages:
            fit = _Fit(self.rounds, seed, pruning, keep)
            network = run(_fit, network, fit, self._segments_folder(seed) / f"{pruning}-{level:g}.safetensors")
            yield self._through_flight(network, self.flight_steps, training, seed, file)

    def _segments_folder(self, seed: int) -> Path:
        return self.out / "on-segments" / f"seed-{seed}"

    def _on_segments(self, hidden: tuple[int, ...], longer: int, seed: int) -> Network:
        """A dense network, trained on segments and fitted as long as one pruned to so many levels."""
        settings = Settings(
            method="", hidden=hidden, levels=(), segments=self.segments, seed=seed, step_scale=self.step_scale
        )
        folder = self._segments_folder(seed) / f"dense-{'-'.join(map(str, hidden))}"
        (first,) = train_and_prune(settings, folder)
        return run(_fit, load_network(first), _Fit((1 + longer) * self.rounds, seed), folder / "fitted.safetensors")

    def _through_flight(self, network: Network, steps: int, training: str, seed: int, file: Path) -> Network:
        # Without memory no gains of the waypoints are stable under a delay, so none is drawn.
        disturbed = TRAININGS[training] | {"delay": 0.0}
        settings = DisturbedFlightSettings(steps=steps, disturbed=disturbed, seed=seed)
        return run(train_disturbed, network, settings, file)


@dataclass(frozen=True)
class _Fit:
    """How a network is pruned, if it is, and fitted: by what its file is known."""

    rounds: int
    seed: int
    pruning: str = ""
    keep: int = 0


def _fit(network: Network, settings: _Fit, _checkpoint: Path | None, _callback: Callback | None) -> Network:
    """Prune a network on segments, and fit what is left."""
    near = find_protocol("cosine").near_flight
    data = make_dataset(_FITTED, settings.seed, near_flight=near, scaling=network.scaling)
    outputs = data.outputs.shape[1]
    task = RegressionTask(data.inputs, data.outputs, np.full(outputs, outputs**-0.5, np.float32))
    with threadpool_limits(1, user_api="blas"):  # products have other last bits with other numbers of threads
        if settings.pruning:
            network = sparsify_inverse_model(network, settings.pruning, settings.keep, task)
        network = levenberg_marquardt(network, task, settings.rounds)
    return replace(network, info={**network.info, "training": as_json(settings)})


if __name__ == "__main__":
    sys.exit(run_program(InverseSparsity, prog="python -m mothsim.demos.reproduce.inverse_sparsity"))
