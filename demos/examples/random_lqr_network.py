"""Random actions, LQR and a pruned network in closed loop: `python -m mothsim.demos.examples.random_lqr_network`.

Each flies the same moths through the batched environment, by `policy(observations, infos)`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from mothsim import controllers
from mothsim.demos.options import Count, Seconds, Seed
from mothsim.demos.run import run
from mothsim.envs import TrackVectorEnv
from mothsim.envs.episodes import Episodes, first_episodes


@dataclass
class RandomLQRNetwork:
    """Fly random actions, LQR and a network through the batched environment, and compare them."""

    trajectory: str = "sum-of-primes"
    """Target of the flights."""
    seconds: Seconds = 10.0
    """Duration of an episode, s."""
    moths: Count = 8
    """Moths in the batch."""
    network: str = "sparse-98"
    """A shipped network, or its file."""
    seed: Seed = 0
    """Seed of the starts and of the random actions."""

    def run(self) -> dict[str, Episodes]:
        """Fly and print; returns the episodes by policy."""
        env = TrackVectorEnv(self.moths, trajectory=self.trajectory, duration=self.seconds)
        env.action_space.seed(self.seed)
        policies = {
            "random": lambda seen, infos: env.action_space.sample(),
            "lqr": controllers.as_policy(controllers.make("lqr"), env),
            self.network: controllers.as_policy(controllers.make("inverse-model", network=self.network), env),
        }
        flown = {name: first_episodes(env, policy, self.seed) for name, policy in policies.items()}
        for name, episodes in flown.items():
            print(
                f"{name:10s}  return {episodes.returns.mean():7.1f}  aloft {episodes.seconds.mean():5.2f} s"
                f"  lost {episodes.lost.sum()} of {self.moths}"
                f"  median RMS error {np.median(episodes.rms_errors):.3f} cm"
            )
        return flown


if __name__ == "__main__":
    sys.exit(run(RandomLQRNetwork, prog="random_lqr_network"))
