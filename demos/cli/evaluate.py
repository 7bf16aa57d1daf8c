"""`mothsim evaluate`: tracking error of many networks beside LQR and MPC, in tables, pictures and a report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from tqdm import tqdm
from tyro.conf import OmitArgPrefixes, arg

from mothsim.demos.cli.evaluate_options import Compared, Computing, EvaluateOutput, FlownTasks, RobustnessTests
from mothsim.demos.cli.output import left_over, show, wrote
from mothsim.demos.options import command_line
from mothsim.workers import places_to_work

_FEW = 5  # starts of a controller that samples at every decision, which takes milliseconds
_SAMPLING = ("mppi", "cem", "random-shooting", "monte-carlo")
_SHOWN = 5.0  # s of a flight in the report
PICTURES = ("error-sparsity", "error-weights", "loss", "cost", "predictors", "robustness", "failed")
"""Names of all that may be drawn."""


@dataclass
class Evaluate:
    """Fly a folder of networks, LQR and MPC on a set of tasks; killed at any moment, the same command goes on."""

    compared: Annotated[Compared, OmitArgPrefixes, arg(name="network")] = field(default_factory=Compared)
    flights: Annotated[FlownTasks, OmitArgPrefixes, arg(name="task")] = field(default_factory=FlownTasks)
    perturbation: Annotated[RobustnessTests, OmitArgPrefixes] = field(default_factory=RobustnessTests)
    computing: Annotated[Computing, OmitArgPrefixes] = field(default_factory=Computing)
    output: Annotated[EvaluateOutput, OmitArgPrefixes] = field(default_factory=EvaluateOutput)

    def run(self) -> None:
        """Fly, summarise, draw and print.

        Raises:
            ValueError: an option has no meaning, or, after all else is done, a network could not be read or flown.
        """
        from mothsim.controllers.evaluation.decision_time import decision_costs
        from mothsim.controllers.evaluation.predictors import predictor_correlations
        from mothsim.controllers.evaluation.report.headline import as_markdown, headline, headline_rows
        from mothsim.controllers.evaluation.robustness import compare
        from mothsim.controllers.evaluation.rollouts import describe_all, fly_all, unreadable, with_failures
        from mothsim.controllers.evaluation.scenarios import also_informed, find_controllers
        from mothsim.controllers.evaluation.statistics import summarise
        from mothsim.io import open_folder, write_atomically
        from mothsim.tables import write_table

        waypoints = ["" if waypoint == "own" else waypoint for waypoint in self.compared.waypoints]
        specs = find_controllers(self.compared.networks, self.compared.controllers, waypoints)
        specs = also_informed(specs) if self.perturbation.informed else specs
        failures = unreadable(specs)
        specs = [spec for spec in specs if spec.name not in failures]
        batches = self._batches(specs)
        open_folder(self.output.out)
        with (
            places_to_work(self.computing.workers, self.computing.dask) as workers,
            tqdm(total=len(batches), desc="flying", unit="batch", file=sys.stderr) as bar,
        ):
            flown = fly_all(batches, self.output.out, workers=workers, callback=bar.update)
        failures |= flown.failures
        specs = [spec for spec in specs if spec.name not in failures]
        if not specs:
            raise ValueError(_failed(failures))
        flights, networks = flown.rows, describe_all(specs, self.output.out)
        tables = {
            "flights": flights, "summary": summarise(flights), "networks": networks,
            "costs": decision_costs([spec for spec in specs if not spec.informed], progress=True),
            "predictors": predictor_correlations(flights, networks),
            "robustness": compare(flights),
        }  # fmt: skip
        files = [self.output.out / f"{name}.csv" for name, rows in tables.items() if rows or name == "networks"]
        for file in files:
            rows = tables[file.stem]
            write_table(with_failures(rows, failures) if file.stem == "networks" else rows, file)
        table = headline(tables["summary"])
        write_atomically(self.output.out / "headline.md", as_markdown(table).encode())
        files += [self.output.out / "headline.md", *self._pictures(tables)]
        if self.output.report:
            files.append(self._report(tables, specs))
        if self.output.json:
            lost = sum(row["lost"] for row in flights)
            result = {"flights": len(flights), "networks": len(networks), "lost": lost, "failures": failures}
            result |= {"out": self.output.out, "seed": self.flights.seed, "rows": headline_rows(tables["summary"])}
            show(result, True)
        else:
            print(as_markdown(table), end="")
        wrote(*files)
        left_over(self.output.out, files, *tables, *PICTURES, "headline", "report")
        if failures:
            raise ValueError(_failed(failures))

    def _batches(self, specs: Sequence[Any]) -> list[Any]:
        """List the batches: every controller undisturbed; where asked, those of a few levels perturbed as well."""
        from mothsim.controllers.evaluation.rollouts import origin
        from mothsim.controllers.evaluation.scenarios import RolloutBatch, find_scenarios
        from mothsim.perturbations import HARDER, PERTURBATIONS

        flights, asked = self.flights, self.perturbation
        for name in () if asked.robustness else ("harder", "robust_tasks", "robust_levels"):
            if (value := getattr(asked, name)) != getattr(RobustnessTests(), name):
                raise ValueError(f"{name} = {value!r}: expected with --robustness, without which none fly disturbed")
        calm, *rough = [*PERTURBATIONS.values(), *(HARDER.values() if asked.harder else ())]
        scenarios = find_scenarios(flights.tasks, flights.duration_scale)
        tests = asked.robust_tasks if asked.robustness else ()
        robust = find_scenarios(tests, flights.duration_scale, "robust_tasks") if tests else []
        batches = []
        for spec in specs:
            starts = min(flights.starts, _FEW) if spec.controller in _SAMPLING else flights.starts
            batches += [RolloutBatch(spec, scenario, calm, starts, flights.seed) for scenario in scenarios]
            level = origin(spec)["level"] if spec.file else None
            baseline = spec.controller not in _SAMPLING or asked.informed
            if level in asked.robust_levels if spec.file else baseline:
                batches += [
                    RolloutBatch(spec, scenario, one, starts, flights.seed) for scenario in robust for one in rough
                ]
        return batches

    def _pictures(self, tables: Mapping[str, list]) -> list[Path]:
        from mothsim.controllers.evaluation.report import comparison_plots, failed_shares, plots
        from mothsim.controllers.evaluation.robustness import DISTURBED
        from mothsim.plotting.figures import save_figure

        flights, networks = tables["flights"], tables["networks"]
        drawn = {
            "error-sparsity": plots.draw_errors(flights, "sparsity"),
            "error-weights": plots.draw_errors(flights, "weights"),
            "loss": plots.draw_loss(flights),
            "cost": plots.draw_costs(flights, tables["costs"], networks),
            "predictors": comparison_plots.draw_predictors(flights, networks, tables["predictors"]),
        }
        if any(row["perturbation"] == DISTURBED for row in tables["robustness"]):
            drawn["robustness"] = comparison_plots.draw_pairs(tables["robustness"])
        if failed_shares.disturbed_flights(flights):
            drawn["failed"] = failed_shares.draw_failed_shares(flights)
        files = {self.output.out / f"{name}.{self.output.picture}": figure for name, figure in drawn.items()}
        for file, figure in files.items():
            save_figure(figure, file)
        return list(files)

    def _report(self, tables: Mapping[str, list], specs: Sequence[Any]) -> Path:
        from mothsim.controllers.evaluation.report.html import page
        from mothsim.io import write_atomically

        settings = {
            "networks": len(tables["networks"]), "controllers beside them": ", ".join(self.compared.controllers),
            "tasks": ", ".join(self.flights.tasks), "starts": self.flights.starts, "seed": self.flights.seed,
            "flights": len(tables["flights"]), "length of tasks": self.flights.duration_scale,
        }  # fmt: skip
        if self.perturbation.robustness:
            settings["tasks flown disturbed"] = ", ".join(self.perturbation.robust_tasks)
            settings["levels flown disturbed"] = ", ".join(f"{level:g} %" for level in self.perturbation.robust_levels)
        shown, view = self._shown(specs)
        content = page(tables, shown, settings, command_line("mothsim evaluate", self), view)
        write_atomically(self.output.out / "report.html", content.encode())
        return self.output.out / "report.html"

    def _shown(self, specs: Sequence[Any]) -> tuple[dict[str, Any], str]:
        """Fly the densest, a middling and the sparsest network once, on the hardest smooth task flown.

        Returns:
            The flights by name, and the command line that flies the same networks.
        """
        from mothsim.controllers.evaluation.rollouts import fly_batch, origin
        from mothsim.controllers.evaluation.scenarios import RolloutBatch, find_scenarios
        from mothsim.controllers.networks.storage import shipped_networks
        from mothsim.perturbations import PERTURBATIONS

        # One command flies inverse models on one kind of waypoint, and nobody informed.
        waypoint = next((kind for kind in self.compared.waypoints[:1] if kind != "own"), "")
        able = [spec for spec in specs if spec.file and not spec.informed]
        able = [spec for spec in able if spec.controller == "policy" or spec.waypoint == waypoint]
        flown = sorted(able, key=lambda spec: origin(spec)["weights"])
        chosen = {flown[i].name: flown[i] for i in (-1, len(flown) // 2, 0)} if flown else {}
        scenario = next(
            c
            for c in find_scenarios(("figure-eight", "sum-of-primes", "hover"))
            if c.name in (*self.flights.tasks, "hover")
        )
        scenario = replace(scenario, duration=min(scenario.duration * self.flights.duration_scale, _SHOWN))
        batches = {
            f"{spec.name}, {origin(spec)['weights']:,} weights": RolloutBatch(
                spec, scenario, PERTURBATIONS["nominal"], 1, self.flights.seed
            )
            for spec in chosen.values()
        }
        shipped = {str(file.resolve()): name for name, file in shipped_networks().items()}
        names = [shipped.get(str(spec.file), str(spec.file)) for spec in chosen.values()]
        fliers = list(dict.fromkeys(spec.controller for spec in chosen.values()))
        words = ["--controller", *fliers, "--network", *names, "--trajectory", scenario.name]
        if waypoint and "inverse-model" in fliers:
            words += ["--waypoint", waypoint]
        words += ["--duration", f"{scenario.duration:g}", "--seed", str(self.flights.seed), "--view"]
        return {name: fly_batch(batch).moth(0) for name, batch in batches.items()}, shlex.join(
            ["mothsim", "fly", *words]
        )


def _failed(failures: Mapping[str, str]) -> str:
    """One line about the controllers that could not be flown."""
    name, message = next(iter(failures.items()))
    more = f", and {len(failures) - 1} more, see networks.csv" if len(failures) > 1 else ""
    return f"{name} could not be flown ({message}){more}"
