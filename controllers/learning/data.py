"""Data sets for inverse models: random segments solved by the engine, scaled to +-0.5.

Zahn et al. 2022 draw segments over the whole range of states. Whether a network flies depends on its Jacobian near trim
(`mothsim.controllers.guidance.stability`), a part of that range so small that uniform draws hardly reach it. So the
protocol `cosine` draws a share of its training set there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mothsim.body import MothBody
from mothsim.controllers.learning.near_trim import NEAR_FLIGHT, draw_near_trim
from mothsim.controllers.networks.network import Scaling
from mothsim.segment_files import stream
from mothsim.segments import Solver, generate, tabulate
from mothsim.solver.propagate import propagate
from mothsim.trim import find_trim

Array = NDArray[np.floating]

TRAINING, TESTING, ABOUT_TRIM = 0, 1, 2
"""Purposes of a seed's data, each with its own random stream."""
NOISE = 8
"""Random stream of noise on the inputs."""


@dataclass(frozen=True)
class Dataset:
    """Scaled inputs (N, 10) and outputs (N, 7), float32, and the scaling."""

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]
    scaling: Scaling


def make_dataset(
    segments: int,
    seed: int,
    purpose: int = TRAINING,
    *,
    near_flight: float = 0.0,
    scaling: Scaling | None = None,
    body: MothBody | None = None,
    solver: Solver | None = None,
) -> Dataset:
    """Draw and solve random segments.

    Args:
        segments: number of segments.
        seed: of the random stream.
        purpose: of the data, which has a random stream of its own.
        near_flight: share of the segments drawn about trim, evenly distributed among the others.
        scaling: by default from the least and greatest values of the segments of the whole range.
        body: by default Zahn et al.'s.
        solver: of the segments of that body, in place of the engine; see `mothsim.segments.generate`.
    """
    body = body or MothBody()
    near = round(segments * near_flight)
    whole = generate(segments - near, stream(seed, purpose), body=body, solver=solver)
    scaling = scaling or Scaling.of(whole.inputs, whole.outputs)
    parts = [whole]
    if near:
        solve = solver or (lambda states, controls: propagate(states, controls, body=body).states)
        states, controls = draw_near_trim(
            near, stream(seed, ABOUT_TRIM + purpose), [find_trim(body)], body, NEAR_FLIGHT
        )
        parts.append(tabulate(states, controls, solve(states, controls), body))
    order = _interleaved(segments - near, near)
    inputs = np.concatenate([scaling.scale_inputs(part.inputs).astype(np.float32) for part in parts])[order]
    outputs = np.concatenate([scaling.scale_outputs(part.outputs).astype(np.float32) for part in parts])[order]
    return Dataset(inputs, outputs, scaling)


def with_noise(data: Dataset, std: float, seed: int) -> Dataset:
    """Return data with normal noise on the inputs, of so many parts of each input's range."""
    noise = np.random.default_rng([seed, NOISE]).standard_normal(data.inputs.shape, dtype=np.float32)
    return dataclasses.replace(data, inputs=data.inputs + np.float32(std) * noise)


def _interleaved(many: int, few: int) -> NDArray[np.intp]:
    """Return the order that distributes the last `few` of `many + few` rows evenly among the first."""
    places = np.concatenate([(np.arange(many) + 0.5) / max(many, 1), (np.arange(few) + 0.5) / max(few, 1)])
    return np.argsort(places, kind="stable")
