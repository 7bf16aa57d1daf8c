from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mothsim.controllers.learning.levenberg_marquardt import (
    RegressionTask,
    jacobian,
    levenberg_marquardt,
    normal_equations,
    parameters,
    with_parameters,
)
from mothsim.controllers.learning.optimal_brain_surgeon import prune, prune_to_minimum
from mothsim.controllers.networks.network import Network, Scaling

UNIT = Scaling(np.zeros(10), np.ones(10), np.zeros(7), np.ones(7))


def random_network(hidden: tuple[int, ...], seed: int = 0, share: float = 0.6) -> Network:
    """A network of whose connections a share is left."""
    rng = np.random.default_rng(seed)
    sizes = (10, *hidden, 7)
    weights = [
        np.where(rng.random((a, b)) < share, rng.standard_normal((a, b)), 0).astype(np.float32)
        for a, b in pairwise(sizes)
    ]
    return Network(tuple(weights), tuple(rng.standard_normal(n).astype(np.float32) for n in sizes[1:]), UNIT)


def regression(teacher: Network, rows: int = 400, seed: int = 1) -> RegressionTask:
    inputs = np.random.default_rng(seed).uniform(-0.5, 0.5, (rows, 10)).astype(np.float32)
    predicted, _ = jacobian(teacher, inputs)
    return RegressionTask(inputs, predicted, np.linspace(0.0, 2.0, 7, dtype=np.float32))


@pytest.mark.parametrize("hidden", [(), (5,), (6, 4, 3)])
def test_slopes_are_those_of_the_network(hidden: tuple[int, ...]) -> None:
    network = random_network(hidden)
    inputs = np.random.default_rng(1).uniform(-0.5, 0.5, (3, 10)).astype(np.float32)
    outputs, slopes = jacobian(network, inputs)
    assert outputs == pytest.approx(network.scaling.scale_outputs(network(inputs + 0.5)), abs=1e-5)
    start = parameters(network)
    assert len(start) == network.connections + sum(len(bias) for bias in network.biases)
    for i in range(len(start)):
        up, down = (
            jacobian(with_parameters(network, start + h * np.eye(len(start))[i]), inputs)[0] for h in (1e-2, -1e-2)
        )
        assert slopes[:, :, i] == pytest.approx((up - down) / 2e-2, abs=2e-3)


def test_half_the_slope_of_the_cost() -> None:
    network, task = random_network((4,)), regression(random_network((4,), 5))
    matrix, slope = normal_equations(network, task)
    start = parameters(network)
    for i in (0, 7, len(start) - 1):
        ends = [task.cost(with_parameters(network, start + h * np.eye(len(start))[i])) for h in (1e-2, -1e-2)]
        assert slope[i] == pytest.approx((ends[0] - ends[1]) / 4e-2, rel=0.02, abs=1e-4)
    assert np.linalg.eigvalsh(matrix).min() > -1e-6


def test_a_linear_network_is_fitted_by_least_squares_and_pruned_connections_stay_away() -> None:
    """What the lesson asks for needs connections that are gone: the best without them is a least-squares problem."""
    teacher, student = random_network((), 3, 1.0), random_network((), 4, 0.5)
    task = regression(teacher)
    fitted = levenberg_marquardt(student, task, 40, least_gain=1e-7)
    for output in range(1, 7):
        left = student.weights[0][:, output] != 0
        columns = np.column_stack([task.inputs[:, left], np.ones(len(task.inputs))])
        best, *_ = np.linalg.lstsq(columns, task.outputs[:, output], rcond=None)
        assert fitted.weights[0][left, output] == pytest.approx(best[:-1], abs=2e-3)
        assert (fitted.weights[0][~left, output] == 0).all()


def test_a_network_learns_what_its_like_does() -> None:
    teacher = random_network((4,), 7, 1.0)
    start = random_network((4,), 8, 1.0)
    task = regression(teacher)
    assert task.cost(levenberg_marquardt(start, task, 100)) < 1e-3 * task.cost(start)


def test_the_surgeon_takes_the_least_worthy_and_makes_the_others_do() -> None:
    """Of two inputs that always go together one is enough, though neither weight is small; magnitude takes a third."""
    inputs = np.random.default_rng(0).uniform(-0.5, 0.5, (500, 10)).astype(np.float32)
    inputs[:, 1] = inputs[:, 0]
    weight = np.zeros((10, 7), dtype=np.float32)
    weight[[0, 1, 2], 0] = 2.0, 3.0, 0.5
    network = Network((weight,), (np.zeros(7, dtype=np.float32),), UNIT)
    task = RegressionTask(inputs, inputs @ weight, np.ones(7, dtype=np.float32))
    smaller = prune(network, task, 1)
    assert smaller.weights[0][[0, 1, 2], 0] == pytest.approx([0, 5, 0.5], abs=1e-2)
    assert task.cost(smaller) < 1e-5
    other = prune(network, task, 1, skip=1)
    assert other.weights[0][[0, 1, 2], 0] == pytest.approx([5, 0, 0.5], abs=1e-2)


def test_what_lies_on_no_path_goes_too() -> None:
    first = np.zeros((10, 2), dtype=np.float32)
    first[0], first[1, 1] = 1.0, 2.0
    last = np.zeros((2, 7), dtype=np.float32)
    last[0, 0], last[1, 0] = 1e-4, 1.0
    network = Network((first, last), (np.zeros(2, dtype=np.float32), np.zeros(7, dtype=np.float32)), UNIT)
    inputs = np.random.default_rng(0).uniform(-0.5, 0.5, (200, 10)).astype(np.float32)
    smaller = prune(network, RegressionTask(inputs, jacobian(network, inputs)[0], np.ones(7, dtype=np.float32)), 1)
    assert not smaller.weights[0][:, 0].any()
    assert smaller.connections == 3


def test_the_fewest_are_found_and_gone_on_from_in_the_same_bits() -> None:
    """A teacher of nine connections, a full student of the same size: the student comes down to the teacher's."""
    teacher = random_network((), 11, 1.0)
    keep = np.zeros((10, 7), dtype=bool)
    keep[[0, 1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 1, 2, 3]] = True
    teacher = replace(teacher, weights=(np.where(keep, teacher.weights[0] + 2, 0).astype(np.float32),))
    task = regression(teacher)
    taken: list[Network] = []
    student = levenberg_marquardt(random_network((), 12, 1.0), task, 20)
    found = prune_to_minimum(student, task, lambda network: task.cost(network) < 1e-4, callback=taken.append)
    assert np.array_equal(found.weights[0] != 0, keep)
    again = prune_to_minimum(taken[len(taken) // 2], task, lambda network: task.cost(network) < 1e-4)
    assert np.array_equal(again.weights[0], found.weights[0])
