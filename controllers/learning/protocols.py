"""Training protocols by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from mothsim.segments import INPUTS, OUTPUTS

Stop = Literal["never", "network", "group", "group-one-sided", "validation"]

HIDDEN = (400, 400, 400, 16)
"""Hidden layers of Zahn et al. 2022."""
SMALL = (24, 24, 16)
"""Hidden layers of the shipped network `small`, 1,312 weights."""
_ZAHN_WEIGHTS = 330_512


def dense_with(weights: int) -> tuple[int, ...]:
    """Return hidden layers of a dense network of about so many weights: Zahn et al.'s, but narrower or wider.

    Such a network is the baseline of a sparse one of as many weights.

    Args:
        weights: desired number; all hidden layers but the last have one width, so the actual number is near it.

    Raises:
        ValueError: too few for one node a layer.
    """
    last = HIDDEN[-1]
    # inputs a + 2 a^2 + last a + last outputs = weights, for the width a
    linear, constant = len(INPUTS) + last, last * len(OUTPUTS) - weights
    width = round((math.sqrt(max(0, linear**2 - 8 * constant)) - linear) / 4)
    if width < 1:
        raise ValueError(f"weights = {weights!r}: expected {2 + linear + last * len(OUTPUTS)} or more")
    return (*(width for _ in HIDDEN[:-1]), last)


@dataclass(frozen=True)
class Protocol:
    """Training hyperparameters.

    Attributes:
        name: as in the files.
        batch: segments a step.
        peak_learning_rate: of Adam (Kingma and Ba 2015); with a warm-up the peak for a dense network of Zahn et al.'s
            size, see `peak_learning_rate_for`.
        warmup_steps: steps over which the rate rises to its peak; 0 keeps the rate constant.
        dense_steps, level_steps: most steps for the dense network and for each level of pruning; with a warm-up
            the rate falls along a cosine to 1e-6 at the last of them.
        stop: `network` ends a training once the mean loss of its last 500 batches is within 1 % of that of the 500
            before (looked at every 100 batches, after 1000); `group` ends it for all networks that train side by
            side, by their mean; `group-one-sided` likewise, from 1100 batches on and also when their mean rises;
            `validation` once a network's validation loss has not fallen by 0.01 for 1000 batches; `never` uses all
            steps.
        near_flight: share of the training set drawn about trim, see `mothsim.controllers.learning.data`.
        init_std: standard deviation of the first weights; `None` is 1/sqrt(fan-in), twice that in the first layer;
            `glorot` draws them uniformly up to sqrt(6 / (fan-in + fan-out)) (Glorot and Bengio 2010).
        method: of pruning, unless another is asked for, see `mothsim.controllers.learning.pruning.METHODS`.
        optimiser: `adam` or `rmsprop` (decay 0.9).
        epsilon: added by the optimiser to the root of the mean squared gradient.
        carry_optimiser: its state goes on from level to level; else every level begins a new one.
        validation: last share of the training set, kept for early stopping.
    """

    name: str
    batch: int
    peak_learning_rate: float
    warmup_steps: int
    dense_steps: int
    level_steps: int
    stop: Stop
    near_flight: float
    init_std: float | Literal["glorot"] | None
    method: str = "layerwise"
    optimiser: Literal["adam", "rmsprop"] = "adam"
    epsilon: float = 1e-8
    carry_optimiser: bool = False
    validation: float = 0.0

    def peak_learning_rate_for(self, connections: int) -> float:
        """Return the peak for so many remaining weights: by their fourth root, at most 4 times `peak_learning_rate`."""
        if not self.warmup_steps:
            return self.peak_learning_rate
        return self.peak_learning_rate * min(4.0, (_ZAHN_WEIGHTS / connections) ** 0.25)


CONSTANT = Protocol("constant-rate", 128, 5e-4, 0, 40_000, 20_000, "network", 0.0, 0.2)
"""Near Zahn et al. 2022, Methods: Adam at 5e-4, batches of 128, weights N(0, 1)/5; each network stops by itself."""
CONSTANT_GROUP = Protocol("constant-rate-group", 128, 5e-4, 0, 78_100, 78_100, "group", 0.0, 0.2)
"""As `CONSTANT`, but all stop together, and a level is at most one pass through ten million segments.

It matters: of eight networks of their smallest size trained on their own, most stop on a plateau at a loss of 1e-2,
together they come to 1e-3, and pass up to 65 %, as theirs did.
"""
ZAHN_JAX = Protocol(
    "zahn2022-jax", 128, 5e-4, 0, 78_100, 78_100, "group-one-sided", 0.0, 0.2,
    method="cutoff", epsilon=400 * 1e-8, carry_optimiser=True,
)  # fmt: skip
"""Zahn et al. 2022's program of the 1320 networks, in JAX, to the letter.

They minimise the mean loss of up to 400 networks at a time, which divides every gradient by 400. Adam does not see
that, except for its epsilon, which counts 400 times; here it does so for any number of networks.
"""
ZAHN_TENSORFLOW = Protocol(
    "zahn2022-tensorflow", 4096, 1e-3, 0, 78_100, 78_100, "validation", 0.0, "glorot",
    method="toolkit", optimiser="rmsprop", epsilon=1e-7, validation=0.2,
)  # fmt: skip
"""Zahn et al. 2022's program of single networks, in TensorFlow: rmsprop as Keras has it, 80:20 for validation.

Their smallest change, 0.01, is read as Keras reads it: as a difference of losses, not as a share.
"""
COSINE = Protocol("cosine", 256, 1e-3, 500, 40_000, 5_000, "never", 0.2, None, method="global")
"""Ours: warm-up and cosine decay, for every level too, and a fifth of the segments drawn near flight."""

PROTOCOLS = {protocol.name: protocol for protocol in (COSINE, CONSTANT, CONSTANT_GROUP, ZAHN_JAX, ZAHN_TENSORFLOW)}
_FORMER = {"zahn2022": "constant-rate", "zahn2022-group": "constant-rate-group"}  # names in files of before 0.3


def find_protocol(name: str) -> Protocol:
    """Find a protocol by name, also by one that it had in files of former versions.

    Raises:
        ValueError: an unknown name.
    """
    current = _FORMER.get(name, name)
    if current not in PROTOCOLS:
        raise ValueError(f"protocol = {name!r}: expected one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[current]
