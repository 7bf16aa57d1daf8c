from typing import Any

import numpy as np

from mothsim.actuation import to_components
from mothsim.controllers.zahn2022.prediction_figures import draw_predictions, draw_trajectories
from mothsim.segments import draw, generate


class Oracle:
    """Knows the answers, but for an error of so many dyn in F_x."""

    connections = 0
    fully_actuated = False

    def __init__(self, miss: float) -> None:
        self.miss = miss

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        if len(inputs) == 3:
            outputs = np.pad(to_components(draw(3, 6)[1])[:, :3], ((0, 0), (0, 4)))
        else:
            outputs = generate(len(inputs), 6).outputs.astype(float)
        outputs[:, 0] += self.miss
        return outputs

    def loss(self, inputs: np.ndarray, outputs: np.ndarray) -> float:
        return float(np.mean((self(inputs) - outputs) ** 2))


def test_residuals_are_what_a_network_misses_by() -> None:
    network: Any = Oracle(300)
    titles = [axes.get_title() for axes in draw_predictions(network).axes]
    assert titles[0] == "$F_x$, dyn"
    assert [title for title in titles if title.startswith("residual")] == [
        "residual, RMS 300 dyn", "residual, RMS 0 dyn", "residual, RMS 0 dyn cm",
        *["residual, RMS 0 cm/s"] * 2, *["residual, RMS 0 rad/s"] * 2,
    ]  # fmt: skip


def test_residuals_are_actual_minus_predicted() -> None:
    network: Any = Oracle(300)
    residuals = draw_predictions(network).axes[7]
    assert residuals.get_ylabel() == "actual - predicted"
    drawn = np.asarray(residuals.lines[1].get_ydata())
    assert np.allclose(drawn, -300, atol=1e-2)


def test_the_true_control_flies_the_true_segment() -> None:
    true, wrong = (Oracle(miss) for miss in (0, 3000))
    networks: Any = {"true": true, "wrong": wrong}
    titles = [axes.get_title() for axes in draw_trajectories(networks).axes[:3]]
    for title in titles:
        misses = [float(part.split(": ")[1].removesuffix(" cm")) for part in title.split("by ")[1].split(", ")]
        assert misses[0] < 1e-4
        assert misses[1] > 0.05
