"""Learn to hover: PPO of Stable-Baselines3's defaults, in minutes (needs the extra `mothsim[rl]`).

Run `python -m mothsim.demos.train_ppo`: it writes a model, its learning curve, and how well it hovers beside a policy
that acts at random and one that holds trim.
"""

# pyright: reportMissingImports=false
# What this file stands on is optional.

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from matplotlib.figure import Figure
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from mothsim.envs import TrackVectorEnv
from mothsim.envs.episodes import first_episodes
from mothsim.envs.sb3 import SB3Moths
from mothsim.plotting.figures import save_figure
from mothsim.plotting.style import figure_style


class Curve(BaseCallback):
    """Takes down minutes and the mean return of late episodes at every rollout, and stops when the time is up."""

    def __init__(self, minutes: float) -> None:
        super().__init__()
        self.minutes, self.began = minutes, time.monotonic()
        self.points: list[tuple[float, float]] = []

    def _elapsed(self) -> float:
        return (time.monotonic() - self.began) / 60

    def _on_step(self) -> bool:
        return self._elapsed() < self.minutes

    def _on_rollout_end(self) -> None:
        returns = [episode["r"] for episode in self.model.ep_info_buffer or ()]
        if returns:
            self.points.append((self._elapsed(), float(np.mean(returns))))


def evaluated(decide: Callable[[Any], Any], moths: int) -> dict[str, float]:
    """A policy's mean return, mean seconds aloft, share of moths lost and median RMS error (cm) in hover."""
    episodes = first_episodes(TrackVectorEnv(moths, trajectory="hover"), lambda seen, _: decide(seen), seed=999)
    return {
        "return": float(episodes.returns.mean()),
        "seconds_aloft": float(episodes.seconds.mean()),
        "lost": float(episodes.lost.mean()),
        "rms_error_cm": float(np.median(episodes.rms_errors)),
    }


@figure_style()
def draw(points: list[tuple[float, float]], table: dict[str, dict[str, float]], file: Path) -> None:
    """The learning curve, beside the two policies that learn nothing."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(*np.transpose(points), color="#c8452f", lw=2, label="PPO, while it learns")
    for name, style in (("random", ":"), ("trim", "--"), ("ppo", "-")):
        label = {"ppo": "PPO's best actions, at the end"}.get(name, name)
        axes.axhline(table[name]["return"], color="#3d2f24", ls=style, lw=1, label=label)
    axes.set(xlabel="minutes", ylabel="return of an episode", ylim=(0, None))
    axes.legend(frameon=False)
    save_figure(figure, file, dpi=150)


def main(minutes: float = 9.0, moths: int = 8, seed: int = 0, out: Path = Path("out/ppo"), eval_envs: int = 64) -> dict:
    """Train for so many minutes on a batch of moths, judge, and write `hover.zip`, `curve.png`, `result.json`."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # two threads on so small a network wait for each other most of the time
    model = PPO("MlpPolicy", SB3Moths(moths, trajectory="hover"), seed=seed, device="cpu")
    curve = Curve(minutes)
    model.learn(10**9, callback=curve)
    model.save(out / "hover.zip")
    rng = np.random.default_rng(seed)
    table = {
        "random": evaluated(lambda seen: rng.uniform(-1, 1, (len(seen), 3)), eval_envs),
        "trim": evaluated(lambda seen: np.zeros((len(seen), 3)), eval_envs),
        "ppo": evaluated(lambda seen: model.predict(seen, deterministic=True)[0], eval_envs),
    }
    result = {"minutes": minutes, "decisions": model.num_timesteps, "curve": curve.points, **table}
    draw(curve.points, table, out / "curve.png")
    (out / "result.json").write_text(json.dumps(result, indent=1))
    for name, row in table.items():
        print(f"{name:7s}" + "".join(f"  {key} {value:8.2f}" for key, value in row.items()))
    print(f"wrote hover.zip, curve.png and result.json to {out}")
    return result


if __name__ == "__main__":
    tyro.cli(main)
