"""Levenberg-Marquardt training of small networks, on all their weights at once.

With a few hundred weights the Gauss-Newton matrix J'J of the residuals fits into a processor's cache, and dozens of
damped steps on it (Levenberg 1944; Marquardt 1963; for networks Hagan and Menhaj 1994) reach a lower loss than a
hundred thousand of stochastic gradient descent. The same matrix gives the saliency of each weight, see
`mothsim.controllers.learning.optimal_brain_surgeon`. Pruned connections, which are exactly zero, stay zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.networks.network import Network

Array = NDArray[np.floating]

_BLOCK = 1000  # rows whose Jacobian is in memory at a time
_GROW, _SHRINK, _TRIES = 5.0, 4.0, 8
_LEAST = 1e-8  # of the largest diagonal element: floor of the diagonal that scales the damping


@dataclass(frozen=True)
class RegressionTask:
    """A weighted least-squares problem for a network.

    Its cost is the mean over rows of `sum (output_weights * error)^2`; a weight of zero leaves an output out. With
    `output_weights = 1 / sqrt(7)` it is the loss of Zahn et al. 2022.

    Attributes:
        inputs, outputs: scaled, (N, 10) and (N, 7).
        output_weights: weight of each output's error (7,).
    """

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]
    output_weights: NDArray[np.float32]

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Yield inputs and outputs in blocks of rows."""
        for first in range(0, len(self.inputs), _BLOCK):
            part = slice(first, first + _BLOCK)
            yield self.inputs[part], self.outputs[part]

    def cost(self, network: Network) -> float:
        """Return the cost of a network."""
        total = 0.0
        for inputs, outputs in self.blocks():
            *_, predicted = activations(network, inputs)
            total += float(np.sum(((predicted - outputs) * self.output_weights) ** 2, dtype=np.float64))
        return total / len(self.inputs)


def parameters(network: Network) -> NDArray[np.float64]:
    """Return the parameters (P,): weights that are not pruned, layer by layer, then all biases."""
    left = [weight[weight != 0] for weight in network.weights]
    return np.concatenate([*left, *network.biases]).astype(np.float64)


def with_parameters(network: Network, values: Array) -> Network:
    """Return the network with other `parameters` (P,)."""
    values, weights, biases = np.asarray(values, dtype=np.float32), [], []
    for weight in network.weights:
        left = weight != 0
        mine, values = np.split(values, [np.count_nonzero(left)])
        weight = weight.copy()
        # A weight that becomes zero by a step is not pruned.
        weight[left] = np.where(mine == 0, np.finfo(np.float32).tiny, mine)
        weights.append(weight)
    for bias in network.biases:
        mine, values = np.split(values, [len(bias)])
        biases.append(mine)
    return replace(network, weights=tuple(weights), biases=tuple(biases))


def activations(network: Network, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the activations of all layers, one (N, n) array each: scaled inputs, hidden layers, scaled outputs."""
    layers = [inputs]
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        layers.append(np.tanh(layers[-1] @ weight + bias))
    return [*layers, layers[-1] @ network.weights[-1] + network.biases[-1]]


def jacobian(network: Network, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return scaled outputs (N, 7) and their Jacobian with respect to the `parameters` (N, 7, P)."""
    *layers, outputs = activations(network, inputs)
    rows, width = outputs.shape
    # By layer, the derivatives (N, 7, n) of the outputs with respect to the inputs of its activation functions.
    back = [np.broadcast_to(np.eye(width, dtype=np.float32), (rows, width, width))]
    for weight, layer in zip(network.weights[:0:-1], layers[:0:-1], strict=True):
        back.insert(0, (back[0].reshape(rows * width, -1) @ weight.T).reshape(rows, width, -1))
        back[0] = back[0] * (1 - layer**2)[:, None, :]
    slopes = []
    for weight, layer, slope in zip(network.weights, layers, back, strict=True):
        before, after = np.nonzero(weight)
        slopes.append(layer[:, None, before] * slope[:, :, after])
    return outputs, np.concatenate([*slopes, *back], axis=2)


def normal_equations(network: Network, task: RegressionTask) -> tuple[Array, Array]:
    """Return J'J (P, P) and J'r (P,) of the residuals: half the Gauss-Newton Hessian and half the gradient."""
    count = len(parameters(network))
    matrix, slope = np.zeros((count, count)), np.zeros(count)
    counts = task.output_weights > 0
    for inputs, outputs in task.blocks():
        predicted, slopes = jacobian(network, inputs)
        slopes = (slopes[:, counts] * task.output_weights[counts, None]).reshape(-1, count)
        residuals = ((predicted - outputs) * task.output_weights)[:, counts].reshape(-1)
        matrix += slopes.T @ slopes
        slope += slopes.T @ residuals
    return matrix / len(task.inputs), slope / len(task.inputs)


def levenberg_marquardt(network: Network, task: RegressionTask, rounds: int, *, least_gain: float = 2e-3) -> Network:
    """Train a network by Levenberg-Marquardt, from its present weights.

    Args:
        network: pruned connections are zero and stay so.
        task: the least-squares problem, with several times as many rows as there are parameters.
        rounds: maximum number of steps.
        least_gain: relative decrease of the cost in a step below which training stops.
    """
    cost, damping = task.cost(network), 1e-3
    for _ in range(rounds):
        matrix, slope = normal_equations(network, task)
        scale = np.diag(np.maximum(np.diag(matrix), _LEAST * np.diag(matrix).max()))
        start, before = parameters(network), cost
        for _ in range(_TRIES):
            tried = with_parameters(network, start - np.linalg.solve(matrix + damping * scale, slope))
            found = task.cost(tried)
            if found < cost:
                network, cost, damping = tried, found, max(damping / _SHRINK, 1e-9)
                break
            damping *= _GROW
        if not cost < (1 - least_gain) * before:
            break
    return network
