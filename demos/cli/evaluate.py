"""`mothsim evaluate`: tracking error of many networks beside LQR and MPC, in tables, pictures and a report."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.options import Count, Factor, Percents, Seed, Workers
from mothsim.workers import available_cpus, dask_cluster

_FEW = 5  # starts of a controller that samples at every decision, which takes milliseconds
_SAMPLING = ("mppi", "cem", "random-shooting", "monte-carlo")
_SHOWN = 5.0  # s of a flight in the report


def _beside() -> tuple[str, ...]:
    return ("lqr", "nmpc", "mppi") if find_spec("piqp") else ("lqr", "mppi")


@dataclass
class Evaluate:
    """Fly a folder of networks, LQR and MPC on a set of tasks; killed at any moment, the same command goes on."""

    networks: Path | None = None
    """Folder with networks, one a file, or with a study, also in folders below; by default the shipped networks."""
    waypoints: tuple[Literal["own", "kinematic", "reachable"], ...] = ("own",)
    """Waypoints on which every network flies: alone on kinematic ones, helped by LQR and the engine on reachable ones,
    or as it was trained to."""
    controllers: tuple[str, ...] = field(default_factory=_beside)
    """Controllers to fly beside them: lqr, nmpc, mppi, cem, random-shooting, monte-carlo, or module:name or
    file.py:name of one of your own; nmpc by default where the extra [mpc] is installed."""
    tasks: tuple[str, ...] = (
        "hover", "step", "sum-of-primes", "figure-eight", "forward", "recover", "recover-half",
    )  # fmt: skip
    """Tasks to fly, each once; recover-half is recover from starts half as violent, and module:name or file.py:name
    is a target of your own, a function of time, flown for 5 s."""
    starts: Count = 20
    """Flights of each controller on each task; those that sample at every decision fly five at most."""
    robustness: bool = False
    """Fly under noise, delay, gusts and on other bodies as well."""
    robust_tasks: tuple[str, ...] = ("hover", "sum-of-primes", "figure-eight", "recover-half")
    """Tasks to fly disturbed."""
    robust_levels: Percents = (0.0, 93.0, 98.0, 99.0)
    """Levels of pruning to fly disturbed, per cent."""
    harder: bool = False
    """Fly under more perturbations: delays to 60 ms, a drink in flight, pairs and triples at once."""
    informed: bool = False
    """Fly all but policies once more, informed of delay, noise and body: they filter and predict with the engine."""
    duration_scale: Factor = 1.0
    """Times the usual length of the tasks."""
    report: bool = False
    """Write report.html, one page with everything in it."""
    workers: Workers = field(default_factory=available_cpus)
    """Processes; by default one for each core that this process may use."""
    dask: str | None = None
    """Address of a Dask scheduler, such as tcp://10.0.0.1:8786, on whose cluster to fly instead of in processes here;
    its workers need mothsim and the same folders."""
    seed: Seed = 2000
    """Seed of the starts and of every random number; the shipped networks were selected on others."""
    out: Path = Path("out/evaluate")
    """Folder for the tables and pictures."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

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

        waypoints = ["" if waypoint == "own" else waypoint for waypoint in self.waypoints]
        specs = find_controllers(self.networks, self.controllers, waypoints)
        specs = also_informed(specs) if self.informed else specs
        failures = unreadable(specs)
        specs = [spec for spec in specs if spec.name not in failures]
        batches = self._batches(specs)
        open_folder(self.out)
        with (
            dask_cluster(self.dask) if self.dask else nullcontext(),
            tqdm(total=len(batches), desc="flying", unit="batch", file=sys.stderr) as bar,
        ):
            workers = None if self.dask else self.workers
            flown = fly_all(batches, self.out, workers=workers, callback=bar.update)
        failures |= flown.failures
        specs = [spec for spec in specs if spec.name not in failures]
        if not specs:
            raise ValueError(_failed(failures))
        flights, networks = flown.rows, describe_all(specs, self.out)
        tables = {
            "flights": flights, "summary": summarise(flights), "networks": networks,
            "costs": decision_costs([spec for spec in specs if not spec.informed], progress=True),
            "predictors": predictor_correlations(flights, networks),
            "robustness": compare(flights),
        }  # fmt: skip
        files = [self.out / f"{name}.csv" for name, rows in tables.items() if rows or name == "networks"]
        for file in files:
            rows = tables[file.stem]
            write_table(with_failures(rows, failures) if file.stem == "networks" else rows, file)
        table = headline(tables["summary"])
        write_atomically(self.out / "headline.md", as_markdown(table).encode())
        files += [self.out / "headline.md", *self._pictures(tables)]
        if self.report:
            files.append(self._report(tables, specs))
        if self.json:
            lost = sum(row["lost"] for row in flights)
            counts = {"flights": len(flights), "networks": len(networks), "lost": lost}
            rows = headline_rows(tables["summary"])
            show({"out": self.out, "seed": self.seed, **counts, "failures": failures, "rows": rows}, True)
        else:
            print(as_markdown(table), end="")
        wrote(*files)
        if failures:
            raise ValueError(_failed(failures))

    def _batches(self, specs: Sequence[Any]) -> list[Any]:
        """List the batches: every controller undisturbed; where asked, those of a few levels perturbed as well."""
        from mothsim.controllers.evaluation.rollouts import origin
        from mothsim.controllers.evaluation.scenarios import RolloutBatch, find_scenarios
        from mothsim.perturbations import HARDER, PERTURBATIONS

        calm, *rough = [*PERTURBATIONS.values(), *(HARDER.values() if self.harder else ())]
        scenarios = find_scenarios(self.tasks, self.duration_scale)
        robust = find_scenarios(self.robust_tasks, self.duration_scale, "robust_tasks") if self.robustness else []
        batches = []
        for spec in specs:
            starts = min(self.starts, _FEW) if spec.controller in _SAMPLING else self.starts
            batches += [RolloutBatch(spec, scenario, calm, starts, self.seed) for scenario in scenarios]
            level = origin(spec)["level"] if spec.file else None
            baseline = spec.controller not in _SAMPLING or self.informed
            disturbed = level in self.robust_levels if spec.file else baseline
            if self.robustness and disturbed:
                batches += [
                    RolloutBatch(spec, scenario, one, starts, self.seed) for scenario in robust for one in rough
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
        for name, figure in drawn.items():
            save_figure(figure, self.out / f"{name}.png")
        return [self.out / f"{name}.png" for name in drawn]

    def _report(self, tables: Mapping[str, list], specs: Sequence[Any]) -> Path:
        from mothsim.controllers.evaluation.report.html import page
        from mothsim.io import write_atomically

        settings = {
            "networks": len(tables["networks"]), "controllers beside them": ", ".join(self.controllers),
            "tasks": ", ".join(self.tasks), "starts": self.starts, "seed": self.seed,
            "flights": len(tables["flights"]), "length of tasks": self.duration_scale,
        }  # fmt: skip
        if self.robustness:
            settings["tasks flown disturbed"] = ", ".join(self.robust_tasks)
            settings["levels flown disturbed"] = ", ".join(f"{level:g} %" for level in self.robust_levels)
        write_atomically(self.out / "report.html", page(tables, self._shown(specs), settings).encode())
        return self.out / "report.html"

    def _shown(self, specs: Sequence[Any]) -> dict[str, Any]:
        """Fly the densest, a middling and the sparsest network once, on the hardest smooth task flown."""
        from mothsim.controllers.evaluation.rollouts import fly_batch, origin
        from mothsim.controllers.evaluation.scenarios import RolloutBatch, find_scenarios
        from mothsim.perturbations import PERTURBATIONS

        flown = sorted((spec for spec in specs if spec.file), key=lambda spec: origin(spec)["weights"])
        chosen = {flown[i].name: flown[i] for i in (-1, len(flown) // 2, 0)} if flown else {}
        scenario = next(
            c for c in find_scenarios(("figure-eight", "sum-of-primes", "hover")) if c.name in (*self.tasks, "hover")
        )
        scenario = replace(scenario, duration=min(scenario.duration * self.duration_scale, _SHOWN))
        batches = {
            f"{spec.name}, {origin(spec)['weights']:,} weights": RolloutBatch(
                spec, scenario, PERTURBATIONS["nominal"], 1, self.seed
            )
            for spec in chosen.values()
        }
        return {name: fly_batch(batch).moth(0) for name, batch in batches.items()}


def _failed(failures: Mapping[str, str]) -> str:
    """One line about the controllers that could not be flown."""
    name, message = next(iter(failures.items()))
    more = f", and {len(failures) - 1} more, see networks.csv" if len(failures) > 1 else ""
    return f"{name} could not be flown ({message}){more}"
