"""What MkDocs does beyond its own: pages made from the code, notebooks as pages, formulas as MathML.

MathML needs neither a script nor a network; every current browser draws it.
"""

from __future__ import annotations

import base64
import inspect
import io
import json
import pkgutil
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
import generated

DOCS = Path(__file__).parent
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
_CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_PACKAGES = ("mothsim", "mothsim.solver", "mothsim.plotting", "mothsim.controllers", "mothsim.envs")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages that are made here to the navigation."""
    sections: dict[str, Any] = {title: pages for entry in config.nav or () for title, pages in entry.items()}
    for name in generated.environment_ids():
        sections["Environments"].append({name.split("/")[1]: f"environments/{generated.environment_page(name)}"})
    sections["Notebooks"] += [f"notebooks/{file.stem}.md" for file in NOTEBOOKS]
    sections["API"] += [{name.removeprefix("mothsim."): f"api/{name}.md"} for name in packages()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Make the pages of environments, packages and notebooks, with their pictures."""
    for name in generated.environment_ids():
        page = generated.environment_page(name)
        files.append(File.generated(config, f"environments/{page}", content=generated.environment(name)))
        picture = f"pictures/{Path(page).stem}.png"
        files.append(File.generated(config, picture, content=environment_picture(name)))
    for name, modules in packages().items():
        files.append(File.generated(config, f"api/{name}.md", content=api_page(name, modules)))
    files.append(File.generated(config, "pictures/flights.html", content=flight_page()))
    for file in NOTEBOOKS:
        markdown, pictures = notebook_page(file)
        files.append(File.generated(config, f"notebooks/{file.stem}.md", content=markdown))
        for picture, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{picture}", content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Expand what a page asks of the code, and its formulas."""
    return mathml(generated.expand(markdown))


def mathml(markdown: str) -> str:
    """`$inline$` and `$$display$$` LaTeX as MathML, outside code."""
    parts = _CODE.split(markdown)
    for i in range(0, len(parts), 2):
        text = re.sub(r"\$\$(.+?)\$\$", _display, parts[i], flags=re.DOTALL)
        parts[i] = re.sub(r"\$([^$\n]+?)\$", lambda m: f"<span>{convert(m[1])}</span>", text)
    return "".join(parts)


def _display(match: re.Match[str]) -> str:
    return f'<div class="formula">{convert(match[1].strip(), display="block")}</div>'


def packages() -> dict[str, list[str]]:
    """The library's packages, each with its modules."""
    import mothsim.controllers

    below = [
        one.name for one in pkgutil.iter_modules(mothsim.controllers.__path__, "mothsim.controllers.") if one.ispkg
    ]
    found = {}
    for name in (*_PACKAGES[:4], *below, *_PACKAGES[4:]):
        path = import_module(name).__path__
        found[name] = [one.name for one in pkgutil.iter_modules(path, f"{name}.") if not one.ispkg]
    return found


def api_page(name: str, modules: list[str]) -> str:
    """A package's page: its own documentation, then each of its modules."""
    options = "    options:\n      show_submodules: false\n      filters: ['!^_']\n"
    directives = [f"::: {module}\n{options}" for module in modules if not module.endswith("__main__")]
    return f"# {name}\n\n{inspect.getdoc(import_module(name)) or ''}\n\n" + "\n".join(directives)


def environment_picture(name: str) -> bytes:
    """A frame of the environment, half a second into an episode flown by LQR, as PNG."""
    import gymnasium as gym
    from PIL import Image

    from mothsim import controllers

    env = gym.make(f"mothsim:{name}", render_mode="rgb_array")
    policy = controllers.as_policy(controllers.make("lqr"), env)
    observation, info = env.reset(seed=0)
    for _ in range(25):
        observation, _, _, _, info = env.step(policy(observation, info))
    file = io.BytesIO()
    Image.fromarray(env.render()).save(file, "PNG")  # pyright: ignore[reportArgumentType]
    return file.getvalue()


def flight_page() -> str:
    """The flight viewer with three controllers on one target."""
    import mothsim
    from mothsim import controllers
    from mothsim.plotting.viewer.page import viewer_page

    flown = {"lqr": controllers.make("lqr")}
    flown |= {name: controllers.make("inverse-model", network=name) for name in ("sparse-98", "fewest")}
    return viewer_page({name: mothsim.fly(one, "figure-eight", duration=5.0) for name, one in flown.items()})


def notebook_page(file: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and its pictures by file name."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                picture = f"{file.stem}-{len(pictures)}.png"
                pictures[picture] = base64.b64decode(data["image/png"])
                parts.append(f"![]({picture})")
            else:
                text = "".join(output.get("text") or data.get("text/plain", ""))
                parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts), pictures
