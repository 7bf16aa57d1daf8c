"""Markdown made from the code: the tables and sections that pages ask for as `{{ name argument }}`.

Each function returns Markdown. What a page shows of the code comes from here or from the API's docstrings, so that
nothing is written twice.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

DOCS = Path(__file__).parent
_DIRECTIVE = re.compile(r"^\{\{ (\w+)((?: \S+)*) \}\}$", re.MULTILINE)
_TOPIC = re.compile(r"^\*\*(Observation|Action|Reward|End|Start|`info`|Versions)\*\*: ", re.MULTILINE)
_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields|Note|Example):$", re.MULTILINE)


def expand(markdown: str) -> str:
    """A page with every `{{ name argument }}` line replaced by what `SECTIONS[name]` makes.

    Raises:
        KeyError: there is no section of that name.
    """
    return _DIRECTIVE.sub(lambda match: SECTIONS[match[1]](*match[2].split()), markdown)


def table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table; a bar within a cell is escaped."""
    lines = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in (header, *rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def field_docs(cls: type) -> dict[str, str]:
    """What each field of a dataclass is: from the strings below the fields, or from `Attributes:` in the docstring."""
    source = ast.parse(inspect.cleandoc(inspect.getsource(cls))).body[0]
    assert isinstance(source, ast.ClassDef)
    found = {}
    for field, text in zip(source.body, source.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = inspect.cleandoc(ast.literal_eval(text.value))
    for names, text in section(inspect.getdoc(cls) or "", "Attributes"):
        found |= dict.fromkeys(names.split(", "), text)
    return found


def section(docstring: str, title: str) -> list[tuple[str, str]]:
    """The entries `name: text` of a section of a docstring in Google's style."""
    parts = _SECTION.split(docstring)
    bodies = [body for name, body in zip(parts[1::2], parts[2::2], strict=True) if name == title]
    entries = re.split(r"^    (?=\S)", bodies[0], flags=re.MULTILINE)[1:] if bodies else []
    pairs = [entry.split(":", 1) for entry in entries if ":" in entry]
    return [(name.strip(), " ".join(text.split())) for name, text in pairs]


def prose(docstring: str) -> str:
    """A docstring without its sections of names."""
    return _SECTION.split(docstring)[0].strip()


def fields_table(cls: type, defaults: Mapping[str, Any] | None = None) -> str:
    """Fields, defaults and meanings of a dataclass; some defaults may be given."""
    docs = field_docs(cls)
    own = {field.name: _default(field) for field in dataclasses.fields(cls)} | dict(defaults or {})
    return table(
        ("name", "default", "meaning"),
        ((f"`{name}`", f"`{default}`", docs.get(name, "")) for name, default in own.items()),
    )


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return f"{getattr(field.default_factory, '__name__', '')}()" if callable(field.default_factory) else "required"


def body_parameters() -> str:
    """The moth's parameters."""
    from mothsim.body import MothBody

    return fields_table(MothBody)


def bodies() -> str:
    """Bodies by name, with what follows from their parameters."""
    from mothsim.body import BODIES, make_body

    moths = {name: make_body(name) for name in BODIES}
    return table(
        ("name", "length, cm", "mass, g", "weight, dyn", "force limit, dyn", "wing torque limit, dyn cm"),
        (
            (f"`{name}`", f"{m.length:.3g}", f"{m.mass:.3g}", f"{m.weight:.4g}", f"{m.force_limit:,.0f}",
             f"{m.wing_torque_limit:,.0f}")
            for name, m in moths.items()
        ),
    )  # fmt: skip


def trajectories() -> str:
    """Target trajectories by name, with their random starts."""
    from mothsim.trajectories import NAMES, TARGETS, make_trajectory

    targets = [make_trajectory(name) for name in NAMES]
    return table(
        ("name", "target of the pin joint", "starts within", "lost beyond, cm"),
        ((f"`{one.name}`", TARGETS[one.name], _starts(one.start_spread), f"{one.lost_distance:g}") for one in targets),
    )


def _starts(spread: tuple[float, ...]) -> str:
    return "{0:g} cm, {2:g} rad, {4:g} cm/s, {6:g} rad/s".format(*spread)


def tasks() -> str:
    """The evaluation's tasks."""
    from mothsim.controllers.evaluation.scenarios import SCENARIOS

    return table(
        ("task", "trajectory", "duration, s", "times the start spread"),
        ((f"`{one.name}`", f"`{one.trajectory}`", one.duration, f"{one.start_scale:g}") for one in SCENARIOS.values()),
    )


def perturbations() -> str:
    """The evaluation's perturbations."""
    from mothsim.perturbations import Perturbation

    names = ", ".join(f"`{name}`" for name in _perturbation_names())
    return f"{names}.\n\n{fields_table(Perturbation)}"


def _perturbation_names() -> Iterable[str]:
    from mothsim.perturbations import PERTURBATIONS

    return PERTURBATIONS


def controllers_table() -> str:
    """All controllers: the code's names and first sentences beside `controllers.toml`."""
    from mothsim.controllers import registry

    notes = tomllib.loads((DOCS / "controllers.toml").read_text(encoding="utf-8"))
    rows = []
    for name in registry.NAMES:
        module, kind = registry._NAMED[name]
        note = notes.get(name, {})
        link = f"[`{kind}`][{module}.{kind}]"
        rows.append((f"`{name}`", link, *(note.get(key, "") for key in ("method", "paper", "cost", "choose"))))
    return table(("name", "class", "method", "paper", "cost a decision", "choose it when"), rows)


def networks() -> str:
    """The shipped networks, from their files."""
    from mothsim.controllers.networks.storage import find_network, shipped_networks

    rows = []
    for name in sorted(shipped_networks(), key=lambda one: -find_network(one).connections):
        network = find_network(name)
        loss = network.info.get("test_loss")
        layers = ", ".join(str(size) for size in network.sizes)
        loss = "" if loss is None else f"{loss:.1e}"
        rows.append((f"`{name}`", layers, f"{network.connections:,}", f"{100 * network.sparsity:.3g} %", loss))
    return table(("name", "nodes by layer", "weights", "sparsity", "loss"), rows)


def protocols() -> str:
    """Training protocols side by side."""
    from mothsim.controllers.learning.protocols import PROTOCOLS

    return side_by_side(PROTOCOLS)


def pruning_methods() -> str:
    """Pruning methods side by side."""
    from mothsim.controllers.learning.pruning import METHODS

    return side_by_side(METHODS)


def side_by_side(records: Mapping[str, Any]) -> str:
    """Dataclasses of one kind by name, a column each, and what their fields mean."""
    kind = type(next(iter(records.values())))
    docs = field_docs(kind)
    fields = [field.name for field in dataclasses.fields(kind) if field.name != "name"]
    return table(
        ("", "meaning", *(f"`{name}`" for name in records)),
        ((f"`{field}`", docs[field], *(_value(getattr(one, field)) for one in records.values())) for field in fields),
    )


def _value(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def requirements() -> str:
    """What a search for the fewest weights may ask of a network."""
    from mothsim.controllers.minimal_networks import requirements as module

    return prose(inspect.getdoc(module) or "")


def environment_options(name: str) -> str:
    """The options of an environment, with its own defaults."""
    import gymnasium as gym

    from mothsim.envs import EnvConfig

    return fields_table(EnvConfig, gym.registry[name].kwargs)


def reward() -> str:
    """The reward's terms."""
    from mothsim.envs.rewards import reward_terms

    return prose(inspect.getdoc(reward_terms) or "")


def commands() -> str:
    """The subcommands of `mothsim`."""
    from mothsim.demos.cli.main import Command

    found = [get_args(one) for one in get_args(Command)]
    rows = [(f"`mothsim {name.name}`", (inspect.getdoc(kind) or "").splitlines()[0]) for kind, name in found]
    return table(("command", "what it does"), rows)


def contributing() -> str:
    """`CONTRIBUTING.md` of the repository, without its title."""
    return (DOCS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n", 1)[1].strip()


def environment_ids() -> list[str]:
    """The registered environments, `mothsim/Name-vN`, in order."""
    import gymnasium as gym

    import_module("mothsim")  # registers them

    return sorted(name for name in gym.registry if name.startswith("mothsim/"))


def environments() -> str:
    """A row for each registered environment."""
    import gymnasium as gym

    rows = []
    for name in environment_ids():
        options = ", ".join(f"`{key}={value!r}`" for key, value in gym.registry[name].kwargs.items())
        rows.append((f"[`mothsim:{name}`]({environment_page(name)})", options))
    return table(("id", "set by it"), rows)


def environment_page(name: str) -> str:
    """The file of an environment's page, within `docs/environments`."""
    return name.removeprefix("mothsim/").lower() + ".md"


def environment(name: str) -> str:
    """A page for an environment: how to make it, its class's docstring, its spaces and options."""
    import gymnasium as gym

    from mothsim.trajectories import TARGETS, make_trajectory

    env = gym.make(f"mothsim:{name}")
    target = make_trajectory(gym.registry[name].kwargs["trajectory"])
    return "\n\n".join((
        f"# {name.removeprefix('mothsim/')}",
        f'```python\nimport gymnasium as gym\n\nenv = gym.make("mothsim:{name}")\n```',
        f"![{name}](../pictures/{Path(environment_page(name)).stem}.png)",
        f"The target is `{target.name}`: {TARGETS[target.name]}. A moth starts within {_starts(target.start_spread)} "
        f"of trim there, and is lost {target.lost_distance:g} cm from its target.",
        *(text if title is None else f"## {title}\n\n{text}" for title, text in topics(type(env.unwrapped)).items()),
        "## Options\n\nKeywords of `gym.make`.\n\n" + environment_options(name),
    ))  # fmt: skip


def topics(environment: type) -> dict[str | None, str]:
    """An environment's documentation by topic, what comes before them under None; terms of the reward in its topic.

    What a class does not say of a topic its base class says.
    """
    found: dict[str | None, str] = {}
    for cls in environment.__mro__:
        first, *rest = _TOPIC.split(prose(inspect.cleandoc(cls.__doc__ or "")))
        own = {None: first.strip()} | dict(zip(rest[::2], map(str.strip, rest[1::2]), strict=True))
        found |= {title: text[:1].upper() + text[1:] for title, text in own.items() if title not in found}
        if "Versions" in found:
            break
    found["Reward"] += "\n\n" + reward()
    return found


def environment_versions() -> str:
    """What the versions of the environments differ in."""
    from mothsim.envs.tracking import TrackEnv

    return topics(TrackEnv)["Versions"]


SECTIONS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        bodies, body_parameters, commands, contributing, controllers_table, environment_versions, environments,
        networks, perturbations, protocols, pruning_methods, requirements, reward, tasks, trajectories,
    )
}  # fmt: skip
"""What pages may ask for, by name."""
