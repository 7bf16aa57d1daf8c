"""Monte Carlo model predictive control as Bustamante et al. 2022 published it (Integr Org Biol, obac039)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mothsim.body import MothBody, Treatment
from mothsim.controllers.mpc.base import Array, SamplingMPC, cheapest
from mothsim.controllers.mpc.costs import Bustamante2022
from mothsim.flight import Flight, Task, fly
from mothsim.metrics import cost_of_transport, work_per_path
from mothsim.solver.propagate import SEGMENT
from mothsim.trajectories import make_trajectory

ANGLE = np.pi / 4
"""Body angle of the goal, rad."""
DECISIONS = 2000
"""Number of decisions in a published flight of 10 s."""
START = np.array([0.0, 0.0, ANGLE, ANGLE + np.pi, 1e-4, 1e-4, 0.0, 0.0])
"""Start state of every published flight."""
_ABDOMENS = {"light-abdomen": 0.1, "": 1.0, "heavy-abdomen": 10.0}
_SPRINGS = {"soft-spring": 0.1, "": 1.0, "stiff-spring": 10.0}
_SIZES = {"small": 0.5, "": 1.0, "large": 2.0}
_PETIOLES = {"": 0.0, "long-petiole": 0.2, "longest-petiole": 0.4}
CASES: dict[str, dict[str, float]] = {
    **{
        "-".join(filter(None, (abdomen, spring))) or "baseline": {
            "abdomen_mass_factor": mass,
            "spring_factor": stiffness,
        }
        for abdomen, mass in _ABDOMENS.items()
        for spring, stiffness in _SPRINGS.items()
    },
    **{
        "-".join(filter(None, (size, petiole))) or "baseline": {"length_scale": scale, "petiole_fraction": fraction}
        for size, scale in _SIZES.items()
        for petiole, fraction in _PETIOLES.items()
    },
}
"""The 17 bodies by name, as factors of `MothBody.bustamante2022`: abdomen by spring, and size by petiole.

The baseline stands in both tables of three by three.
"""
_CLOCK = 99 / 100
"""Of the goal, as published: it moved by 0.02/100 s a sample, the moth by 0.02/99 s."""
_MJ = 1e-4  # of an erg


class MonteCarlo(SamplingMPC):
    """Bustamante et al.'s Monte Carlo: of 2500 random controls the one whose simulated end is cheapest.

    Force, its direction and the torques are drawn anew from all that the body can do, and a quarter of the
    segment, 5 ms, is flown before the next decision; nothing is kept from one to the next.

    Args:
        treatment: of the moth that it flies by default: `fa`, `fs`, `ua` or `us`; a `u`
            leaves the wing torque alone.
        as_published: keep the published clocks: the goal's falls behind by a hundredth.
        num_samples: random controls a decision.

    Raises:
        ValueError: an unknown treatment, or see `SamplingMPC`.
    """

    def __init__(self, treatment: Treatment = "fa", *, as_published: bool = False, num_samples: int = 2500) -> None:
        self.default_body = MothBody.bustamante2022(treatment)
        self.clock = _CLOCK if as_published else 1.0
        self.turns_count_once = not as_published  # theirs unwinds a moth that has turned over
        super().__init__(
            Bustamante2022(self.clock), num_samples=num_samples, horizon=1, iterations=1, noise_std=1.0, noise_decay=1.0
        )
        self.wings = treatment.startswith("f")
        self.period = SEGMENT / 4 / self.clock

    def reset(self, task: Task) -> None:
        """Prepare for a flight with the body's limits."""
        super().reset(task)
        body = task.body
        wing = body.wing_torque_limit if self.wings else 0.0
        self.low = np.array([0.0, 0.0, -body.abdomen_torque_limit, -wing])
        self.high = np.array([body.force_limit, 2 * np.pi, body.abdomen_torque_limit, wing])

    def shift(self, states: Array, time: float) -> None:
        """Do nothing: every decision samples anew."""
        self.plan = np.zeros((len(states), 1, 4))

    def sample(self, number: int) -> Array:
        """Draw controls (N, K, 1, 4), `[force, angle, abdomen_torque, wing_torque]`."""
        shares = np.array([random.random((self.num_samples, 1, 4)) for random in self.random])
        return self.low + (self.high - self.low) * shares

    def controls(self, plans: Array) -> Array:
        """Return the plans, which are controls already."""
        return plans

    def update_plan(self, plans: Array, costs: Array) -> Array:
        """Return the controls (N, 1, 4) of least cost."""
        return cheapest(plans, costs)


@dataclass(frozen=True)
class Measures:
    """Bustamante et al.'s measures of flights, each (N,) or ().

    Attributes:
        tracking_error: mean distance from the goal at the decisions, in body lengths (the petiole included);
            infinite for the lost, whose other measures count until then.
        work: mean work a path, mJ.
        cost_of_transport: mean over paths.
    """

    tracking_error: Array
    work: Array
    cost_of_transport: Array


def measures(flight: Flight, *, as_published: bool = False) -> Measures:
    """Compute the measures of a Monte Carlo flight.

    Args:
        flight: of a `MonteCarlo` with the same `as_published`.
        as_published: measure against the goal by its own slow clock; count the force's work as force times
            distance, whatever the angle between; and divide by half the head-thorax's mass instead of the moth's.
    """
    clock = _CLOCK if as_published else 1.0
    away = flight.states[..., :2] - flight.trajectory.position(clock * flight.times)
    size = flight.body.length + flight.body.petiole
    return Measures(
        np.where(flight.lost, np.inf, np.nanmean(np.hypot(away[..., 0], away[..., 1]), axis=-1) / size)[()],
        np.nanmean(work_per_path(flight, force_times_distance=as_published), axis=-1) * _MJ,
        cost_of_transport(flight, head_mass_halved=as_published, force_times_distance=as_published),
    )


def published_flight(
    treatment: Treatment = "fa",
    body: MothBody | None = None,
    *,
    seed: int = 0,
    as_published: bool = True,
    decisions: int = DECISIONS,
    trajectory: str = "sum-of-primes",
    progress: bool = False,
) -> Flight:
    """Fly one moth along the sum of primes as Bustamante et al. 2022 did, or along another trajectory.

    Args:
        treatment: see `MonteCarlo`.
        body: by default the treatment's.
        seed: of the random controls.
        as_published: see `MonteCarlo`.
        decisions: number of decisions, 5 ms each.
        trajectory: by name, with its start at the origin.
        progress: show a bar on standard error.
    """
    controller = MonteCarlo(treatment, as_published=as_published)
    return fly(controller, make_trajectory(trajectory, ANGLE), duration=decisions * controller.period, seed=seed,
               starts=START, body=body, progress=progress)  # fmt: skip
