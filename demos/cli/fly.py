"""`mothsim fly`: one flight, its table, its picture and its animation."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Radians, Seconds, Seed

if TYPE_CHECKING:
    import mothsim


@dataclass
class Fly:
    """Fly one moth: a table on the screen, a picture and an animation on disk."""

    controller: str = "inverse-model"
    """Who flies: inverse-model, lqr, monte-carlo, random-shooting, cem or mppi."""
    body: str | None = None
    """Which moth: zahn2022, bustamante2022-fa, -fs, -ua or -us, light-abdomen; by default Zahn et al.'s, and
    bustamante2022-fa for monte-carlo."""
    network: str = "sparse-98"
    """For the inverse model: a shipped one (dense, sparse-93, sparse-98, small, compact, fewest) or its file."""
    trajectory: str = "sum-of-primes"
    """hover, step, sine, sum-of-primes, figure-eight, forward, recover, or a CSV file of
    t,x,y[,theta] in s, cm, rad."""
    interpolation: Literal["pchip", "linear", "cubic"] | None = None
    """Between the rows of a CSV file: pchip (the default) and linear never leave the range of neighbouring rows, cubic
    is a natural spline."""
    waypoint: Literal["reachable", "raw"] = "reachable"
    """For the inverse model: where guidance asks it to go; raw targets lose every network."""
    angle: Radians = None
    """Body angle theta, rad; by default upright, and pi/4 for monte-carlo, as published."""
    duration: Seconds = 10.0
    """s."""
    seed: Seed = 0
    """Of the random start."""
    out: Path = Path("out/fly")
    """Folder for flight.png and flight.gif."""
    animation: bool = True
    """Draw the GIF as well."""
    show_rollouts: bool = False
    """For monte-carlo, random-shooting, cem and mppi: draw the rollouts of each decision faintly into the GIF."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Fly, draw and print."""
        import mothsim
        from mothsim import controllers
        from mothsim.body import make_body
        from mothsim.io import open_folder

        open_folder(self.out)
        published = self.controller == "monte-carlo"
        angle = self.angle if self.angle is not None else math.pi / (4 if published else 2)
        self.body = self.body or ("bustamante2022-fa" if published else "zahn2022")
        body = make_body(self.body)
        options: dict[str, Any] = {}
        if self.controller == "inverse-model":
            options = {"network": self.network, "waypoint": self.waypoint}
        controller: Any = controllers.make(self.controller, **options)
        if self.show_rollouts:
            if not hasattr(controller, "keep_rollouts"):
                raise ValueError(f"show_rollouts: {self.controller} has none; expected a sampling controller")
            controller.keep_rollouts = True
        target = mothsim.make_trajectory(self.trajectory, angle, self.interpolation)
        flight = mothsim.fly(
            controller, target, duration=self.duration, seed=self.seed, body=body, progress=sys.stderr.isatty()
        )
        show(self._result(flight, controller), self.json)
        self._draw(flight, getattr(controller, "sampled_paths", None) if self.show_rollouts else None)

    def _result(self, flight: mothsim.Flight, controller: Any) -> dict[str, Any]:
        from mothsim import metrics

        network = getattr(controller, "network", None)
        result: dict[str, Any] = {
            "controller": self.controller,
            "network": self.network if network else None,
            "sparsity": network.sparsity if network else None,
            "weights": network.connections if network else None,
            "body": self.body,
            "trajectory": self.trajectory,
            "duration_s": round(len(flight.times) * controller.period, 9),
            "rms_error_cm": float(flight.rms_error),
            "max_error_cm": float(flight.max_error),
            "lost": bool(flight.lost),
            "control_effort": float(metrics.effort(flight)),
            "work_per_path_mJ": float(metrics.mean_over_flight(metrics.work_per_path(flight))) * 1e-4,
            "cost_of_transport": float(metrics.cost_of_transport(flight)),
            "control_step_us": 1e6 * flight.decision_seconds,
            "realtime_factor": flight.realtime_factor,
            "seed": self.seed,
        }
        if hasattr(controller, "fallbacks"):
            result["fallbacks"] = int(controller.fallbacks.sum())
        if network:
            from mothsim.controllers.guidance.stability import closed_loop_stability

            angle = float(flight.trajectory.angle(0.0))
            stability = closed_loop_stability(network, controller.guidance, angle=angle)
            result |= {"spectral_radius": stability.spectral_radius, "trim_offset_cm": stability.offset}
        return result

    def _draw(self, flight: mothsim.Flight, sampled_paths: Any) -> None:
        from mothsim.plotting.animation import animate
        from mothsim.plotting.figures import draw_flight, save_figure

        picture, film = self.out / "flight.png", self.out / "flight.gif"
        name = self.network if self.controller == "inverse-model" else self.controller
        save_figure(draw_flight(flight, f"{name} on {self.trajectory}"), picture)
        if self.animation:
            animate(flight, film, sampled_paths=sampled_paths, progress=sys.stderr.isatty())
        wrote(picture, *([film] if self.animation else []))
