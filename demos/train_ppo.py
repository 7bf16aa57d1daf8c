"""Learn to hover by PPO with the defaults of Stable-Baselines3, in minutes (needs the extra `mothsim[rl]`).

Run `python -m mothsim.demos.train_ppo`: it writes a model, its learning curve, and its tracking error beside a policy
that acts at random and one that holds trim.
"""

# pyright: reportMissingImports=false
# torch and Stable-Baselines3 are optional.

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mothsim.demos.cli.output import wrote
from mothsim.demos.options import Count, Factor, Seed
from mothsim.demos.run import run
from mothsim.envs import TrackVectorEnv
from mothsim.envs.episodes import first_episodes
from mothsim.io import open_folder, write_atomically
from mothsim.plotting.figures import save_figure
from mothsim.plotting.style import figure_style


def learn(model: Any, minutes: float) -> list[tuple[float, float]]:
    """Train a model of Stable-Baselines3 for some minutes; returns minutes and mean return of late episodes."""
    began, points = time.monotonic(), []

    def after_step(*_: object) -> bool:
        elapsed = (time.monotonic() - began) / 60
        if model.num_timesteps % (model.n_steps * model.n_envs) == 0 and model.ep_info_buffer:
            points.append((elapsed, float(np.mean([episode["r"] for episode in model.ep_info_buffer]))))
        return elapsed < minutes

    model.learn(10**9, callback=after_step)
    return points


def evaluated(decide: Callable[[Any], Any], moths: int) -> dict[str, float]:
    """Fly a policy in hover; returns mean return, mean seconds aloft, share of moths lost, median RMS error (cm)."""
    episodes = first_episodes(TrackVectorEnv(moths, trajectory="hover"), lambda seen, _: decide(seen), seed=999)
    return {
        "return": float(episodes.returns.mean()),
        "seconds_aloft": float(episodes.seconds.mean()),
        "lost": float(episodes.lost.mean()),
        "rms_error_cm": float(np.median(episodes.rms_errors)),
    }


@figure_style()
def draw(points: list[tuple[float, float]], table: dict[str, dict[str, float]], file: Path) -> None:
    """Draw the learning curve beside the returns of the two policies that do not learn."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(*np.transpose(points), color="#c8452f", lw=2, label="PPO, while it learns")
    for name, style in (("random", ":"), ("trim", "--"), ("ppo", "-")):
        label = {"ppo": "PPO's best actions, at the end"}.get(name, name)
        axes.axhline(table[name]["return"], color="#3d2f24", ls=style, lw=1, label=label)
    axes.set(xlabel="minutes", ylabel="return of an episode", ylim=(0, None))
    axes.legend(frameon=False)
    save_figure(figure, file, dpi=150)


@dataclass
class TrainPPO:
    """Learn to hover by PPO, and compare it with a policy that acts at random and one that holds trim."""

    minutes: Factor = 9.0
    """Minutes of training."""
    moths: Count = 8
    """Moths in the batch."""
    seed: Seed = 0
    """Seed of the training and of random actions."""
    out: Path = Path("out/ppo")
    """Folder for hover.zip, curve.png and result.json."""
    eval_envs: Count = 64
    """Moths that fly each policy in the comparison."""

    def run(self) -> dict[str, Any]:
        """Train, compare, and write the model, its learning curve and the results.

        Raises:
            ImportError: the extra `rl` is not installed.
        """
        try:
            import torch
            from stable_baselines3 import PPO
        except ImportError as error:
            raise ImportError(f'{error}: needs the extra [rl], pip install "mothsim[rl]"') from None
        from mothsim.envs.sb3 import SB3Moths

        open_folder(self.out)
        torch.set_num_threads(1)  # two threads on so small a network wait for each other most of the time
        model = PPO("MlpPolicy", SB3Moths(self.moths, trajectory="hover"), seed=self.seed, device="cpu")
        points = learn(model, self.minutes)
        model.save(self.out / "hover.zip")
        rng = np.random.default_rng(self.seed)
        table = {
            "random": evaluated(lambda seen: rng.uniform(-1, 1, (len(seen), 3)), self.eval_envs),
            "trim": evaluated(lambda seen: np.zeros((len(seen), 3)), self.eval_envs),
            "ppo": evaluated(lambda seen: model.predict(seen, deterministic=True)[0], self.eval_envs),
        }
        result = {"minutes": self.minutes, "decisions": model.num_timesteps, "curve": points, **table}
        draw(points, table, self.out / "curve.png")
        write_atomically(self.out / "result.json", json.dumps(result, indent=1).encode())
        for name, row in table.items():
            print(f"{name:7s}" + "".join(f"  {key} {value:8.2f}" for key, value in row.items()))
        wrote(*(self.out / name for name in ("hover.zip", "curve.png", "result.json")))
        return result


if __name__ == "__main__":
    sys.exit(run(TrainPPO, prog="train_ppo"))
