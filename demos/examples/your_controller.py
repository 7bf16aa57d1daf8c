"""One's own controller in ten lines: proportional and derivative, on the force alone."""

import numpy as np

import mothsim


class Hopper:
    """Holds its height by the size of an upward force; sideways and in tilt it drifts."""

    period = 0.02

    def reset(self, task: mothsim.Task) -> None:
        """Remember what to follow."""
        self.task = task

    def control(self, states: np.ndarray, time: float) -> np.ndarray:
        """Controls (N, 4), `[force, angle, abdomen_torque, wing_torque]`, for states (N, 8)."""
        y, theta, ydot = states[:, 1], states[:, 2], states[:, 5]
        target = self.task.trajectory.position(time)[1]
        force = self.task.body.weight + 3000 * (target - y) - 300 * ydot
        nothing = np.zeros_like(y)
        return np.stack([np.maximum(force, 0), np.pi / 2 - theta, nothing, nothing], axis=1)


if __name__ == "__main__":
    flight = mothsim.fly(Hopper(), "hover", duration=0.5, seed=0)
    print(f"after half a second: {flight.errors[-1]:.2f} cm off")
