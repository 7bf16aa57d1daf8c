import numpy as np

from mothsim.controllers.learning.learning_curve import draw_learning_curve, draw_learning_curves
from mothsim.controllers.networks.network import Network, Scaling

LEVELS = ((0, 300, 5e-4), (50, 200, 9e-4), (90, 100, 2e-3))


def run(factor: float) -> list[Network]:
    """A run by hand: 300, 200 and 100 steps at three levels, of which the second is the last to pass 1e-3."""
    weights = (np.ones((10, 7), dtype=np.float32),)
    biases = (np.zeros(7, dtype=np.float32),)
    return [
        Network(weights, biases, Scaling.identity(10, 7), {
            "level": level, "steps": steps, "test_loss": factor * loss, "learning_curve": [loss] * (steps // 100)})
        for level, steps, loss in LEVELS
    ]  # fmt: skip


def test_a_level_is_named_where_the_network_is_pruned() -> None:
    axes = draw_learning_curve(run(1)).axes[0]
    assert [(text.get_position()[0], text.get_text().strip()) for text in axes.texts] == [
        (0, "0"), (300, "50"), (500, "90")]  # fmt: skip


def test_a_black_line_stands_at_the_sparsest_level_that_passes() -> None:
    one, other, unused, _ = draw_learning_curves({"one": run(1), "other": run(10), "third": run(0.1)}).axes
    black = [[line.get_xdata()[0] for line in axes.lines if line.get_color() == "black"] for axes in (one, other)]  # pyright: ignore
    assert black == [[300], []]
    assert one.get_title() == "one: passes up to 50 %"
    assert other.get_title() == "other: passes at no level"
    assert unused.get_title() == "third: passes up to 90 %"
