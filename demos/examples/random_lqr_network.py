"""Chance, LQR and a pruned network in the loop: `python -m mothsim.demos.examples.random_lqr_network`.

Each flies the same moths through the batched environment, by `policy(observations, infos)`.
"""

from __future__ import annotations

import numpy as np
import tyro

from mothsim import controllers
from mothsim.envs import TrackVectorEnv
from mothsim.envs.episodes import Episodes, first_episodes


def main(
    trajectory: str = "sum-of-primes", seconds: float = 10.0, moths: int = 8, network: str = "sparse-98", seed: int = 0
) -> dict[str, Episodes]:
    """Fly them, and print what becomes of them."""
    env = TrackVectorEnv(moths, trajectory=trajectory, duration=seconds)
    env.action_space.seed(seed)
    policies = {
        "random": lambda seen, infos: env.action_space.sample(),
        "lqr": controllers.as_policy(controllers.make("lqr"), env),
        network: controllers.as_policy(controllers.make("inverse-model", network=network), env),
    }
    flown = {name: first_episodes(env, policy, seed) for name, policy in policies.items()}
    for name, episodes in flown.items():
        print(
            f"{name:10s}  return {episodes.returns.mean():7.1f}  aloft {episodes.seconds.mean():5.2f} s"
            f"  lost {episodes.lost.sum()} of {moths}  median RMS error {np.median(episodes.rms_errors):.3f} cm"
        )
    return flown


if __name__ == "__main__":
    tyro.cli(main)
