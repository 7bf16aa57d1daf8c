"""Making a policy that flies alone: trained by the gradient through the flight, then refined by its curvature."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from mothsim.controllers.learning.training_run import StepProgress, run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.policy_refining import RefiningSettings, refine_policy
from mothsim.controllers.policies.policy_training import PolicySettings, init_policy, train_policy

AT_EASE = RefiningSettings(
    steps=320, moths=43, led=0.155, soon=(90.0, 90.0), leaping=0.25, loaded=1 / 60, least_damping=3e-3,
    weights={
        "precision": 1e-3, "calm": 3e-3, "large": 10.0, "rate": 3e-3, "posture": 0.02, "huber": 3e-3,
        "effort": 1.5e-3, "change": 6e-3, "torque": 0.012, "patience": 1.5, "arrival": 0.0, "leap": 4.0, "ease": 0.3,
    },
)  # fmt: skip
"""A refining in two minutes of two cores, by which moths are led to their targets and not asked to be there at once."""


def make_policy(
    training: PolicySettings,
    refining: RefiningSettings,
    file: Path,
    callback: Callable[[str, StepProgress], None] | None = None,
) -> Network:
    """Make a policy, or go on with what was begun: its first stage lies beside it.

    Args:
        training: of the first stage.
        refining: of the second.
        file: of the policy.
        callback: called after every step with `training` or `refining`, and how far that is.

    Raises:
        ValueError: the folder holds policies of other settings.
    """
    first = file.with_name(f"{file.stem}-unrefined.safetensors")

    def reporting(stage: str) -> Callable[[StepProgress], None] | None:
        return partial(callback, stage) if callback else None

    network = run(train_policy, init_policy(training), training, first, reporting("training"))
    return run(refine_policy, network, refining, file, reporting("refining"))
