"""`mothsim study`: many networks trained and pruned side by side, their table and the paper's figures."""

from __future__ import annotations

import dataclasses
import sys
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

from tqdm import tqdm
from tyro.conf import OmitArgPrefixes, arg

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.cli.study_options import (
    StudiedNetworks,
    StudyFigures,
    StudyOutput,
    StudyPruning,
    StudyTraining,
    Sweeps,
)
from mothsim.demos.cli.train_inverse_model import LevelBar
from mothsim.demos.options import seed_or_seeds
from mothsim.workers import places_to_work

if TYPE_CHECKING:
    from mothsim.controllers.zahn2022.sweep import StudyGroup


@dataclass
class Study:
    """Train and prune many networks side by side; killed at any moment, the same command goes on."""

    members: Annotated[StudiedNetworks, OmitArgPrefixes, arg(name="network")] = field(default_factory=StudiedNetworks)
    training: Annotated[StudyTraining, OmitArgPrefixes] = field(default_factory=StudyTraining)
    pruning: Annotated[StudyPruning, OmitArgPrefixes] = field(default_factory=StudyPruning)
    sweep: Annotated[Sweeps, OmitArgPrefixes] = field(default_factory=Sweeps)
    shown: Annotated[StudyFigures, OmitArgPrefixes, arg(name="figure")] = field(default_factory=StudyFigures)
    output: Annotated[StudyOutput, OmitArgPrefixes] = field(default_factory=StudyOutput)

    def run(self) -> None:
        """Train, draw and print."""
        from mothsim.controllers.zahn2022.loss_table import TABLE
        from mothsim.controllers.zahn2022.published import compare
        from mothsim.controllers.zahn2022.study_figures import draw_study
        from mothsim.controllers.zahn2022.sweep import collect
        from mothsim.tables import write_table

        seed_or_seeds(self.training.seed, self.sweep.seeds)
        speed = None if self.shown.figures else self._train()
        groups = collect(self.output.out, _log)
        files, results = [], []
        for hidden, group in groups.items():
            findings = compare(hidden, group.rows)
            result = self._result(group)
            results.append(result | {"beside_paper": [dataclasses.asdict(one) for one in findings]})
            folder = self.output.out if len(groups) == 1 else self.output.out / "-".join(map(str, hidden))
            if findings:
                files.append(folder / "paper-comparison.csv")
                write_table([dataclasses.asdict(one) for one in findings], files[-1])
            if result["layers"]:
                files.append(folder / "layers.csv")
                write_table(result["layers"], files[-1])
            files.append(folder / TABLE)
            if folder not in {study for study, _ in group.members}:
                write_table(group.rows, files[-1])
        if find_spec("numba"):
            files += draw_study(self.output.out, threshold=self.shown.threshold, level=self.shown.level,
                                kind=self.shown.picture)  # fmt: skip
        else:
            _log("without numba no figures are drawn: where it is installed, --figures draws them from the folder")
        if self.output.json:
            alone = results[0] if len(results) == 1 else {"studies": results}
            show(
                {
                    "out": self.output.out,
                    "seed": self.training.seed,
                    "threshold": self.shown.threshold,
                    **alone,
                    "speed": speed,
                },
                True,
            )
        else:
            for result in results:
                _print(result)
            if speed:
                print(f"\n{speed['report']}")
        wrote(*files)

    def _train(self) -> dict[str, Any] | None:
        """Run what is wanted; returns what it took of the machine over all its time, `None` if all was there."""
        import jax

        from mothsim.controllers.learning.jax_numerics import count_cores_as_devices
        from mothsim.controllers.learning.protocols import dense_with
        from mothsim.controllers.zahn2022.compute_cost import compute_cost
        from mothsim.controllers.zahn2022.pruning_study import run
        from mothsim.controllers.zahn2022.study_files import StudySettings
        from mothsim.controllers.zahn2022.sweep import run_sweep, sweep

        members, training, pruning = self.members, self.training, self.pruning
        settings = StudySettings(
            training.protocol, pruning.method or "", members.hidden, pruning.levels, training.segments, training.seed,
            training.step_scale, members.networks, pruning.rewind, body=members.body, input_noise=training.input_noise,
        )  # fmt: skip
        hidden_sweep = [*map(_nodes, self.sweep.hidden_sweep), *map(dense_with, self.sweep.weights)]
        studies = sweep(self.output.out, settings, self.sweep.seeds, hidden_sweep)
        if self.sweep.workers == 1 and self.sweep.dask is None:
            count_cores_as_devices()
        before, start = compute_cost(studies), time.monotonic()
        if set(studies) == {self.output.out} and self.sweep.dask is None:
            with LevelBar() as bar:
                run(settings, self.output.out, bar, _log)
        else:
            with places_to_work(self.sweep.workers, self.sweep.dask) as workers:
                for _ in tqdm(run_sweep(studies, workers, _log), "studies", len(studies), file=sys.stderr):
                    pass
        done, seconds = compute_cost(studies) - before, time.monotonic() - start
        if not done.flops:
            return None
        report = done.report(seconds, jax.devices()[0].device_kind)
        return {"flops": done.flops / seconds, "bytes": done.bytes / seconds, "seconds": seconds, "report": report}

    def _result(self, group: StudyGroup) -> dict[str, Any]:
        from mothsim.controllers.zahn2022.loss_table import fewest_weights, last_passing, layer_table, summarise

        last = list(last_passing(group.rows, self.shown.threshold).values())
        table = summarise(group.rows, self.shown.threshold)
        return {
            "hidden": group.settings.hidden,
            "seeds": sorted({int(row["seed"]) for row in group.rows}),
            "networks": len(last),
            "never_passing": last.count(None),
            "columns": list(table[0]),
            "levels": [list(row.values()) for row in table],
            "fewest_weights": fewest_weights(group.rows, self.shown.threshold),
            "layers": layer_table(group.rows, self.shown.level, self.shown.threshold),
        }


