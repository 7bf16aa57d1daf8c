"""`mothsim evaluate`: sparsity versus tracking error, against LQR and the MPC baselines."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mothsim.demos.cli.output import show, wrote

_FEW = 5  # starts of a baseline that samples, whose decisions take milliseconds
_SHOWN = 5.0  # s of a flight in the report


@dataclass
class Evaluate:
    """Fly a folder of networks, LQR and MPC on a set of tasks; killed at any moment, the same command goes on."""

    networks: Path | None = None
    """Folder with networks, one a level, also in folders below; by default the shipped networks."""
    baselines: tuple[str, ...] = ("lqr", "mppi")
    """Controllers to fly beside them: lqr, mppi, cem, random-shooting, monte-carlo."""
    tasks: tuple[str, ...] = (
        "hover", "step", "sum-of-primes", "figure-eight", "forward", "recover", "recover-half",
    )  # fmt: skip
    """To fly; recover-half starts half as violently."""
    starts: int = 20
    """Flights of each network on each task; sampling baselines fly five at most."""
    robustness: bool = False
    """Fly under noise, delay, gusts and on other bodies as well."""
    robust_tasks: tuple[str, ...] = ("hover", "sum-of-primes", "figure-eight", "recover-half")
    """Tasks to fly disturbed."""
    robust_levels: tuple[float, ...] = (0.0, 93.0, 98.0, 99.0)
    """Levels of pruning to fly disturbed, per cent."""
    duration_scale: float = 1.0
    """Times the usual length of the tasks."""
    report: bool = False
    """Write report.html, one page with everything in it."""
    workers: int = os.cpu_count() or 1
    """Processes."""
    seed: int = 2000
    """Of the starts and of every random number; the shipped networks were chosen on others."""
    out: Path = Path("out/evaluate")
    """Folder for the tables and pictures."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Fly, sum up, draw and print."""
        from mothsim.controllers.evaluation.decision_time import decision_costs
        from mothsim.controllers.evaluation.predictors import predictor_correlations
        from mothsim.controllers.evaluation.report.headline import as_markdown, headline
        from mothsim.controllers.evaluation.robustness import compare
        from mothsim.controllers.evaluation.rollouts import describe_all, fly_all
        from mothsim.controllers.evaluation.scenarios import find_controllers
        from mothsim.controllers.evaluation.statistics import summarise
        from mothsim.io import write_atomically
        from mothsim.tables import write_table

        if self.starts < 1 or self.workers < 1:
            raise ValueError(f"starts = {self.starts!r}, workers = {self.workers!r}: expected one or more")
        specs = find_controllers(self.networks, self.baselines)
        batches = self._batches(specs)
        with tqdm(total=len(batches), desc="flying", unit="batch", file=sys.stderr) as bar:
            flights = fly_all(batches, self.out, workers=self.workers, callback=bar.update)
        networks = describe_all(specs, self.out)
        tables = {
            "flights": flights, "summary": summarise(flights), "networks": networks,
            "costs": decision_costs(specs, progress=True), "predictors": predictor_correlations(flights, networks),
            "robustness": compare(flights),
        }  # fmt: skip
        files = [self.out / f"{name}.csv" for name, rows in tables.items() if rows]
        for file in files:
            write_table(tables[file.stem], file)
        table = headline(tables["summary"])
        write_atomically(self.out / "headline.md", as_markdown(table).encode())
        files += [self.out / "headline.md", *self._pictures(tables)]
        if self.report:
            files.append(self._report(tables, specs))
        if self.json:
            lost = sum(row["lost"] for row in flights)
            counts = {"flights": len(flights), "networks": len(networks), "lost": lost}
            show({"out": self.out, "seed": self.seed, **counts, "columns": table[0], "rows": table[1:]}, True)
        else:
            print(as_markdown(table), end="")
        wrote(*files)

    def _batches(self, specs: Sequence[Any]) -> list[Any]:
        """Batches of flights: all pilots undisturbed; where asked, those of a few levels disturbed as well."""
        from mothsim.controllers.evaluation.rollouts import origin
        from mothsim.controllers.evaluation.scenarios import PERTURBATIONS, RolloutBatch, find_scenarios

        calm, *rough = PERTURBATIONS.values()
        scenarios, robust = (find_scenarios(names, self.duration_scale) for names in (self.tasks, self.robust_tasks))
        batches = []
        for spec in specs:
            starts = min(self.starts, _FEW) if spec.file is None and spec.name != "lqr" else self.starts
            batches += [RolloutBatch(spec, scenario, calm, starts, self.seed) for scenario in scenarios]
            disturbed = spec.name == "lqr" or (spec.file and origin(spec)["level"] in self.robust_levels)
            if self.robustness and disturbed:
                batches += [
                    RolloutBatch(spec, scenario, one, starts, self.seed) for scenario in robust for one in rough
                ]
        return batches

    def _pictures(self, tables: Mapping[str, list]) -> list[Path]:
        from mothsim.controllers.evaluation.report import comparison_plots, plots
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
        for name, figure in drawn.items():
            save_figure(figure, self.out / f"{name}.png")
        return [self.out / f"{name}.png" for name in drawn]

    def _report(self, tables: Mapping[str, list], specs: Sequence[Any]) -> Path:
        from mothsim.controllers.evaluation.report.html import page
        from mothsim.io import write_atomically

        settings = {
            "networks": len(tables["networks"]), "baselines": ", ".join(self.baselines),
            "tasks": ", ".join(self.tasks), "starts": self.starts, "seed": self.seed,
            "flights": len(tables["flights"]), "length of tasks": self.duration_scale,
        }  # fmt: skip
        if self.robustness:
            settings["tasks flown disturbed"] = ", ".join(self.robust_tasks)
            settings["levels flown disturbed"] = ", ".join(f"{level:g} %" for level in self.robust_levels)
        write_atomically(self.out / "report.html", page(tables, self._films(specs), settings).encode())
        return self.out / "report.html"

    def _films(self, specs: Sequence[Any]) -> list[Any]:
        """The densest, the sparsest and a middling network, each on the last of the gentle tasks."""
        from mothsim.controllers.evaluation.report.html import film
        from mothsim.controllers.evaluation.rollouts import fly_batch, origin
        from mothsim.controllers.evaluation.scenarios import PERTURBATIONS, RolloutBatch, find_scenarios

        flown = sorted((spec for spec in specs if spec.file), key=lambda spec: origin(spec)["weights"])
        chosen = {flown[i].name: flown[i] for i in (-1, len(flown) // 2, 0)} if flown else {}
        scenario = next(
            c for c in find_scenarios(("figure-eight", "sum-of-primes", "hover")) if c.name in (*self.tasks, "hover")
        )
        scenario = replace(scenario, duration=min(scenario.duration * self.duration_scale, _SHOWN))
        films = []
        with tempfile.TemporaryDirectory() as folder:
            for spec in chosen.values():
                flight = fly_batch(RolloutBatch(spec, scenario, PERTURBATIONS["nominal"], 1, self.seed)).moth(0)
                result = "lost" if flight.lost else f"{flight.rms_error:.3f} cm"
                caption = f"{spec.name}, {origin(spec)['weights']:,} weights, {scenario.name}: {result}"
                films.append(film(flight, caption, Path(folder)))
        return films
