"""Learn to fly by PPO, in minutes (needs the extra `mothsim[rl]`).

Run `python -m mothsim.demos.train_ppo`: it trains Stable-Baselines3's PPO in a version 1 environment, and prints its
row beside LQR's. What it learnt is written as a model and as a policy that `mothsim fly --controller policy` flies.
"""

# pyright: reportMissingImports=false
# torch and Stable-Baselines3 are optional.

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from matplotlib.figure import Figure

import mothsim
from mothsim import controllers
from mothsim.controllers.networks.network import Network, Scaling
from mothsim.controllers.networks.storage import save_network
from mothsim.demos.cli.output import show_rows, wrote
from mothsim.demos.options import Count, Factor, Seed
from mothsim.demos.run import run
from mothsim.flight import Flight
from mothsim.io import open_folder, write_atomically
from mothsim.metrics import recovered
from mothsim.plotting.figures import save_figure
from mothsim.plotting.style import figure_style

COLUMNS = ("controller", "rms_error_cm", "lost", "recovered", "weights", "minutes", "decisions")
_TEST_SEED = 999
# Of what suits batches of many moths: short rollouts of each, large batches of them, little noise at first.
_PPO = {"n_steps": 64, "batch_size": 512, "n_epochs": 5, "learning_rate": 1e-3, "gamma": 0.97}
_NOISE = -1.0  # logarithm of the first standard deviation of the actions


@dataclass
class TrainPPO:
    """Learn to fly by PPO, and compare what was learnt with LQR."""

    environment: Literal["Hover", "Track", "Recover"] = "Hover"
    """Which of the version 1 environments."""
    minutes: Factor = 1.5
    """Minutes of training."""
    moths: Count = 64
    """Moths in the batch."""
    seed: Seed = 0
    """Seed of the training."""
    out: Path = Path("out/ppo")
    """Folder for model.zip, policy.safetensors, curve.png and result.json."""
    tests: Count = 100
    """Moths that fly each controller in the comparison, from starts that the training did not see."""

    def run(self) -> dict[str, Any]:
        """Train, compare, and write the model, the policy, the learning curve and the results.

        Raises:
            ImportError: the extra `rl` is not installed.
        """
        try:
            import torch
            from stable_baselines3 import PPO
            from stable_baselines3.common.vec_env import VecNormalize
        except ImportError as error:
            raise ImportError(f'{error}: needs the extra [rl], pip install "mothsim[rl]"') from None
        from mothsim.envs.sb3 import SB3Moths

        open_folder(self.out)
        torch.set_num_threads(1)  # two threads on so small a network wait for each other most of the time
        options = gym.spec(f"mothsim/{self.environment}-v1").kwargs
        batch = VecNormalize(SB3Moths(self.moths, **options), norm_obs=False, gamma=float(_PPO["gamma"]))
        policy = {"log_std_init": _NOISE, "net_arch": [64, 64]}
        model = PPO("MlpPolicy", batch, policy_kwargs=policy, seed=self.seed, device="cpu", **_PPO)
        points = learn(model, self.minutes)
        model.save(self.out / "model.zip")
        network = as_network(model, float(options.get("action_range", 1.0)))
        save_network(network, self.out / "policy.safetensors")
        lqr, ppo = (self._row(name, one) for name, one in (("lqr", None), ("ppo", network)))
        ppo |= {"minutes": self.minutes, "decisions": model.num_timesteps}
        result = {"environment": self.environment, "seed": self.seed, "curve": points, "lqr": lqr, "ppo": ppo}
        draw(points, self.out / "curve.png")
        write_atomically(self.out / "result.json", json.dumps(result, indent=1).encode())
        show_rows([lqr, ppo], COLUMNS, False)
        wrote(*(self.out / name for name in ("model.zip", "policy.safetensors", "curve.png", "result.json")))
        return result

    def _row(self, name: str, network: Network | None) -> dict[str, Any]:
        controller = controllers.make("lqr") if network is None else controllers.make("policy", network=network)
        options = gym.spec(f"mothsim/{self.environment}-v1").kwargs
        flights: Flight = mothsim.fly(
            controller, options["trajectory"], duration=options.get("duration", 10.0), moths=self.tests, seed=_TEST_SEED
        )
        return {
            "controller": name,
            "rms_error_cm": float(np.median(flights.rms_error)),
            "lost": int(flights.lost.sum()),
            "recovered": float(recovered(flights).mean()) if self.environment == "Recover" else None,
            "weights": network.connections if network else None,
            "minutes": None,
            "decisions": None,
        }


def learn(model: Any, minutes: float) -> list[tuple[float, float]]:
    """Train a model of Stable-Baselines3 for some minutes; returns minutes and mean return of late episodes.

    The learning rate falls to zero along the way, and with it the noise that is left in what is learnt.
    """
    began, points = time.monotonic(), []
    first = model.learning_rate
    model.lr_schedule = lambda _: first * max(0.0, 1 - (time.monotonic() - began) / (60 * minutes))

    def after_step(*_: object) -> bool:
        elapsed = (time.monotonic() - began) / 60
        if model.num_timesteps % (model.n_steps * model.n_envs) == 0 and model.ep_info_buffer:
            points.append((elapsed, float(np.mean([episode["r"] for episode in model.ep_info_buffer]))))
        return elapsed < minutes

    model.learn(10**9, callback=after_step, progress_bar=False)
    return points


def as_network(model: Any, action_range: float) -> Network:
    """The mean action of a model of Stable-Baselines3 as a policy, in a policy's own units."""
    layers = [layer for layer in model.policy.mlp_extractor.policy_net if hasattr(layer, "weight")]
    layers.append(model.policy.action_net)
    weights = [np.asarray(layer.weight.detach().numpy().T, np.float32) for layer in layers]
    biases = [np.asarray(layer.bias.detach().numpy(), np.float32) for layer in layers]
    weights[-1], biases[-1] = np.float32(action_range) * weights[-1], np.float32(action_range) * biases[-1]
    scaling = Scaling.identity(weights[0].shape[0], weights[-1].shape[1])
    return Network(tuple(weights), tuple(biases), scaling, kind="policy")


@figure_style()
def draw(points: list[tuple[float, float]], file: Path) -> None:
    """Draw the learning curve."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(*np.transpose(points), color="#0072b2", lw=2)
    axes.set(xlabel="minutes", ylabel="return of an episode")
    axes.grid(alpha=0.25)
    save_figure(figure, file, dpi=150)


if __name__ == "__main__":
    sys.exit(run(TrainPPO, prog="train_ppo"))
