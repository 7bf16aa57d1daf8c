"""The style of the project's figures: Matplotlib's defaults, whatever the user's settings are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.style

SERIES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#000000", "#d55e00", "#8a7d00")
"""Colours of moths side by side, in turn: those of Okabe and Ito, which the colour-blind tell apart."""

TEAL, RED, BROWN, VIOLET = "#1f7a8c", "#c8452f", "#7b5a3c", "#5b4b8a"
"""Colours of what is not one of a series."""


@contextmanager
def figure_style() -> Iterator[None]:
    """Use Matplotlib's default settings for a while, or for a function that it decorates.

    A matplotlibrc may ask for LaTeX, other sizes or fonts that are missing. Texts take up some of the settings when
    they are made and some when they are drawn, so both making a figure and saving it need this.
    """
    with matplotlib.style.context("default"):
        yield
