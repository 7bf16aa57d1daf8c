"""The fewest connections with which a linear policy can hover, by trying all of them on the linearised moth.

Near hover, a moth under a linear policy is a linear map from decision to decision. It returns to its target only
where the spectral radius of that map is below one, whatever the target does later and however the policy was trained.
The preview does not enter that map, nor does `1 - cos`, whose derivative at trim is zero; and a policy that does not
observe both position errors lets the moth drift. The other sets of connections are few enough to try them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from mothsim.actuation import to_components
from mothsim.body import MothBody
from mothsim.policy_interface import ENTRIES, OUTPUT_ENTRIES, PREVIEW, PolicyTarget, observe, to_control_components
from mothsim.solver.jacobians import jacobians
from mothsim.trim import find_trim

_POSITION = (0, 1)  # entries of the position error along and across
_SMALL = 1e-6  # departure from trim, to derive by
_SCALES = (0.01, 0.1, 1.0, 10.0)  # spreads of random gains
_DRAWS, _BEST, _STEPS = 60, 2, 250  # random gains of every spread, how many of them are improved, and how long

Connection = tuple[int, int]


class Hover(NamedTuple):
    """A moth about its hover, from decision to decision: `state = A state + B outputs`, `entries = C state`.

    Attributes:
        by_state: A, (8, 8).
        by_outputs: B, (8, 3).
        entries: C, (9, 8), of the observation without its preview.
    """

    by_state: NDArray[np.float64]
    by_outputs: NDArray[np.float64]
    entries: NDArray[np.float64]


class Slowest(NamedTuple):
    """Connections (entry, output), and the smallest spectral radius that was found over their gains."""

    connections: tuple[Connection, ...]
    radius: float


def linear_hover(body: MothBody | None = None) -> Hover:
    """Linearise a hovering moth and what a policy observes of it."""
    body = body or MothBody()
    trim = find_trim(body)
    state, components = trim.state[None], to_components(trim.control)[None, :3]
    target = PolicyTarget(trim.state[:2], np.zeros(2), np.zeros((len(PREVIEW), 2)), trim.state[2:4], components[0])
    _, by_state, by_components = jacobians(state, components, body=body)

    def central(function: Callable[[NDArray[np.float64]], Any], size: int) -> NDArray[np.float64]:
        moves = _SMALL * np.eye(size)
        return (function(moves) - function(-moves)).T / (2 * _SMALL)

    count = len(ENTRIES) - 2 * len(PREVIEW)
    entries = central(lambda moves: observe(state + moves, target)[:, :count], 8)
    scale = central(lambda moves: to_control_components(moves, components[0], body), len(OUTPUT_ENTRIES))
    return Hover(by_state[0], by_components[0] @ scale, entries)


def candidates(count: int, hover: Hover) -> Iterable[tuple[Connection, ...]]:
    """All sets of `count` connections that observe both position errors."""
    responding = [i for i, row in enumerate(hover.entries) if np.abs(row).max() > _SMALL]
    connections = [(i, j) for i in responding for j in range(len(OUTPUT_ENTRIES))]
    return (s for s in combinations(connections, count) if {i for i, _ in s}.issuperset(_POSITION))


def slowest(connections: tuple[Connection, ...], hover: Hover, seed: int = 0) -> Slowest:
    """Search for gains that make the spectral radius small: random ones, and the best of them improved."""
    rng = np.random.default_rng(seed)
    gains = np.concatenate([scale * rng.normal(size=(_DRAWS, len(connections))) for scale in _SCALES])
    radii = spectral_radii(gains, connections, hover)
    for start in gains[np.argsort(radii, kind="stable")[:_BEST]]:
        found = minimize(
            lambda tried: spectral_radii(tried[None], connections, hover)[0], start, method="Nelder-Mead",
            options={"maxfev": _STEPS, "xatol": 1e-5, "fatol": 1e-7},
        )  # fmt: skip
        radii = np.append(radii, found.fun)
    return Slowest(connections, float(radii.min()))


def spectral_radii(
    gains: NDArray[np.float64], connections: tuple[Connection, ...], hover: Hover
) -> NDArray[np.float64]:
    """Spectral radii (N,) of hovers under gains (N, n) of n connections."""
    policy = np.zeros((len(gains), len(OUTPUT_ENTRIES), len(hover.entries)))
    for column, (entry, output) in enumerate(connections):
        policy[:, output, entry] = gains[:, column]
    closed = hover.by_state + hover.by_outputs @ policy @ hover.entries
    return np.abs(np.linalg.eigvals(closed)).max(axis=1)
