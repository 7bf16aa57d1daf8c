"""`mothsim list`: what there is to fly, by the names that the commands take, a line each."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from tyro.conf import Positional, arg

from mothsim.demos.cli.output import show
from mothsim.demos.options import EXPLAINED

if TYPE_CHECKING:
    from mothsim.controllers.evaluation.scenarios import Scenario

Kind = Literal["controllers", "networks", "trajectories", "tasks", "bodies", "environments"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_WHAT = f"List only these of {', '.join(KINDS)}; by default all."


@dataclass
class ListNames:
    """List controllers, networks, trajectories, tasks, bodies and environments by name, a line each."""

    what: Annotated[Positional[tuple[Kind, ...]], arg(metavar="[KIND ...]", help=_WHAT), EXPLAINED] = KINDS
    json: bool = False
    """Print one JSON object on standard output instead of the lists."""

    def run(self) -> None:
        """Print the lists."""
        lists = {kind: _names(kind) for kind in self.what}
        if self.json:
            show(lists, True)
            return
        width = max(len(name) for names in lists.values() for name in names)
        for kind, names in lists.items():
            print(kind)
            for name, text in names.items():
                print(f"  {name:<{width}}  {text}")


def _names(kind: Kind) -> Mapping[str, str]:
    """Names of a kind, with what each is."""
    if kind == "controllers":
        from mothsim.controllers.registry import NAMES, controller_class

        return {name: (inspect.getdoc(controller_class(name)) or "").splitlines()[0] for name in NAMES}
    if kind == "networks":
        return _networks()
    if kind == "trajectories":
        from mothsim.trajectories import TARGETS

        return {**TARGETS, "FILE.csv": "columns t, x, y[, theta] in s, cm, rad"}
    if kind == "tasks":
        from mothsim.controllers.evaluation.scenarios import SCENARIOS

        return {name: _task(scenario) for name, scenario in SCENARIOS.items()}
    if kind == "bodies":
        from mothsim.body import MOTHS

        return MOTHS
    import gymnasium

    found = [spec for spec in gymnasium.registry.values() if spec.namespace == "mothsim"]
    return {spec.id: f"target: {spec.kwargs['trajectory']}" for spec in found}


def _task(scenario: Scenario) -> str:
    from mothsim.trajectories import TARGETS

    spread = "" if scenario.start_scale == 1 else f", {scenario.start_scale:g} times as far off"
    return f"{scenario.duration:g} s, {TARGETS[scenario.trajectory]}{spread}"


def _networks() -> dict[str, str]:
    from mothsim.controllers.networks.storage import load_network, shipped_networks

    found = {}
    for name, file in shipped_networks().items():
        network = load_network(file)
        layers = "-".join(str(weight.shape[0]) for weight in network.weights) + f"-{network.weights[-1].shape[1]}"
        found[name] = (
            f"{network.kind.replace('-', ' ')}, {network.connections:,} weights "
            f"({100 * network.sparsity:.3g} % of {layers} pruned)"
        )
    return found
