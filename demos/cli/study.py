"""`mothsim study`: many networks trained and pruned side by side, their table and the paper's figures."""

from __future__ import annotations

import dataclasses
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tqdm import tqdm

from mothsim.demos.cli.output import show, wrote
from mothsim.demos.cli.train_inverse_model import LevelBar
from mothsim.demos.options import Count, Counts, Factor, Noise, Percent, Percents, Seed, Seeds, Workers

if TYPE_CHECKING:
    from mothsim.controllers.zahn2022.sweep import StudyGroup


@dataclass
class Study:
    """Train and prune many networks side by side; killed at any moment, the same command goes on."""

    protocol: Literal["cosine", "constant-rate", "constant-rate-group", "zahn2022-jax", "zahn2022-tensorflow"] = (
        "cosine"
    )
    """Of training: ours; Adam at a constant rate, each network stopping for itself or all together; or one of Zahn et
    al.'s two programs to the letter."""
    method: Literal["global", "gradual", "layerwise", "regrow", "cutoff", "toolkit", "manual"] | None = None
    """Of pruning: by magnitude over all layers, at once or little by little while training; layer by layer, for good
    or with weights that may come back; with the counts of Zahn et al.'s programs; or by their Algorithm 1. By default
    the protocol's own."""
    rewind: bool = False
    """At every level, start what is left again from its first weights."""
    networks: Count = 8
    """How many, in each study."""
    hidden: Counts = (50, 50, 50, 8)
    """Nodes of the hidden layers."""
    hidden_sweep: tuple[str, ...] = ()
    """A sweep over hidden layers, written as 200-200-200-8: a study each, in a folder of that name."""
    weights: Counts = ()
    """A sweep over small networks of about so many weights when dense, narrower ones of Zahn et al.'s shape."""
    levels: Percents = (15, 25, 35, 45, 55, 65, 75, 85, 90, 91, 92, 93, 94, 95, 96, 97, 98)
    """Sparsities, per cent."""
    segments: Count = 1_000_000
    """In the training set."""
    step_scale: Factor = 1.0
    """Times the protocol's steps; less trains less."""
    body: str = "zahn2022"
    """Which moth: zahn2022, or a fully actuated one, bustamante2022-fa or -fs, whose networks give a wing torque."""
    input_noise: Noise = 0.0
    """Standard deviation of noise on the inputs in training, in parts of each input's range."""
    seed: Seed = 0
    """Of data and first weights."""
    seeds: Seeds = ()
    """A sweep over seeds: a study each, in the folders seed-0, seed-1 and so on."""
    workers: Workers = 1
    """Studies of a sweep at once, each in its own process."""
    threshold: Factor = 1e-3
    """Loss that a network has to keep to."""
    level: Percent = 93
    """Sparsity at which sample networks, layers, inputs and predictions are shown, per cent."""
    figures: bool = False
    """Only draw the figures of what is in the folder again."""
    out: Path = Path("out/study")
    """Folder of the study: settings, versions, checkpoints, table and figures; or of a sweep's studies."""
    json: bool = False
    """One JSON object on standard output instead of the table."""

    def run(self) -> None:
        """Train, draw and print."""
        from mothsim.controllers.zahn2022.loss_table import TABLE, as_csv
        from mothsim.controllers.zahn2022.published import as_csv as findings_as_csv
        from mothsim.controllers.zahn2022.published import compare
        from mothsim.controllers.zahn2022.study_figures import draw_study
        from mothsim.controllers.zahn2022.sweep import collect
        from mothsim.io import write_atomically

        speed = None if self.figures else self._train()
        groups = collect(self.out, _log)
        files, results = [], []
        for hidden, group in groups.items():
            findings = compare(hidden, group.rows)
            result = self._result(group)
            results.append(result | {"beside_paper": [dataclasses.asdict(one) for one in findings]})
            folder = self.out if len(groups) == 1 else self.out / "-".join(map(str, hidden))
            if findings:
                files.append(folder / "paper-comparison.csv")
                write_atomically(files[-1], findings_as_csv(findings))
            if result["layers"]:
                files.append(folder / "layers.csv")
                write_atomically(files[-1], as_csv(result["layers"]))
            files.append(folder / TABLE)
            if folder not in {study for study, _ in group.members}:
                write_atomically(files[-1], as_csv(group.rows))
        if find_spec("numba"):
            files += draw_study(self.out, threshold=self.threshold, level=self.level)
        else:
            _log("without numba no figures are drawn: where it is installed, --figures draws them from the folder")
        if self.json:
            alone = results[0] if len(results) == 1 else {"studies": results}
            show({"out": self.out, "seed": self.seed, "threshold": self.threshold, **alone, "speed": speed}, True)
        else:
            for result in results:
                _print(result)
            if speed:
                print(f"\n{speed['report']}")
        wrote(*files)

    def _train(self) -> dict[str, Any] | None:
        """Run what is wanted; returns what it took of the machine over all its time, `None` if all was there."""
        import jax

        from mothsim.controllers.learning.protocols import dense_with
        from mothsim.controllers.zahn2022.compute_cost import compute_cost
        from mothsim.controllers.zahn2022.pruning_study import run
        from mothsim.controllers.zahn2022.study_files import StudySettings
        from mothsim.controllers.zahn2022.sweep import run_sweep, sweep

        settings = StudySettings(
            self.protocol, self.method or "", self.hidden, self.levels, self.segments, self.seed, self.step_scale,
            self.networks, self.rewind, body=self.body, input_noise=self.input_noise,
        )  # fmt: skip
        hidden_sweep = [*map(_nodes, self.hidden_sweep), *map(dense_with, self.weights)]
        studies = sweep(self.out, settings, self.seeds, hidden_sweep)
        before, start = compute_cost(studies), time.monotonic()
        if set(studies) == {self.out}:
            with LevelBar() as bar:
                run(settings, self.out, bar, _log)
        else:
            for _ in tqdm(run_sweep(studies, self.workers, _log), "studies", len(studies), file=sys.stderr):
                pass
        done, seconds = compute_cost(studies) - before, time.monotonic() - start
        if not done.flops:
            return None
        report = done.report(seconds, jax.devices()[0].device_kind)
        return {"flops": done.flops / seconds, "bytes": done.bytes / seconds, "seconds": seconds, "report": report}

    def _result(self, group: StudyGroup) -> dict[str, Any]:
        from mothsim.controllers.zahn2022.loss_table import fewest_weights, last_passing, layer_table, summarise

        last = list(last_passing(group.rows, self.threshold).values())
        table = summarise(group.rows, self.threshold)
        return {
            "hidden": group.settings.hidden,
            "seeds": sorted({int(row["seed"]) for row in group.rows}),
            "networks": len(last),
            "never_passing": last.count(None),
            "columns": list(table[0]),
            "levels": [list(row.values()) for row in table],
            "fewest_weights": fewest_weights(group.rows, self.threshold),
            "layers": layer_table(group.rows, self.level, self.threshold),
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
        print(f"{finding['quantity']:<62} {finding['theirs']:9.4g} {finding['ours']:9.4g}   {interval}")
