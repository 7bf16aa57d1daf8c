"""`mothsim fly`: flights of one moth, their table, picture, animation, record and viewer."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mothsim.demos.cli.output import show, show_rows, wrote
from mothsim.demos.cli.view import write_viewer
from mothsim.demos.options import Count, Factor, Noise, Radians, Seconds, Seed
from mothsim.demos.run import collection_paused

if TYPE_CHECKING:
    import mothsim

_COLUMNS = ("controller", "network", "weights", "rms_error_cm", "max_error_cm", "lost", "control_effort",
            "control_step_us")  # fmt: skip
"""Columns of the table of several flights."""
_DRAWN = 8  # moths in a picture
_NETWORKS = {"inverse-model": "inverse-93", "policy": "alone"}
"""Controllers that fly a network, with the one that they fly by default."""


@dataclass
class Fly:
    """Fly moths: a table on the screen, a picture and an animation on disk.

    With several controllers or networks, each flies in turn after the same target, from the same starts.
    """

    controller: tuple[str, ...] = ("inverse-model",)
    """Who flies: inverse-model, policy, lqr, nmpc, monte-carlo, random-shooting, cem or mppi, or module:name or
    file.py:name of one of your own; or several of them."""
    body: str | None = None
    """Which moth: zahn2022, bustamante2022-fa, -fs, -ua or -us, light-abdomen, or a JSON file of
    parameters by name; by default the one
    that the network was trained for, bustamante2022-fa for monte-carlo, else Zahn et al.'s."""
    network: tuple[str, ...] = ()
    """A network or its file, or several: for the inverse model dense, sparse-93, sparse-98, small,
    compact, fewest or inverse-93 (the default), for the policy alone (the default) or a pruned one."""
    trajectory: str = "sum-of-primes"
    """hover, step, sine, sum-of-primes, figure-eight, forward, recover, a CSV file of t,x,y[,theta] in s, cm, rad,
    or module:name or file.py:name of a function of t that gives x, y[, theta]."""
    interpolation: Literal["pchip", "linear", "cubic"] | None = None
    """Between the rows of a CSV file: pchip (the default) and linear never leave the range of neighbouring rows, cubic
    is a natural spline."""
    waypoint: Literal["reachable", "raw", "kinematic"] | None = None
    """For the inverse model: where it is asked to go. On kinematic waypoints it flies alone, on reachable ones LQR
    and the engine help it, raw targets lose every network; by default what it was trained for."""
    angle: Radians = None
    """Body angle theta, rad; by default upright, and pi/4 for monte-carlo, as published."""
    duration: Seconds = 10.0
    """s."""
    moths: Count = 1
    """Moths that each controller flies, each from a start of its own; of several the table has medians, the largest
    error, and how many are lost."""
    noise: Noise = 0.0
    """Standard deviation of sensor noise, as a share of each state's range about the target."""
    delay: Noise = 0.0
    """s by which what the controller is shown is late."""
    gusts: Noise = 0.0
    """Standard deviation of the wind, cm/s."""
    size: Factor = 1.0
    """Times the body's lengths, of which the controller is not informed."""
    abdomen: Factor = 1.0
    """Times the abdomen's mass, of which the controller is not informed."""
    drink: Noise = 0.0
    """Share of its mass that the moth drinks after 2 s, of which the controller is not informed."""
    informed: bool = False
    """Inform the controllers of delay, noise, size and abdomen: they filter and predict with the engine."""
    seed: Seed = 0
    """Of the random starts."""
    out: Path = Path("out/fly")
    """Folder for flight.png, flight.gif and flight.html."""
    animation: bool = True
    """Draw a GIF as well, where one moth flies."""
    view: bool = False
    """Write the flight viewer, flight.html, and open it in a browser where there is a screen."""
    save: Path | None = None
    """File for the record of the flights, .npz, which `mothsim view` opens."""
    show_rollouts: bool = False
    """For monte-carlo, random-shooting, cem and mppi: draw the rollouts of each decision faintly into the GIF."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Fly, draw and print."""
        from mothsim.io import open_folder
        from mothsim.records import save_flights

        open_folder(self.out)
        if self.save is not None:
            if self.save.suffix.lower() != ".npz":
                raise ValueError(f"save = {str(self.save)!r}: expected a name that ends in .npz")
            open_folder(self.save.parent, "save")
        # All is made before anything flies: what is wrong with the last is said at once.
        with collection_paused():
            specs = self._specs()
            made = {name: self._make(*spec) for name, spec in specs.items()}
        flown = {name: self._fly(*made[name], *spec) for name, spec in specs.items()}
        flights = {name: flight for name, (flight, _, _) in flown.items()}
        results = [result for _, result, _ in flown.values()]
        if len(results) == 1:
            show(results[0], self.json)
        else:
            show_rows(results, _COLUMNS, self.json)
        if self.save is not None:
            save_flights(flights, self.save)
            wrote(self.save)
        with collection_paused():
            self._draw(flights, [sampled_paths for _, _, sampled_paths in flown.values()])

    def _specs(self) -> dict[str, tuple[str, str | None]]:
        """Controllers with their networks, by the names that they have in the table and the pictures."""
        specs: dict[str, tuple[str, str | None]] = {}
        for controller in self.controller:
            for network in self._networks_of(controller):
                name = network or controller
                if name in specs:
                    raise ValueError(f"{'network' if network else 'controller'} = {name!r}: expected each once")
                specs[name] = controller, network
        if not specs:
            raise ValueError("controller, network: expected one or more")
        return specs

    def _networks_of(self, controller: str) -> tuple[str | None, ...]:
        """What a controller flies: where several fly networks, each those of its kind."""
        from mothsim.controllers.networks.storage import find_network

        if controller not in _NETWORKS:
            return (None,)
        if not self.network:
            return (_NETWORKS[controller],)
        if len(_NETWORKS.keys() & set(self.controller)) == 1:
            return self.network
        return tuple(name for name in self.network if find_network(name).kind == controller)

    def _make(self, name: str, network: str | None) -> tuple[Any, mothsim.Trajectory, str, mothsim.MothBody]:
        """A controller, what it flies after, and the moth that it flies, by name and itself."""
        import mothsim
        from mothsim import controllers

        published = name == "monte-carlo"
        angle = self.angle if self.angle is not None else math.pi / (4 if published else 2)
        options: dict[str, Any] = {} if network is None else {"network": network}
        if name == "inverse-model":
            options["waypoint"] = self.waypoint
        controller: Any = controllers.make(name, **options)
        usual = "zahn2022" if network is None else controller.network.info.get("body", "zahn2022")
        body = self.body or ("bustamante2022-fa" if published else usual)
        if self.show_rollouts:
            if not hasattr(controller, "keep_rollouts"):
                raise ValueError(f"show_rollouts: {name} has none; expected a sampling controller")
            controller.keep_rollouts = True
        target = mothsim.make_trajectory(self.trajectory, angle, self.interpolation)
        return controller, target, body, mothsim.make_body(body)

    def _fly(
        self,
        controller: Any,
        target: mothsim.Trajectory,
        body_name: str,
        body: mothsim.MothBody,
        name: str,
        network: str | None,
    ) -> tuple[mothsim.Flight, dict[str, Any], Any]:
        """One controller's flight, its results, and the paths it sampled where these are to be drawn."""
        import mothsim
        from mothsim.controllers.informed import Informed
        from mothsim.perturbations import Perturbation

        moths = self.moths if self.moths > 1 else None
        perturbation = Perturbation("", self.noise, self.delay, self.gusts, self.size, self.abdomen, self.drink)
        flying = perturbation.body(body)
        flies = Informed(controller, perturbation.disturbances) if self.informed else controller
        flight = mothsim.fly(flies, target, duration=self.duration, seed=self.seed, moths=moths,
                             body=flying, nominal_body=flying if self.informed else body,
                             disturbances=perturbation.disturbances, progress=sys.stderr.isatty())  # fmt: skip
        sampled_paths = getattr(controller, "sampled_paths", None) if self.show_rollouts else None
        return flight, self._result(flight, controller, name, network, body_name), sampled_paths

    def _result(
        self, flight: mothsim.Flight, controller: Any, name: str, network_name: str | None, body: str
    ) -> dict[str, Any]:
        import numpy as np

        from mothsim import metrics

        network = None if network_name is None else controller.network
        result: dict[str, Any] = {
            "controller": name,
            "network": network_name,
            "sparsity": network.sparsity if network else None,
            "weights": network.connections if network else None,
            "body": body,
            "trajectory": self.trajectory,
            "duration_s": round(len(flight.times) * controller.period, 9),
            "moths": self.moths,
            "rms_error_cm": float(np.median(flight.rms_error)),
            "max_error_cm": float(np.max(flight.max_error)),
            "lost": int(np.sum(flight.lost)) if self.moths > 1 else bool(flight.lost),
            "control_effort": float(np.median(metrics.effort(flight))),
            "work_per_path_mJ": float(np.median(metrics.mean_over_flight(metrics.work_per_path(flight)))) * 1e-4,
            "cost_of_transport": float(np.median(metrics.cost_of_transport(flight))),
            "control_step_us": 1e6 * flight.decision_seconds,
            "realtime_factor": flight.realtime_factor,
            "seed": self.seed,
        }
        if hasattr(controller, "fallbacks"):
            result["fallbacks"] = int(controller.fallbacks.sum())
        if network and name == "inverse-model":
            result["waypoint"] = controller.waypoint
            if not network.fully_actuated:
                stability = controller.stability(float(flight.trajectory.angle(0.0)))
                result |= {"spectral_radius": stability.spectral_radius, "trim_offset_cm": stability.offset}
        return result

    def _draw(self, flights: dict[str, mothsim.Flight], sampled_paths: list[Any]) -> None:
        from mothsim.flight import by_moth
        from mothsim.plotting.figures import draw_flight, draw_flights, save_figure

        written = [self.out / "flight.png"]
        single = by_moth(flights)
        (name, flight), *others = single.items()
        if others:
            title = f"{self.trajectory}: the first {_DRAWN} of {len(single)} moths" if len(single) > _DRAWN else ""
            save_figure(draw_flights(dict(list(single.items())[:_DRAWN]), title), written[0])
        else:
            save_figure(draw_flight(flight, f"{name} on {self.trajectory}"), written[0])
        if self.animation and not others:
            from mothsim.plotting.animation import animate

            written.append(self.out / "flight.gif")
            animate(flight, written[-1], sampled_paths=sampled_paths[0], progress=sys.stderr.isatty())
        wrote(*written)
        if self.view:
            write_viewer(flights, self.out / "flight.html")
