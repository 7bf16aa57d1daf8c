"""The flight viewer's HTML: a page of its own, or an element for another page."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mothsim.flight import Flight, by_moth
from mothsim.plotting import moth_shape
from mothsim.plotting.style import SERIES

MAX_MOTHS = 16
"""A page shows no more moths than this."""
_SCRIPTS = ("flight.js", "moth.js", "plots.js", "viewer.js")


def viewer_page(flights: Mapping[str, Flight], title: str = "") -> str:
    """A page that plays flights side by side; it needs no network and no other file.

    Args:
        flights: by name, of one or of many moths; at most `MAX_MOTHS` moths are shown.
        title: by default the target's name.

    Raises:
        ValueError: no flight.
    """
    element = viewer_element(flights, title, attributes="page autoplay")
    template = Template((files("mothsim.plotting.viewer") / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(title or _title(flights)), paper=moth_shape.PAPER, element=element, script=viewer_script()
    )


def viewer_element(flights: Mapping[str, Flight], title: str = "", attributes: str = "") -> str:
    """An element `<flight-viewer>` with its flights, for a page that also has `viewer_script()` once, after it.

    Args:
        flights: see `viewer_page`.
        title: by default the target's name.
        attributes: `page`, to have the whole page's keyboard and wheel; `autoplay`.

    Raises:
        ValueError: no flight.
    """
    if not flights:
        raise ValueError("flights: expected one or more")
    text = json.dumps(_data(flights, title or _title(flights)), allow_nan=False).replace("<", "\\u003c")
    return f'<flight-viewer {attributes}><script type="application/json">{text}</script></flight-viewer>'


def viewer_script() -> str:
    """The script that brings every `<flight-viewer>` of a page to life."""
    here = files("mothsim.plotting.viewer")
    style = json.dumps((here / "viewer.css").read_text(encoding="utf-8"))
    code = "\n".join((here / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    return f"<script>\n(() => {{\n'use strict';\nconst VIEWER_STYLE = {style};\n{code}}})();\n</script>"


def _title(flights: Mapping[str, Flight]) -> str:
    return " and ".join(dict.fromkeys(flight.trajectory.name for flight in flights.values()))


def _data(flights: Mapping[str, Flight], title: str) -> dict[str, Any]:
    """Numbers as float32 in base64; moths with the same target share it."""
    targets: dict[str, int] = {}
    moths, single = [], by_moth(flights)
    if len(single) > MAX_MOTHS:
        title = f"{title}: the first {MAX_MOTHS} of {len(single)} moths"
    for name, flight in list(single.items())[:MAX_MOTHS]:
        motion = np.concatenate([flight.targets, flight.trajectory.velocity(flight.times)], axis=1)
        target = json.dumps({"period": flight.period, "motion": _packed(motion)})
        moths.append({
            "name": name,
            "colour": SERIES[len(moths) % len(SERIES)],
            "target": targets.setdefault(target, len(targets)),
            "period": flight.period,
            "lost": bool(flight.lost),
            "rms_error_cm": None if flight.lost else float(flight.rms_error),
            "body": {**dataclasses.asdict(flight.body), "weight": flight.body.weight},
            "states": _packed(flight.states),
            "controls": _packed(flight.controls),
        })  # fmt: skip
    return {"title": title, "targets": [json.loads(target) for target in targets], "moths": moths, "style": _style()}


def _packed(values: ArrayLike) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def _style() -> dict[str, Any]:
    """What the page draws as the figures do."""
    return {
        "thorax": moth_shape.THORAX,
        "abdomen": moth_shape.ABDOMEN,
        "band": moth_shape.BAND,
        "bands": moth_shape.BANDS,
        "outline": moth_shape.OUTLINE,
        "force": moth_shape.FORCE,
        "torque": moth_shape.TORQUE,
        "target": moth_shape.TARGET,
        "paper": moth_shape.PAPER,
        "arrow": moth_shape.ARROW,
        "ground": "#ffffff",
        "grid": "#efe8db",
        "ink": "#2b2620",
        "quiet": "#6b6357",
        "font": "12px system-ui, sans-serif",
    }
