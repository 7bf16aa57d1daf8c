"""Parts of a report's page: sections, tables that sort, pictures for wide screens and narrow ones."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from matplotlib.figure import Figure
from PIL import Image

from mothsim.plotting.figures import encode_figure


def document(title: str, parts: Sequence[str]) -> str:
    """Write a page that needs no other file."""
    style, script = (
        (files("mothsim.controllers.evaluation.report") / name).read_text(encoding="utf-8")
        for name in ("report.css", "table_sort.js")
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>\n{style}</style></head>\n"
        f"<body><main>\n{chr(10).join(parts)}\n</main><script type='module'>\n{script}</script></body></html>\n"
    )


def bullets(sentences: Sequence[str]) -> str:
    """Write sentences that begin with their subject and a colon."""
    lines = []
    for sentence in sentences:
        about, colon, rest = html.escape(sentence).partition(": ")
        lines.append(f"<p><b>{about}</b>{colon}{rest}</p>")
    return f'<div class="answer">{"".join(lines)}</div>' if lines else ""


def section(title: str, body: str, note: str = "") -> str:
    """Write a section: title, note in HTML, and body in HTML."""
    introduction = f'<p class="note">{note}</p>' if note else ""
    return f"<section><h2>{html.escape(title)}</h2>{introduction}{body}</section>"


def made(command: str, *files: str) -> str:
    """Write the command that makes what stands above, and the files that hold it."""
    return f'<p class="note">Made by <code>{html.escape(command)}</code>: {", ".join(files)}.</p>'


def table(cells: Sequence[Sequence[str]]) -> str:
    """Write a table of text, its head first, which sorts by the column that is pressed."""
    head, *rows = [[html.escape(cell) for cell in row] for row in cells]
    header = "".join(f'<th><button title="sort">{cell}</button></th>' for cell in head)
    lines = [
        "".join(f'<td data-label="{name}">{cell}</td>' for name, cell in zip(head, row, strict=True)) for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<thead><tr>{header}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scroll"><table class="stacked">{table}</table></div>'


def pairs(values: Mapping[str, object]) -> str:
    """Write a table of names and values."""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(value))}</td></tr>" for name, value in values.items()
    )
    return f"<table><tbody>{rows}</tbody></table>"


def picture(draw: Callable[[int], Figure], description: str) -> str:
    """Embed a picture in two columns of panels, and for narrow screens in one."""
    wide, narrow = (_data("image/png", _with_palette(encode_figure(draw(columns), dpi=120))) for columns in (2, 1))
    return (
        f'<figure><picture><source media="(max-width: 40rem)" srcset="{narrow}">'
        f'<img src="{wide}" alt="{html.escape(description)}"></picture></figure>'
    )


def _with_palette(content: bytes) -> bytes:
    """Store a PNG with a palette, in a quarter of the bytes."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    small = io.BytesIO()
    picture.quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
