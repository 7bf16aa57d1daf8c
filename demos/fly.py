"""`mothsim fly`: one flight, its table, its picture and its animation."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import controllers
import mothsim
from demos.output import show, wrote


@dataclass
class Fly:
    """Fly one moth: a table on the screen, a picture and an animation on disk."""

    controller: str = "inverse-model"
    """Who flies: inverse-model or lqr."""
    network: str = "sparse-98"
    """For the inverse model: a shipped network (dense, sparse-93, sparse-98, small) or a .safetensors file."""
    trajectory: str = "sum-of-primes"
    """hover, step, sine, sum-of-primes, figure-eight, forward, recover, or a CSV file of
    t,x,y[,theta] in s, cm, rad."""
    waypoint: Literal["reachable", "raw"] = "reachable"
    """For the inverse model: where guidance asks it to go; raw targets lose every network."""
    angle: float = math.pi / 2
    """Body angle theta, rad."""
    duration: float = 10.0
    """s."""
    seed: int = 0
    """Of the random start."""
    out: Path = Path("out/fly")
    """Folder for flight.png and flight.gif."""
    animation: bool = True
    """Draw the GIF as well."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Fly, draw and print."""
        options: dict[str, Any] = {}
        if self.controller == "inverse-model":
            options = {"network": self.network, "waypoint": self.waypoint}
        controller = controllers.make(self.controller, **options)
        network = getattr(controller, "network", None)
        target = mothsim.make_trajectory(self.trajectory, self.angle)
        flight = mothsim.fly(controller, target, duration=self.duration, seed=self.seed, progress=sys.stderr.isatty())
        show(self._result(flight, network), self.json)
        self._draw(flight)

    def _result(self, flight: mothsim.Flight, network: Any) -> dict[str, Any]:
        result: dict[str, Any] = {
            "controller": self.controller,
            "network": self.network if network else None,
            "sparsity": network.sparsity if network else None,
            "weights": network.connections if network else None,
            "trajectory": self.trajectory,
            "duration_s": self.duration,
            "rms_error_cm": float(flight.rms_error),
            "max_error_cm": float(flight.max_error),
            "lost": bool(flight.lost),
            "effort_weights": float(mothsim.metrics.effort(flight)),
            "decision_us": 1e6 * flight.decision_seconds,
            "realtime_factor": flight.realtime_factor,
            "seed": self.seed,
        }
        if network:
            from controllers.airworthiness import airworthiness

            verdict = airworthiness(network, angle=self.angle)
            result |= {"spectral_radius": verdict.spectral_radius, "trim_offset_cm": verdict.offset}
        return result

    def _draw(self, flight: mothsim.Flight) -> None:
        from mothsim.animation import animate
        from mothsim.figures import draw_flight, save_figure

        picture, film = self.out / "flight.png", self.out / "flight.gif"
        who = self.network if self.controller == "inverse-model" else self.controller
        save_figure(draw_flight(flight, f"{who} on {self.trajectory}"), picture)
        if self.animation:
            animate(flight, film, progress=sys.stderr.isatty())
        wrote(picture, *([film] if self.animation else []))
