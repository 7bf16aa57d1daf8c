"""Networks of one of two kinds, with hidden layers of tanh and linear outputs, scaled min-max to +-0.5.

An inverse model (Zahn et al. 2022) answers which control takes a moth from here to that pose in one segment, by ten
inputs and seven outputs, or eight for a fully actuated moth. A policy answers which control to fly with, by what
`mothsim.policy_interface` observes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mothsim.policy_interface import ENTRIES, GRAVITY_ENTRIES, OUTPUT_ENTRIES
from mothsim.policy_memory import MEMORY_ENTRIES
from mothsim.segments import FULL_OUTPUTS, INPUTS, OUTPUTS

CONTROLS = 3
"""The first outputs are the control: F_x, F_y, tau; and tau_w of a fully actuated inverse model."""

Kind = Literal["inverse-model", "policy"]
_OBSERVED, _UP, _REMEMBERED, _ASKED = (
    tuple(entry.name for entry in entries) for entries in (ENTRIES, GRAVITY_ENTRIES, MEMORY_ENTRIES, OUTPUT_ENTRIES)
)
KINDS: dict[Kind, tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]] = {
    "inverse-model": ((tuple(INPUTS),), tuple(OUTPUTS)),
    "policy": ((_OBSERVED, (*_OBSERVED, *_UP), (*_OBSERVED, *_REMEMBERED)), _ASKED),
}
"""Names of the inputs, of which there may be some alternatives, and of the outputs, by the kind of network; a policy
observes where up is, or has memory, or neither."""

Float32 = NDArray[np.float32]
Array = NDArray[np.floating]


@dataclass(frozen=True)
class Scaling:
    """Min-max scaling of inputs (n_in,) and outputs (n_out,) to +-0.5, in cgs units.

    Raises:
        ValueError: a minimum or maximum is not finite, or a minimum does not lie below its maximum.
    """

    input_min: Array
    input_max: Array
    output_min: Array
    output_max: Array

    def __post_init__(self) -> None:
        for kind, low, high in (
            ("input", self.input_min, self.input_max),
            ("output", self.output_min, self.output_max),
        ):
            if np.ndim(low) != 1 or np.shape(low) != np.shape(high):
                raise ValueError(f"{kind}_min has shape {np.shape(low)} and {kind}_max {np.shape(high)}: "
                                 "expected one number a column")  # fmt: skip
            if not (np.isfinite(low).all() and np.isfinite(high).all() and np.less(low, high).all()):
                raise ValueError(f"{kind}_min = {np.asarray(low).tolist()}, {kind}_max = {np.asarray(high).tolist()}: "
                                 "expected finite numbers, each minimum below its maximum")  # fmt: skip

    @classmethod
    def of(cls, inputs: NDArray, outputs: NDArray) -> Scaling:
        """Return the scaling that maps the least and the greatest of data (N, 10) and (N, 7) to -0.5 and 0.5."""
        return cls(*(np.asarray(v, dtype=np.float64) for v in (
            inputs.min(axis=0), inputs.max(axis=0), outputs.min(axis=0), outputs.max(axis=0),
        )))  # fmt: skip

    @classmethod
    def identity(cls, inputs: int, outputs: int) -> Scaling:
        """Return the scaling that changes nothing, of so many inputs and outputs: a policy's are scaled already."""
        low_in, low_out = np.full(inputs, -0.5), np.full(outputs, -0.5)
        return cls(low_in, -low_in, low_out, -low_out)

    def scale_inputs(self, inputs: ArrayLike) -> NDArray:
        """Scale inputs (N, n_in) from cgs units to +-0.5."""
        return (np.asarray(inputs) - self.input_min) / (self.input_max - self.input_min) - 0.5

    def scale_outputs(self, outputs: ArrayLike) -> NDArray:
        """Scale outputs (N, n_out) from cgs units to +-0.5."""
        return (np.asarray(outputs) - self.output_min) / (self.output_max - self.output_min) - 0.5

    def unscale_outputs(self, scaled: ArrayLike) -> NDArray:
        """Convert outputs (N, n_out) from +-0.5 to cgs units."""
        return (np.asarray(scaled) + 0.5) * (self.output_max - self.output_min) + self.output_min


