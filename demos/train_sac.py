"""Learn to fly by SAC, in minutes (needs the extra `mothsim[rl]`).

Run `python -m mothsim.demos.train_sac`: it trains Stable-Baselines3's SAC in a version 1 environment, and prints its
row beside LQR's. What it learnt is written as a model and as a policy that `mothsim fly --controller policy` flies.
"""

# pyright: reportMissingImports=false
# torch is optional.

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mothsim.demos.learnt_policy import Layer
from mothsim.demos.options import Factor
from mothsim.demos.run import run
from mothsim.demos.sb3_training import DISCOUNT, SB3Training, linear_layers

# A step of the batch brings as many transitions as there are moths, from which a few large batches learn.
_SAC = {
    "train_freq": 1, "gradient_steps": 4, "batch_size": 256, "learning_rate": 1e-3, "gamma": DISCOUNT, "tau": 0.01,
    "buffer_size": 300_000, "learning_starts": 5_000, "ent_coef": "auto_0.05", "target_entropy": -9.0,
}  # fmt: skip


@dataclass
class TrainSAC(SB3Training):
    """Learn to fly by SAC, and compare what was learnt with LQR."""

    minutes: Factor = 8.0
    """Minutes of training, of processor time: a busy machine takes longer, and learns the same."""
    out: Path = Path("out/sac")
    """Folder for model.zip, policy.safetensors, curve.png and result.json."""

    learner: ClassVar[str] = "sac"

    def build(self, sb3: Any, batch: Any) -> Any:
        """Build SAC's model."""
        from torch import nn

        policy = {"net_arch": [64, 64], "activation_fn": nn.Tanh}  # tanh, as policies have it
        return sb3.SAC("MlpPolicy", batch, policy_kwargs=policy, seed=self.seed, device="cpu", **_SAC)

    def layers(self, model: Any) -> list[Layer]:
        """Weights (n_in, n_out) and biases of the mean action, whose tanh an identity follows."""
        layers = linear_layers(model.actor.latent_pi, model.actor.mu)
        actions = len(layers[-1][1])
        return [*layers, (np.eye(actions), np.zeros(actions))]


if __name__ == "__main__":
    sys.exit(run(TrainSAC, prog="train_sac"))
