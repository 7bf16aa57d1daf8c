"""Training by a learner of Stable-Baselines3 in a version 1 environment, and its row beside LQR's."""

# pyright: reportMissingImports=false
# torch and Stable-Baselines3 are optional.

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import gymnasium as gym
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from mothsim.controllers.networks.storage import save_network
from mothsim.demos.cli.output import show_rows, wrote
from mothsim.demos.learnt_policy import COLUMNS, Layer, as_network, compared_row
from mothsim.demos.options import Count, Factor, Seed
from mothsim.io import open_folder, write_atomically
from mothsim.plotting.figures import save_figure
from mothsim.plotting.style import figure_style

_POINT = 64  # steps of the batch from point to point of the learning curve


@dataclass
class SB3Training(ABC):
    """Learn to fly, and compare what was learnt with LQR; a learner is a subclass."""

    environment: Literal["Hover", "Track", "Recover"] = "Hover"
    """Which of the version 1 environments."""
    minutes: Factor = 1.5
    """Minutes of training, of processor time: a busy machine takes longer, and learns the same."""
    moths: Count = 64
    """Moths in the batch."""
    seed: Seed = 0
    """Seed of the training."""
    out: Path = Path("out/learnt")
    """Folder for model.zip, policy.safetensors, curve.png and result.json."""
    tests: Count = 100
    """Moths that fly each controller in the comparison, from starts that the training did not see."""

    learner: ClassVar[str]
    """Name of the learner's row."""

    @abstractmethod
    def build(self, sb3: Any, batch: Any) -> Any:
        """Build the model of Stable-Baselines3, the module `sb3`, that learns in a batch."""

    @abstractmethod
    def layers(self, model: Any) -> list[Layer]:
        """Weights (n_in, n_out) and biases of the layers of the model's mean action, tanh between them."""

    def run(self) -> dict[str, Any]:
        """Train, compare, and write the model, the policy, the learning curve and the results.

        Raises:
            ImportError: the extra `rl` is not installed.
        """
        try:
            import stable_baselines3 as sb3
            import torch
            from stable_baselines3.common.vec_env import VecNormalize
        except ImportError as error:
            raise ImportError(f'{error}: needs the extra [rl], pip install "mothsim[rl]"') from None
        from mothsim.envs.sb3 import SB3Moths

        open_folder(self.out)
        torch.set_num_threads(1)  # two threads on so small a network wait for each other most of the time
        options = gym.spec(f"mothsim/{self.environment}-v1").kwargs
        model = self.build(sb3, VecNormalize(SB3Moths(self.moths, **options), norm_obs=False, gamma=DISCOUNT))
        points = learn(model, self.minutes)
        model.save(self.out / "model.zip")
        network = as_network(self.layers(model), self.environment, self.learner, 60 * self.minutes)
        save_network(network, self.out / "policy.safetensors")
        done = {"minutes": self.minutes, "decisions": model.num_timesteps}
        lqr = compared_row("lqr", self.environment, self.tests)
        learnt = compared_row(self.learner, self.environment, self.tests, network, **done)
        result = {"environment": self.environment, "seed": self.seed, "curve": points, "lqr": lqr, self.learner: learnt}
        draw(points, self.out / "curve.png")
        write_atomically(self.out / "result.json", json.dumps(result, indent=1).encode())
        show_rows([lqr, learnt], COLUMNS, False)
        wrote(*(self.out / name for name in ("model.zip", "policy.safetensors", "curve.png", "result.json")))
        return result


DISCOUNT = 0.97
"""Of the return, by decision."""


def learn(model: Any, minutes: float) -> list[tuple[float, float]]:
    """Train a model of Stable-Baselines3 for some minutes; returns minutes and mean return of late episodes.

    The learning rate falls to zero along the way, and with it the noise that is left in what is learnt.
    """
    began, points, steps = time.process_time(), [], 0
    first = model.learning_rate
    model.lr_schedule = lambda _: first * max(0.0, 1 - (time.process_time() - began) / (60 * minutes))

    def after_step(*_: object) -> bool:
        nonlocal steps
        steps += 1
        elapsed = (time.process_time() - began) / 60
        if steps % _POINT == 0 and model.ep_info_buffer:
            points.append((elapsed, float(np.mean([episode["r"] for episode in model.ep_info_buffer]))))
            bar.set_postfix({"return": f"{points[-1][1]:.1f}"}, refresh=False)
        bar.update(min(round(60 * elapsed, 1), bar.total) - bar.n)
        return elapsed < minutes

    with tqdm(total=60 * minutes, desc="training", unit="s", file=sys.stderr) as bar:
        model.learn(10**9, callback=after_step, progress_bar=False)
    return points


def linear_layers(*modules: Any) -> list[Layer]:
    """Weights (n_in, n_out) and biases of the linear layers of torch's modules, in order."""
    layers = [layer for module in modules for layer in module.modules() if hasattr(layer, "weight")]
    return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in layers]


@figure_style()
def draw(points: list[tuple[float, float]], file: Path) -> None:
    """Draw the learning curve."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(*np.transpose(points), color="#0072b2", lw=2)
    axes.set(xlabel="minutes", ylabel="return of an episode")
    axes.grid(alpha=0.25)
    save_figure(figure, file, dpi=150)
