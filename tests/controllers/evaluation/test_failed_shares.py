"""The picture of failed flights shows the shares that the table holds, and marks rows that compare nothing."""

from typing import Any

import numpy as np
import pytest

from mothsim.controllers.evaluation.report.failed_shares import disturbed_flights, draw_failed_shares

ORDER = ("lqr", "dense-a", "pruned-a")


def flight(controller: str, perturbation: str, lost: bool, task: str = "hover") -> dict[str, Any]:
    family = {"lqr": "lqr", "dense-a": "dense", "pruned-a": "layerwise"}[controller]
    level, weights = {"lqr": (None, None), "dense-a": (0.0, 330512), "pruned-a": (93.0, 23136)}[controller]
    return {"controller": controller, "family": family, "run": "0", "level": level, "weights": weights, "task": task,
            "perturbation": perturbation, "lost": lost, "recovered": None}  # fmt: skip


@pytest.fixture
def flights() -> list[dict[str, Any]]:
    rows = [flight(name, "nominal", False) for name in reversed(ORDER)]
    rows += [flight(name, "delay 20 ms", True) for name in ORDER]
    rows += [flight(name, "size 0.8", name != "lqr" and lost) for name in ORDER for lost in (True, False)]
    return [*rows, flight("lqr", "nominal", True, "step")]


def test_only_tasks_flown_disturbed_count(flights: list[dict[str, Any]]) -> None:
    assert all(row["task"] == "hover" for row in disturbed_flights(flights))
    assert disturbed_flights([row for row in flights if row["perturbation"] == "nominal"]) == []


def test_shares_are_those_of_the_table(flights: list[dict[str, Any]]) -> None:
    figure = draw_failed_shares(flights)
    axes = figure.axes[0]
    shown = np.asarray(axes.images[0].get_array())
    np.testing.assert_array_equal(shown, [[0, 0, 0], [100, 100, 100], [0, 50, 50]])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["nominal *", "delay 20 ms *", "size 0.8"]
    assert [text.get_text() for text in axes.get_xticklabels()] == list(ORDER)
    assert [text.get_text() for text in axes.texts] == ["50", "50"]