@dataclass(frozen=True)
class Network:
    """A trained network; pruned weights are zero.

    Attributes:
        weights: one (n_in, n_out) float32 array a layer.
        biases: one (n_out,) float32 array a layer.
        scaling: of inputs and outputs.
        info: how it was made: protocol, seed, level, losses and the like; numbers, strings, lists.
        kind: `inverse-model` or `policy`.

    Raises:
        ValueError: shapes that do not fit one another, the inputs or outputs of its kind; weights or biases that are
            not floating-point numbers, or not finite.
    """

    weights: tuple[Float32, ...]
    biases: tuple[Float32, ...]
    scaling: Scaling
    info: dict[str, Any] = field(default_factory=dict)
    kind: Kind = "inverse-model"

    def __post_init__(self) -> None:
        sizes = self.sizes
        if self.kind not in KINDS:
            raise ValueError(f"kind = {self.kind!r}: expected one of {', '.join(KINDS)}")
        inputs, outputs = [len(names) for names in KINDS[self.kind][0]], len(self.output_names)
        if sizes[0] not in inputs or sizes[-1] != outputs:
            expected = " or ".join(map(str, inputs))
            raise ValueError(f"weights lead from {sizes[0]} to {sizes[-1]} nodes: expected {expected} and {outputs}")
        for weight, bias, before, after in zip(self.weights, self.biases, sizes[:-1], sizes[1:], strict=True):
            if weight.shape != (before, after) or bias.shape != (after,):
                raise ValueError(
                    f"a layer has weights {weight.shape} and biases {bias.shape}: expected {(before, after)}"
                )
            if weight.dtype.kind != "f" or bias.dtype.kind != "f":
                raise ValueError(f"a layer has weights of type {weight.dtype} and biases of {bias.dtype}: "
                                 "expected floating-point numbers")  # fmt: skip
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                raise ValueError("weights or biases are not finite")
        if len(self.scaling.input_min) != sizes[0] or len(self.scaling.output_min) != sizes[-1]:
            raise ValueError(f"scaling is of {len(self.scaling.input_min)} inputs and {len(self.scaling.output_min)} "
                             f"outputs: expected {sizes[0]} and {sizes[-1]}")  # fmt: skip

    @property
    def sizes(self) -> tuple[int, ...]:
        """Nodes by layer, inputs first."""
        return (self.weights[0].shape[0], *(weight.shape[1] for weight in self.weights))

    @property
    def layers(self) -> tuple[tuple[Float32, Float32], ...]:
        """Weights and biases, layer by layer."""
        return tuple(zip(self.weights, self.biases, strict=True))

    @property
    def fully_actuated(self) -> bool:
        """Whether this is an inverse model with the wing torque among its outputs."""
        return self.kind == "inverse-model" and self.sizes[-1] == len(FULL_OUTPUTS)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return FULL_OUTPUTS if self.fully_actuated else KINDS[self.kind][1]

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in order."""
        return next(names for names in KINDS[self.kind][0] if len(names) == self.sizes[0])

    @property
    def has_memory(self) -> bool:
        """Whether this is a policy that observes with memory, see `mothsim.policy_memory`."""
        return self.kind == "policy" and self.sizes[0] == len(_OBSERVED) + len(_REMEMBERED)

    @property
    def observes_up(self) -> bool:
        """Whether this is a policy that observes where up is, see `mothsim.policy_interface.GRAVITY_ENTRIES`."""
        return self.kind == "policy" and self.sizes[0] == len(_OBSERVED) + len(_UP)

    @property
    def masks(self) -> tuple[NDArray[np.bool_], ...]:
        """One (n_in, n_out) array a layer, true where a connection is left."""
        return tuple(weight != 0 for weight in self.weights)

    @property
    def connections(self) -> int:
        """Number of weights that are not pruned."""
        return int(sum(np.count_nonzero(weight) for weight in self.weights))

    @property
    def checksum(self) -> int:
        """Of weights and biases, by which one tells from which network another was trained."""
        value = 0
        for array in (*self.weights, *self.biases):
            value = zlib.crc32((np.asarray(array, np.float32, order="C") + 0.0).tobytes(), value)  # no -0 is stored
        return value

    @property
    def sparsity(self) -> float:
        """Share of the weights that are pruned, 0 to 1."""
        return 1 - self.connections / sum(weight.size for weight in self.weights)

    def __call__(self, inputs: ArrayLike) -> Array:
        """Compute outputs (N, n_out) from inputs (N, n_in), both in cgs units."""
        hidden = self.scaling.scale_inputs(inputs)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.tanh(hidden @ weight.astype(np.float64) + bias)
        return self.scaling.unscale_outputs(hidden @ self.weights[-1].astype(np.float64) + self.biases[-1])

    def loss(self, inputs: NDArray, outputs: NDArray, batch: int = 20_000) -> float:
        """Return the mean squared error over all outputs, in scaled units, on data (N, 10), (N, n_out) in cgs units."""
        total = 0.0
        for start in range(0, len(inputs), batch):
            part = slice(start, start + batch)
            miss = self.scaling.scale_outputs(self(inputs[part])) - self.scaling.scale_outputs(outputs[part])
            total += float(np.sum(miss**2))
        return total / outputs.size
