"""Data for inverse models: random segments by the engine, scaled as the network sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controllers.learning.network import Scaling
from mothsim.body import MothBody
from mothsim.segments import generate

TRAINING, TESTING = 0, 1
"""What a seed's data are for: each has its own random stream."""


@dataclass(frozen=True)
class Dataset:
    """Scaled inputs (N, 10) and outputs (N, 7), float32, and the scaling."""

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]
    scaling: Scaling


def make_dataset(
    segments: int, seed: int, purpose: int = TRAINING, *, scaling: Scaling | None = None, body: MothBody | None = None
) -> Dataset:
    """Draw and solve random segments.

    Args:
        segments: how many.
        seed, purpose: name the random stream.
        scaling: to use; by default the one that the data just fill.
        body: by default Zahn et al.'s.
    """
    inputs, outputs = generate(segments, np.random.SeedSequence([seed, purpose]), body=body)
    scaling = scaling or Scaling.of(inputs, outputs)
    scaled = (scaling.scale_inputs(inputs), scaling.scale_outputs(outputs))
    return Dataset(*(part.astype(np.float32) for part in scaled), scaling)
