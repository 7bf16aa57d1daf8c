"""Requirements on controllers of few connections: the training task, the measures, and the bounds on these.

Networks are selected, validated and tested on different segments and starts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.evaluation.envelope import ON_TARGET, fly_envelope
from mothsim.controllers.guidance.lqr_weights import LQRWeights
from mothsim.controllers.inverse_model import InverseModel
from mothsim.controllers.learning.data import TESTING, make_dataset
from mothsim.controllers.learning.levenberg_marquardt import RegressionTask
from mothsim.controllers.learning.near_trim import GUIDED, NEAR_FLIGHT, SamplingRange, draw_near_trim, envelope_trims
from mothsim.controllers.networks.network import CONTROLS, Network, Scaling
from mothsim.controllers.networks.storage import find_network
from mothsim.flight import fly
from mothsim.segments import OUTPUTS, tabulate
from mothsim.solver.propagate import propagate
from mothsim.trim import Trim, find_trim

Measures = dict[str, float]

SELECTION, VALIDATION, TEST = 1000, 2000, 3000
"""Seeds of the segments and starts on which networks are selected while they are pruned, validated, and tested."""
_SCALING_SEGMENTS = 200_000
_LOST = 1e-3


class Requirement(ABC):
    """A requirement on a network.

    Attributes:
        name: of the requirement.
        hidden: hidden layers of the network that pruning starts from.
        dense: hidden layers of small dense networks to compare with.
        outputs: number of outputs that are trained; the others have no connection.
    """

    name: str
    hidden: tuple[int, ...]
    dense: tuple[tuple[int, ...], ...]
    outputs: int = CONTROLS

    @abstractmethod
    def task(self, seed: int) -> RegressionTask:
        """Return the training task of a seed."""

    @abstractmethod
    def measure(self, network: Network, seed: int) -> Measures:
        """Measure a network on the segments or starts of a seed; on fewer for `SELECTION`, used at every step."""

    @abstractmethod
    def met(self, measures: Measures) -> bool:
        """Whether the measures meet the requirement."""

    def validated(self, measures: Measures) -> bool:
        """Whether they meet it in validation, which may be stricter: the smallest of many networks is selected."""
        return self.met(measures)


class Loss(Requirement):
    """Zahn et al.'s threshold: a loss of 1e-3 on their segments, all outputs alike."""

    name = "loss"
    hidden = (20, 14)
    dense = ((5, 4), (7, 5), (8, 7), (10, 8), (12, 10), (16, 12), (20, 14))
    outputs = len(OUTPUTS)

    def task(self, seed: int) -> RegressionTask:
        """Segments drawn as theirs."""
        return _random_segments(6000, seed, 0)

    def measure(self, network: Network, seed: int) -> Measures:
        """`loss`, the mean squared error."""
        return {"loss": _random_segments(20_000 if seed == SELECTION else 100_000, seed, TESTING).cost(network)}

    def met(self, measures: Measures) -> bool:
        """1e-3 or less."""
        return measures["loss"] <= 1e-3


class NearHover(Requirement):
    """Upright hovering within 0.05 cm and the sum of primes within 0.10 cm, none lost."""

    name = "gentle"  # as files of searches have it
    hidden = (3,)
    dense = ((), (1,), (2,), (3,), (4,), (6,))

    def task(self, seed: int) -> RegressionTask:
        """Segments about upright trim."""
        return _near_trims(4000, seed, [find_trim(MothBody())], NEAR_FLIGHT.scaled(0.2))

    def measure(self, network: Network, seed: int) -> Measures:
        """Median errors `hover_cm` and `sum_of_primes_cm`, and the share `lost`."""
        moths = 20 if seed == SELECTION else 100
        hover, primes = (
            fly(InverseModel(network), task, duration=duration, moths=moths, seed=seed)
            for task, duration in (("hover", 5.0), ("sum-of-primes", 10.0))
        )
        return {
            "hover_cm": float(np.median(hover.rms_error)),
            "sum_of_primes_cm": float(np.median(primes.rms_error)),
            "lost": float(np.mean([hover.lost, primes.lost])),
        }

    def met(self, measures: Measures) -> bool:
        """Within 0.05 and 0.10 cm, none lost."""
        return measures["hover_cm"] <= 0.05 and measures["sum_of_primes_cm"] <= 0.10 and measures["lost"] == 0


