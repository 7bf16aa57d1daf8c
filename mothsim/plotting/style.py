"""The style of the project's figures: Matplotlib's defaults, whatever the user's settings are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.style


@contextmanager
def figure_style() -> Iterator[None]:
    """Use Matplotlib's default settings for a while, or for a function that it decorates.

    A matplotlibrc may ask for LaTeX, other sizes or fonts that are missing. Texts take up some of the settings when
    they are made and some when they are drawn, so both making a figure and saving it need this.
    """
    with matplotlib.style.context("default"):
        yield
