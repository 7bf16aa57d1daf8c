"""A controller of one's own in ten lines, flown by `mothsim.fly` and, to the same bits, through the environment.

`python -m mothsim.demos.examples.own_controller`. A spring and a damper hold the moth up; another pair pushes across
the body, which tilts it and so moves it along. Weight and gains are in dyn, per cm, cm/s, rad and rad/s.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import gymnasium as gym
import numpy as np

import mothsim
from mothsim.actuation import from_components
from mothsim.controllers import as_policy
from mothsim.demos.options import Seconds, Seed
from mothsim.demos.run import run


class Springs:
    """Hovers at the origin, head up."""

    period = 0.02

    def reset(self, task: mothsim.Task) -> None:
        """Take the weight of the moth, dyn."""
        self.weight = task.body.weight

    def control(self, states: np.ndarray, time: float) -> np.ndarray:
        """Controls (N, 4), `[force, angle, abdomen_torque, wing_torque]`, for states (N, 8)."""
        x, y, theta, _, xdot, ydot, thetadot, _ = states.T
        up = self.weight - 6000 * y - 180 * ydot
        across = 365 * x + 40 * xdot - 2500 * (theta - np.pi / 2) - 35 * thetadot
        return from_components(np.stack([up, across, 0 * x, 0 * x], axis=1))


@dataclass
class OwnController:
    """Fly the controller through the environment and by `mothsim.fly`, and print both results."""

    seconds: Seconds = 10.0
    """Duration of the flights, s."""
    seed: Seed = 0
    """Seed of the start."""

    def run(self) -> float:
        """Fly both ways and print both; returns the tracking error at the end of the episode, cm."""
        env = gym.make("mothsim:mothsim/Hover-v0", duration=self.seconds)
        policy = as_policy(Springs(), env)
        observation, info = env.reset(seed=self.seed)
        start = info["state"]
        terminated = truncated = False
        while not (terminated or truncated):
            observation, _, terminated, truncated, info = env.step(policy(observation, info))
        print(f"{'lost' if terminated else 'aloft'} after {info['time']:.2f} s, {info['error']:.3f} cm from the target")
        flight = mothsim.fly(Springs(), "hover", duration=self.seconds, starts=start)
        print(f"mothsim.fly from the same start: rms error {flight.rms_error:.3f} cm, lost: {flight.lost}")
        return info["error"]


if __name__ == "__main__":
    sys.exit(run(OwnController, prog="own_controller"))
