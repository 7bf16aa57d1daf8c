"""Pictures of an evaluation tell every controller from the others, a user's own too."""

from typing import Any

from mothsim.controllers.evaluation.report.headline import row_label
from mothsim.controllers.evaluation.report.plots import draw_costs, draw_errors

NAMES = ("lqr", "mine.py:Springs", "mine.py:PID", "random-shooting")


def flights() -> list[dict[str, Any]]:
    plain = {"perturbation": "nominal", "lost": False, "recovered": None, "run": "", "loss": None, "level": None,
             "dead_controls": ""}  # fmt: skip
    rows = [
        plain | {"controller": name, "family": name, "task": "hover", "weights": None, "rms_error_cm": 0.01 * (i + 1)}
        for i, name in enumerate(NAMES)
    ]
    network = {"controller": "small", "family": "small", "task": "hover", "weights": 1312, "level": 0.0, "loss": 1e-4}
    return [*rows, plain | network | {"rms_error_cm": 0.02}]


def test_every_controller_has_its_colour_and_its_name() -> None:
    rows = flights()
    costs = [{"controller": row["controller"], "control_step_us": 20.0} for row in rows]
    sizes = [{"controller": "small", "multiply_adds": 1312, "bytes": 6000}]
    for figure in (draw_errors(rows, "weights"), draw_costs(rows, costs, sizes)):
        legend = figure.legends[0]
        assert [text.get_text() for text in legend.get_texts()] == [
            "small and dense", "LQR", "mine.py:Springs", "mine.py:PID", "RANDOM-SHOOTING"
        ]  # fmt: skip
        assert len({line.get_color() for line in legend.get_lines()}) == 5
    assert row_label(rows[1]) == "mine.py:Springs"