class Linear(NearHover):
    """The same of a linear inverse model: a lower bound on what near-hover flight requires."""

    name = "linear"
    hidden = ()
    dense = ((),)


class Envelope(Requirement):
    """Hovering at every body angle, cruising at every speed, recovering as often as the shipped dense network."""

    name = "envelope"
    hidden = (28, 18)
    dense = ((10, 8), (14, 11), (18, 13), (22, 16))

    def task(self, seed: int) -> RegressionTask:
        """Segments about the trims of all the envelope."""
        return _near_trims(14_000, seed, envelope_trims(MothBody()), GUIDED)

    def measure(self, network: Network, seed: int) -> Measures:
        """Shares `flown` of the manoeuvres, `lost` of the flights and `recovered`, and the `worst_cm` error."""
        size = {} if seed == SELECTION else {"angles": 48, "speeds": 5, "moths": 100}
        flights = fly_envelope(lambda: InverseModel(network), seed=seed, **size)
        dense = _dense_recovers(seed)
        return {"flown": flights.flown, "lost": flights.lost, "worst_cm": flights.worst,
                "recovered": flights.recovered, "dense_recovered": dense}  # fmt: skip

    def met(self, measures: Measures) -> bool:
        """Every manoeuvre within 0.15 cm, at most a thousandth of the flights lost, and as many back as of dense."""
        back = measures["recovered"] >= measures["dense_recovered"]
        return measures["worst_cm"] <= ON_TARGET and measures["lost"] <= _LOST and back

    def validated(self, measures: Measures) -> bool:
        """The same without a single flight lost."""
        return self.met(measures) and measures["lost"] == 0


REQUIREMENTS: dict[str, Requirement] = {
    requirement.name: requirement for requirement in (Loss(), NearHover(), Linear(), Envelope())
}
"""By name."""


@lru_cache
def _dense_recovers(seed: int) -> float:
    return fly_envelope(lambda: InverseModel(find_network("dense")), angles=0, speeds=0, seed=seed).recovered


@lru_cache
def scaling() -> Scaling:
    """Return the scaling of all these networks, from the range of Zahn et al.'s segments."""
    return make_dataset(_SCALING_SEGMENTS, 0).scaling


@lru_cache(maxsize=4)
def _random_segments(count: int, seed: int, purpose: int) -> RegressionTask:
    data = make_dataset(count, seed, purpose, scaling=scaling())
    return RegressionTask(data.inputs, data.outputs, np.full(len(OUTPUTS), len(OUTPUTS) ** -0.5, dtype=np.float32))


def _near_trims(count: int, seed: int, trims: list[Trim], spread: SamplingRange) -> RegressionTask:
    """Draw segments about trims; the controls are weighted as in the guidance, the other outputs by zero."""
    body, scales = MothBody(), scaling()
    states, controls = draw_near_trim(count, seed, trims, body, spread)
    data = tabulate(states, controls, propagate(states, controls, body=body).states)
    lqr = LQRWeights()
    output_weights = np.zeros(len(OUTPUTS), dtype=np.float32)
    span = (scales.output_max - scales.output_min)[:CONTROLS]
    output_weights[:CONTROLS] = span / np.array([lqr.thrust, lqr.lift, lqr.torque])
    inputs, outputs = scales.scale_inputs(data.inputs), scales.scale_outputs(data.outputs)
    return RegressionTask(inputs.astype(np.float32), outputs.astype(np.float32), output_weights)
