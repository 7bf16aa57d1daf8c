"""Options of `mothsim study` and, where they are the same, of `mothsim train inverse-model`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from mothsim.demos.options import (
    EXPLAINED,
    Count,
    Counts,
    DaskAddress,
    Factor,
    Noise,
    Percent,
    Percents,
    Picture,
    Seed,
    Seeds,
    Workers,
)

BODY = (
    "Train for this moth: zahn2022, or a fully actuated one, bustamante2022-fa or -fs, whose networks give a wing "
    "torque."
)
_PROTOCOL = (
    "Train by this protocol: ours (cosine); Adam at a constant rate, each network stopping for itself (constant-rate) "
    "or all together (constant-rate-group); or one of Zahn et al.'s two programs to the letter."
)
_METHOD = (
    "Prune by this method: by magnitude over all layers, at once (global) or little by little while training "
    "(gradual); layer by layer, for good (layerwise) or with weights that may come back (regrow); with the counts of "
    "Zahn et al.'s programs (cutoff, toolkit); or by their Algorithm 1 (manual). The default is the protocol's own."
)

Method = Literal["global", "gradual", "layerwise", "regrow", "cutoff", "toolkit", "manual"]


@dataclass
class StudiedNetworks:
    """What the networks are."""

    networks: Count = 8
    """Train and prune so many networks in each study."""
    hidden: Counts = (50, 50, 50, 8)
    """Give the hidden layers so many nodes."""
    body: Annotated[str, arg(metavar="NAME", help=BODY)] = "zahn2022"


@dataclass
class StudyTraining:
    """How they are trained."""

    protocol: Annotated[
        Literal["cosine", "constant-rate", "constant-rate-group", "zahn2022-jax", "zahn2022-tensorflow"],
        arg(help=_PROTOCOL),
    ] = "cosine"
    segments: Count = 1_000_000
    """Draw so many segments for the training set."""
    step_scale: Factor = 1.0
    """Multiply the protocol's number of steps by this; less trains less."""
    input_noise: Noise = 0.0
    """Add noise of this standard deviation to the inputs in training, as a share of each input's range."""
    seed: Seed = 0
    """Draw data and first weights from this seed."""


@dataclass
class StudyPruning:
    """How they are pruned."""

    method: Annotated[
        Method | None,
        arg(metavar="{global,gradual,layerwise,regrow,cutoff,toolkit,manual}", help=_METHOD, help_behavior_hint=""),
    ] = None
    levels: Percents = (15, 25, 35, 45, 55, 65, 75, 85, 90, 91, 92, 93, 94, 95, 96, 97, 98)
    """Prune to these sparsities one after another, per cent."""
    rewind: bool = False
    """Start what is left again from its first weights at every level."""


@dataclass
class Sweeps:
    """What several studies differ in, where there are several."""

    hidden_sweep: Annotated[tuple[str, ...], arg(metavar="NODES ...", help_behavior_hint="")] = ()
    """Make a study for each of these hidden layers, written as 200-200-200-8, in a folder of that name."""
    weights: Annotated[Counts, EXPLAINED] = ()
    """Make a study for each of these numbers of weights when dense, of narrower networks of Zahn et al.'s shape."""
    seeds: Annotated[Seeds, EXPLAINED] = ()
    """Make a study for each of these seeds, in the folders seed-0, seed-1 and so on."""
    workers: Workers = 1
    """Run so many studies at once, each in its own process."""
    dask: DaskAddress = None


@dataclass
class StudyFigures:
    """What the table and the figures show."""

    threshold: Factor = 1e-3
    """Count a network as passing while its loss is at most this."""
    level: Percent = 93
    """Show sample networks, layers, inputs and predictions at this sparsity, per cent."""
    figures: bool = False
    """Only draw the figures of what is in the folder again."""
    picture: Picture = "png"
    """Draw pictures in this format; pdf and svg are vector graphics, for papers."""


@dataclass
class StudyOutput:
    """What is written, and where."""

    out: Path = Path("out/study")
    """Keep settings, versions, checkpoints, table and figures in this folder, or in folders below where one sweeps."""
    json: bool = False
    """Print one JSON object on standard output instead of the table."""
