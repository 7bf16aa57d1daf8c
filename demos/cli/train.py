"""`mothsim train`: one subcommand for each kind of network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import OmitArgPrefixes, OmitSubcommandPrefixes, configure, subcommand

from mothsim.demos.cli.train_inverse_model import TrainInverseModel
from mothsim.demos.cli.train_policy import TrainPolicy
from mothsim.demos.options import check

Kind = Annotated[TrainInverseModel, subcommand("inverse-model")] | Annotated[TrainPolicy, subcommand("policy")]


@configure(OmitArgPrefixes, OmitSubcommandPrefixes)
@dataclass
class Train:
    """Train a network: an inverse model from segments, or a policy through its flights."""

    kind: Kind

    def run(self) -> None:
        """Train that kind."""
        check(self.kind)
        self.kind.run()
