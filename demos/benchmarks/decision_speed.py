"""Time of a decision of every controller, and of a network alone."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

import numpy as np

from mothsim.body import MothBody
from mothsim.controllers.registry import make
from mothsim.flight import Task, random_starts
from mothsim.trajectories import make_trajectory

CONTROLLERS = ("inverse-model", "lqr", "nmpc", "monte-carlo", "random-shooting", "cem", "mppi")


def decisions(count: int = 50, repeats: int = 3, seed: int = 0) -> list[dict[str, Any]]:
    """One row a controller, deciding for one moth near hover: the shortest of so many repeats, taken in turns.

    Args:
        count: decisions a repeat.
        repeats: of each controller.
        seed: of the moth's start.

    Returns:
        `controller`, `segments` rolled out a decision, `control_step_us`, `decisions_per_second`, `realtime_factor`
        (decision period over decision time) and `beside_network`, the ratio of decision times.
    """
    trajectory = make_trajectory("hover")
    made = {name: make(name) for name in CONTROLLERS if name != "nmpc" or find_spec("piqp")}
    best = dict.fromkeys(made, np.inf)
    for _ in range(repeats):
        for name, controller in made.items():
            body = getattr(controller, "default_body", None) or MothBody()
            seeds = (np.random.SeedSequence(seed),)
            states = random_starts(trajectory, body, list(seeds))
            controller.reset(Task(trajectory, body, (count + 1) * controller.period, seeds))
            controller.control(states, 0.0)  # compile
            began = time.perf_counter()
            for k in range(1, count + 1):
                controller.control(states, k * controller.period)
            best[name] = min(best[name], (time.perf_counter() - began) / count)
    return [
        {
            "controller": name,
            "segments": getattr(controller, "segments", 0),
            "control_step_us": 1e6 * best[name],
            "decisions_per_second": 1 / best[name],
            "realtime_factor": controller.period / best[name],
            "beside_network": best[name] / best["inverse-model"],
        }
        for name, controller in made.items()
    ]


def report(rows: list[dict[str, Any]]) -> str:
    """The rows as text."""
    lines = [f"{'controller':16s} {'segments':>9s} {'us a decision':>14s} {'a second':>9s} {'real time':>10s} "
             f"{'network':>8s}"]  # fmt: skip
    lines += [
        f"{row['controller']:16s} {row['segments']:9,d} {row['control_step_us']:14.0f} "
        f"{row['decisions_per_second']:9,.0f} {row['realtime_factor']:9.1f}x {row['beside_network']:7.1f}x"
        for row in rows
    ]
    return "\n".join(lines)
