"""Learn to fly by PPO, in minutes (needs the extra `mothsim[rl]`).

Run `python -m mothsim.demos.train_ppo`: it trains Stable-Baselines3's PPO in a version 1 environment, and prints its
row beside LQR's. What it learnt is written as a model and as a policy that `mothsim fly --controller policy` flies.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mothsim.demos.learnt_policy import Layer
from mothsim.demos.run import run
from mothsim.demos.sb3_training import DISCOUNT, SB3Training, linear_layers

# Of what suits batches of many moths: short rollouts of each, large batches of them, little noise at first.
_PPO = {"n_steps": 64, "batch_size": 512, "n_epochs": 5, "learning_rate": 1e-3, "gamma": DISCOUNT}
_NOISE = -1.0  # logarithm of the first standard deviation of the actions


@dataclass
class TrainPPO(SB3Training):
    """Learn to fly by PPO, and compare what was learnt with LQR."""

    out: Path = Path("out/ppo")
    """Folder for model.zip, policy.safetensors, curve.png and result.json."""

    learner: ClassVar[str] = "ppo"

    def build(self, sb3: Any, batch: Any) -> Any:
        """Build PPO's model."""
        policy = {"log_std_init": _NOISE, "net_arch": [64, 64]}
        return sb3.PPO("MlpPolicy", batch, policy_kwargs=policy, seed=self.seed, device="cpu", **_PPO)

    def layers(self, model: Any) -> list[Layer]:
        """Weights (n_in, n_out) and biases of the mean action."""
        return linear_layers(model.policy.mlp_extractor.policy_net, model.policy.action_net)


if __name__ == "__main__":
    sys.exit(run(TrainPPO, prog="train_ppo"))
