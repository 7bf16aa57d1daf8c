import numpy as np
import pytest

from controllers.learning.pruning import by_magnitude, dead_outputs, layerwise, live_connections


def full(*weights: np.ndarray) -> list[np.ndarray]:
    return [np.ones(weight.shape, dtype=bool) for weight in weights]


def test_layerwise_by_hand() -> None:
    first = np.array([[1.0, -4.0], [3.0, -2.0]])
    second = np.array([[0.1], [-0.2]])
    masks = layerwise([first, second], full(first, second), 50)
    assert masks[0].tolist() == [[False, True], [True, False]]
    assert masks[1].tolist() == [[False], [True]]


def test_layerwise_counts_are_those_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape) for shape in ((10, 400), (400, 400), (400, 16), (16, 7))]
    counts = [int(mask.sum()) for mask in layerwise(weights, full(*weights), 93)]
    assert counts == pytest.approx([280, 11199, 447, 8], abs=1)


def test_global_by_hand_leaves_the_outputs_alone() -> None:
    first = np.array([[1.0, -4.0], [3.0, -2.0]])
    middle = np.array([[10.0, 0.5], [0.6, 0.7]])
    last = np.array([[0.01], [0.02]])
    masks = by_magnitude([first, middle, last], full(first, middle, last), 50)
    assert masks[0].tolist() == [[False, True], [True, False]]
    assert masks[1].tolist() == [[True, False], [False, False]]
    assert masks[2].all()


def test_ties_do_not_change_the_count() -> None:
    weights = [np.ones((10, 10)), np.ones((10, 10)), np.ones((10, 2))]
    masks = by_magnitude(weights, full(*weights), 60)
    assert sum(int(mask.sum()) for mask in masks) == 88


def test_what_is_gone_stays_gone() -> None:
    rng = np.random.default_rng(1)
    weights = [rng.standard_normal(shape) for shape in ((10, 40), (40, 30), (30, 7))]
    for method in (layerwise, by_magnitude):
        masks = method(weights, full(*weights), 40)
        later = method(weights, masks, 70)
        assert all((after <= before).all() for before, after in zip(masks, later, strict=True))


def test_nothing_left_is_refused() -> None:
    weights = [np.ones((10, 10)), np.ones((10, 7))]
    with pytest.raises(ValueError, match=r"percent = 99\.9"):
        by_magnitude(weights, full(*weights), 99.9)


def test_live_connections_by_hand() -> None:
    # Input 0 - node 0 - output 0 lives; node 1 has no input; node 2 leads nowhere; output 1 has only node 1.
    first = np.array([[1, 0, 1], [0, 0, 0]], dtype=bool)
    second = np.array([[1, 0], [0, 1], [0, 0]], dtype=bool)
    live = live_connections([first, second])
    assert live[0].tolist() == [[True, False, False], [False, False, False]]
    assert live[1].tolist() == [[True, False], [False, False], [False, False]]
    assert dead_outputs([first, second]) == [1]
