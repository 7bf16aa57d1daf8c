"""Making a policy that flies alone: trained by the gradient through the flight, then refined by its curvature."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from mothsim.controllers.learning.training_run import StepProgress, run
from mothsim.controllers.networks.network import Network
from mothsim.controllers.policies.policy_refining import RefiningSettings, refine_policy
from mothsim.controllers.policies.policy_training import PolicySettings, init_policy, train_policy


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