def _log(line: str) -> None:
    print(f"mothsim: {line}", file=sys.stderr)


def _nodes(hidden: str) -> tuple[int, ...]:
    try:
        return tuple(int(nodes) for nodes in hidden.split("-"))
    except ValueError:
        raise ValueError(f"hidden_sweep = {hidden!r}: expected nodes by layer, such as 200-200-200-8") from None


def _print(result: dict[str, Any]) -> None:
    print(f"hidden layers {', '.join(map(str, result['hidden']))}; loss with its 90 % interval over networks")
    print(f"{'sparsity, %':>11} {'networks':>8} {'weights':>9} {'on paths':>9} {'loss':>28} {'last passing':>12}")
    for level, networks, weights, live, loss, low, high, count in result["levels"]:
        spread = f"{loss:.2e} [{low:.2e}, {high:.2e}]"
        print(f"{level:11g} {networks:8} {weights:9,.0f} {live:9,.0f} {spread:>28} {count:12}")
    fewest, low, high = result["fewest_weights"]
    print(f"fewest weights within the threshold, median over networks: {fewest:,.0f} [{low:,.0f}, {high:,.0f}]")
    if result["layers"]:
        first = result["layers"][0]
        print(f"\n{'layer':>5} {'dense':>8} {'mean left':>10} {'variance':>9} {'per cent':>9}   "
              f"of the {first['networks']:.0f} networks that last pass there")  # fmt: skip
    for row in result["layers"]:
        left = f"{row['mean']:10,.1f} {row['variance']:9.3g} {row['percent']:9.2f}"
        print(f"{row['layer']:5.0f} {row['dense']:8,.0f} {left}")
    if result["beside_paper"]:
        print(f"\n{'beside Zahn et al. 2022':<62} {'theirs':>9} {'ours':>9}   90 % interval")
    for finding in result["beside_paper"]:
        interval = f"[{finding['low']:.4g}, {finding['high']:.4g}] of {finding['networks']}"
        interval += f" in {finding['studies']} studies" if finding["studies"] > 1 else ""
        print(f"{finding['quantity']:<62} {finding['theirs']:9.4g} {finding['ours']:9.4g}   {interval}")
