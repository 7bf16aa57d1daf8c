"""`mothsim fly`: flights of one moth, their table, picture, animation, record and viewer."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import OmitArgPrefixes, arg

from mothsim.demos.cli.fly_options import Flier, FlightPlan, FlyOutput, Perturbed
from mothsim.demos.cli.output import left_over, show, show_rows, wrote
from mothsim.demos.cli.view import write_viewer
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

    flier: Annotated[Flier, OmitArgPrefixes, arg(name="controller")] = field(default_factory=Flier)
    flight: Annotated[FlightPlan, OmitArgPrefixes] = field(default_factory=FlightPlan)
    perturbation: Annotated[Perturbed, OmitArgPrefixes] = field(default_factory=Perturbed)
    output: Annotated[FlyOutput, OmitArgPrefixes] = field(default_factory=FlyOutput)

    def run(self) -> None:
        """Fly, draw and print."""
        from mothsim.io import open_folder
        from mothsim.records import save_flights

        open_folder(self.output.out)
        if self.output.save is not None:
            if self.output.save.suffix.lower() != ".npz":
                raise ValueError(f"save = {str(self.output.save)!r}: expected a name that ends in .npz")
            open_folder(self.output.save.parent, "save")
        # All is made before anything flies: what is wrong with the last is said at once.
        with collection_paused():
            specs = self._specs()
            if self.output.show_rollouts and (len(specs) > 1 or self.flight.moths > 1 or not self.output.animation):
                raise ValueError("show_rollouts: drawn into a GIF; expected --animation, one controller and one moth")
            made = {name: self._make(*spec) for name, spec in specs.items()}
        flown = {name: self._fly(*made[name], *spec) for name, spec in specs.items()}
        flights = {name: flight for name, (flight, _, _) in flown.items()}
        results = [result for _, result, _ in flown.values()]
        if len(results) == 1:
            show(results[0], self.output.json)
        else:
            show_rows(results, _COLUMNS, self.output.json)
        if self.output.save is not None:
            save_flights(flights, self.output.save)
            wrote(self.output.save)
        with collection_paused():
            self._draw(flights, [sampled_paths for _, _, sampled_paths in flown.values()])

    def _specs(self) -> dict[str, tuple[str, str | None]]:
        """Controllers with their networks, by the names that they have in the table and the pictures."""
        specs: dict[str, tuple[str, str | None]] = {}
        controllers = self._controllers()
        for controller in controllers:
            for network in self._networks_of(controller, controllers):
                name = network or controller
                if name in specs:
                    raise ValueError(f"{'network' if network else 'controller'} = {name!r}: expected each once")
                specs[name] = controller, network
        if not specs:
            raise ValueError("controller, network: expected one or more")
        flying, flown = ({spec[i] for spec in specs.values()} for i in (0, 1))
        if idle := [name for name in controllers if name not in flying]:
            raise ValueError(f"controller = {', '.join(idle)}: expected a network of that kind among those given")
        if unused := [name for name in self.flier.network if name not in flown]:
            raise ValueError(f"network = {', '.join(unused)}: expected networks that {' and '.join(controllers)} fly")
        if self.flier.waypoint and "inverse-model" not in controllers:
            raise ValueError(f"waypoint = {self.flier.waypoint!r}: expected the inverse model among the controllers")
        return specs

    def _controllers(self) -> tuple[str, ...]:
        """The controllers asked for; or those that fly the networks, each once; or the inverse model."""
        from mothsim.controllers.networks.storage import find_network

        if self.flier.controller is not None:
            return self.flier.controller
        return tuple(dict.fromkeys(find_network(name).kind for name in self.flier.network)) or ("inverse-model",)

    def _networks_of(self, controller: str, controllers: Sequence[str]) -> tuple[str | None, ...]:
        """What a controller flies: where several fly networks, each those of its kind."""
        from mothsim.controllers.networks.storage import find_network

        if controller not in _NETWORKS:
            return (None,)
        if not self.flier.network:
            return (_NETWORKS[controller],)
        if len(_NETWORKS.keys() & set(controllers)) == 1:
            return self.flier.network
        return tuple(name for name in self.flier.network if find_network(name).kind == controller)

    def _make(self, name: str, network: str | None) -> tuple[Any, mothsim.Trajectory, str, mothsim.MothBody]:
        """A controller, what it flies after, and the moth that it flies, by name and itself."""
        import mothsim
        from mothsim import controllers

        published = name == "monte-carlo"
        angle = self.flight.angle if self.flight.angle is not None else math.pi / (4 if published else 2)
        options: dict[str, Any] = {} if network is None else {"network": network}
        if name == "inverse-model":
            options["waypoint"] = self.flier.waypoint
        controller: Any = controllers.make(name, **options)
        usual = "zahn2022" if network is None else controller.network.info.get("body", "zahn2022")
        body = self.flier.body or ("bustamante2022-fa" if published else usual)
        if self.output.show_rollouts:
            if not hasattr(controller, "keep_rollouts"):
                raise ValueError(f"show_rollouts: {name} has none; expected a sampling controller")
            controller.keep_rollouts = True
        target = mothsim.make_trajectory(self.flight.trajectory, angle, self.flight.interpolation)
        if self.flight.angle is not None and float(target.angle(0.0)) != angle:
            raise ValueError(f"angle = {angle!r}: trajectory {self.flight.trajectory!r} has body angles of its own")
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

        moths = self.flight.moths if self.flight.moths > 1 else None
        perturbation = Perturbation(
            "",
            self.perturbation.noise,
            self.perturbation.delay,
            self.perturbation.gusts,
            self.perturbation.size,
            self.perturbation.abdomen,
            self.perturbation.drink,
        )
        flying = perturbation.body(body)
        flies = Informed(controller, perturbation.disturbances) if self.perturbation.informed else controller
        flight = mothsim.fly(flies, target, duration=self.flight.duration, seed=self.flight.seed, moths=moths,
                             body=flying, nominal_body=flying if self.perturbation.informed else body,
                             disturbances=perturbation.disturbances, progress=sys.stderr.isatty())  # fmt: skip
        sampled_paths = getattr(controller, "sampled_paths", None) if self.output.show_rollouts else None
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
            "trajectory": self.flight.trajectory,
            "duration_s": round(len(flight.times) * controller.period, 9),
            "moths": self.flight.moths,
            "rms_error_cm": float(np.median(flight.rms_error)),
            "max_error_cm": float(np.max(flight.max_error)),
            "lost": int(np.sum(flight.lost)) if self.flight.moths > 1 else bool(flight.lost),
            "control_effort": float(np.median(metrics.effort(flight))),
            "work_per_path_mJ": float(np.median(metrics.mean_over_flight(metrics.work_per_path(flight)))) * 1e-4,
            "cost_of_transport": float(np.median(metrics.cost_of_transport(flight))),
            "control_step_us": 1e6 * flight.decision_seconds,
            "realtime_factor": flight.realtime_factor,
            "seed": self.flight.seed,
        }
        if hasattr(controller, "fallbacks"):
            result["fallbacks"] = int(controller.fallbacks.sum())
        if network and name == "inverse-model":
            result["waypoint"] = controller.waypoint
            if not network.fully_actuated:
                stability = controller.stability(float(flight.trajectory.angle(0.0)), flight.body)
                result |= {"spectral_radius": stability.spectral_radius, "trim_offset_cm": stability.offset}
        return result

    def _draw(self, flights: dict[str, mothsim.Flight], sampled_paths: list[Any]) -> None:
        from mothsim.flight import by_moth
        from mothsim.plotting.figures import draw_flight, draw_flights, save_figure

        written = [self.output.out / f"flight.{self.output.picture}"]
        single = by_moth(flights)
        (name, flight), *others = single.items()
        if others:
            title = (
                f"{self.flight.trajectory}: the first {_DRAWN} of {len(single)} moths" if len(single) > _DRAWN else ""
            )
            save_figure(draw_flights(dict(list(single.items())[:_DRAWN]), title), written[0])
        else:
            save_figure(draw_flight(flight, f"{name} on {self.flight.trajectory}"), written[0])
        if self.output.animation and not others:
            from mothsim.plotting.animation import animate

            written.append(self.output.out / "flight.gif")
            animate(flight, written[-1], sampled_paths=sampled_paths[0], progress=sys.stderr.isatty())
        wrote(*written)
        if self.output.view:
            written.append(self.output.out / "flight.html")
            write_viewer(flights, written[-1])
        left_over(self.output.out, written, "flight")
