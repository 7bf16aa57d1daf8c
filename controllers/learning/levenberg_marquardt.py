"""Training small networks to the bottom: Levenberg-Marquardt on all their weights at once.

With a few hundred weights the Gauss-Newton matrix J'J of the residuals' slopes fits into a processor's cache, and a
damped Newton step on it (Levenberg 1944; Marquardt 1963; for networks Hagan and Menhaj 1994) goes in dozens of steps
where stochastic gradients do not come in a hundred thousand. It also tells what each weight is worth, see
`mothsim.controllers.learning.optimal_brain_surgeon`. Connections that are pruned, that is exactly zero, are no
parameters and stay so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mothsim.controllers.networks.network import Network

Array = NDArray[np.floating]

_BLOCK = 1000  # rows whose slopes are held at a time
_GROW, _SHRINK, _TRIES = 5.0, 4.0, 8
_LEAST = 1e-8  # of the largest diagonal element: what the damping of a weight without effect refers to


@dataclass(frozen=True)
class RegressionTask:
    """What a network is to learn: scaled inputs (N, 10) and outputs (N, 7), and how much each output's error counts.

    The cost of a network is `mean over rows of sum (output_weights * error)^2`; an importance of zero leaves an output
    out. With `output_weights = 1 / sqrt(7)` it is the loss of Zahn et al. 2022.
    """

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]
    output_weights: NDArray[np.float32]

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Inputs and outputs, so many rows at a time."""
        for first in range(0, len(self.inputs), _BLOCK):
            part = slice(first, first + _BLOCK)
            yield self.inputs[part], self.outputs[part]

    def cost(self, network: Network) -> float:
        """The cost of a network."""
        total = 0.0
        for inputs, outputs in self.blocks():
            *_, predicted = activations(network, inputs)
            total += float(np.sum(((predicted - outputs) * self.output_weights) ** 2, dtype=np.float64))
        return total / len(self.inputs)


def parameters(network: Network) -> NDArray[np.float64]:
    """Weights that are left, layer by layer, then all biases, (P,)."""
    left = [weight[weight != 0] for weight in network.weights]
    return np.concatenate([*left, *network.biases]).astype(np.float64)


def with_parameters(network: Network, values: Array) -> Network:
    """The network with other `parameters` (P,)."""
    values, weights, biases = np.asarray(values, dtype=np.float32), [], []
    for weight in network.weights:
        left = weight != 0
        mine, values = np.split(values, [np.count_nonzero(left)])
        weight = weight.copy()
        # A weight that the step puts at zero is still a connection.
        weight[left] = np.where(mine == 0, np.finfo(np.float32).tiny, mine)
        weights.append(weight)
    for bias in network.biases:
        mine, values = np.split(values, [len(bias)])
        biases.append(mine)
    return replace(network, weights=tuple(weights), biases=tuple(biases))


def activations(network: Network, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Of all layers, one (N, n) array each: scaled inputs, hidden layers, scaled outputs."""
    layers = [inputs]
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        layers.append(np.tanh(layers[-1] @ weight + bias))
    return [*layers, layers[-1] @ network.weights[-1] + network.biases[-1]]


def jacobian(network: Network, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scaled outputs (N, 7), and their slopes by the `parameters` (N, 7, P)."""
    *layers, outputs = activations(network, inputs)
    rows, width = outputs.shape
    # By layer, how the outputs (N, 7, n) change with what goes into its nodes.
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
    """J'J (P, P) and J'r (P,) of the residuals, in double precision; half the Hessian and slope of the cost."""
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
    """Levenberg-Marquardt from where the network stands.

    Args:
        network: pruned connections are zero and stay so.
        task: what to learn; several times as many rows as there are parameters.
        rounds: at most so many steps.
        least_gain: stop when a step lowers the cost by a smaller share.
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
