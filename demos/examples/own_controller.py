"""Your own controller in ten lines, flown through the environment: `python -m mothsim.demos.examples.own_controller`.

A spring and a damper hold the moth up; another pair pushes across the body, which tilts it and so moves it
along. Weight and gains in dyn, per cm, cm/s, rad and rad/s.
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import tyro

from mothsim.actuation import from_components
from mothsim.controllers import as_policy


class Springs:
    """Hovers at the origin, head up."""

    period = 0.02

    def reset(self, task):
        self.weight = task.body.weight

    def control(self, states, time):
        x, y, theta, _, xdot, ydot, spin, _ = states.T
        up = self.weight - 6000 * y - 180 * ydot
        across = 365 * x + 40 * xdot - 2500 * (theta - np.pi / 2) - 35 * spin
        return from_components(np.stack([up, across, 0 * x, 0 * x], axis=1))


def main(seconds: float = 10.0, seed: int = 0) -> float:
    """Fly it; prints and returns the tracking error at the end, cm."""
    env = gym.make("mothsim:mothsim/Hover-v0", duration=seconds)
    policy = as_policy(Springs(), env)
    seen, info = env.reset(seed=seed)
    terminated = truncated = False
    while not (terminated or truncated):
        seen, _, terminated, truncated, info = env.step(policy(seen, info))
    print(f"{'lost' if terminated else 'aloft'} after {info['time']:.2f} s, {info['error']:.3f} cm from the target")
    return info["error"]


if __name__ == "__main__":
    tyro.cli(main)
