"""What an evaluation found, a sentence or two for each kind of reader, with 90 % intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from mothsim.controllers.evaluation.report.headline import error
from mothsim.controllers.evaluation.rollouts import ALONE, ENGINE, failed
from mothsim.controllers.evaluation.statistics import interval, matrix
from mothsim.tables import Row, grouped

Array = NDArray[np.floating]

_HARDEST = ("sum-of-primes", "figure-eight", "forward", "step", "hover")
"""Tasks in which tracking errors are compared, the first that was flown."""


def findings(flights: Sequence[Row]) -> list[str]:
    """Write what flew with the fewest connections, what tracks best, and what stands perturbations.

    Sentences begin with the reader that they are for, and a colon.
    """
    calm = [row for row in flights if row["perturbation"] == "nominal" and row["help"] != ENGINE]
    return [*_fewest(calm), *_nearest(calm), *_hardiest(flights)]


def _fewest(calm: Sequence[Row]) -> list[str]:
    """For neuroscientists: the smallest networks that lose no flight, alone and helped."""
    found = []
    networks = [row for row in calm if row["weights"] is not None]
    for rows, how in ((_alone(networks), "alone"), (_helped(networks), "with the guidance of LQR and the engine")):
        safe = [group for group in grouped(rows, _controller).values() if not any(row["lost"] for row in group)]
        if safe:
            least = min(safe, key=lambda group: group[0]["weights"])
            one = least[0]
            found.append(f"{how}, {one['weights']:,} ({one['controller']}), {_share([False] * len(least), 'lost')}")
        elif rows:
            found.append(f"{how}, no number that was tried, since every network loses flights")
    if not found:
        return []
    tasks = len({row["task"] for row in calm})
    flown = "the task" if tasks == 1 else f"all {tasks} tasks"
    return [f"For neuroscientists: the fewest connections that lose no flight in {flown} are: {'; '.join(found)}."]


def _nearest(calm: Sequence[Row]) -> list[str]:
    """For control engineers: the errors of LQR and of the best with a network and without, on the hardest task."""
    task = next((task for task in _HARDEST if any(row["task"] == task for row in calm)), None)
    rows = [row for row in calm if row["task"] == task]
    networks = [row for row in rows if row["weights"] is not None]
    regulator = [row for row in rows if row["controller"] == "lqr"]
    without = _best(row for row in rows if row["weights"] is None and row["controller"] != "lqr")
    compared = [("LQR", regulator), ("the best other controller without a network", without),
                ("the best network alone", _best(_alone(networks))),
                ("the best network with guidance", _best(_helped(networks)))]  # fmt: skip
    parts = []
    for name, group in compared:
        if group:
            own = "" if name == "LQR" else f" ({group[0]['controller']})"
            parts.append(f"{name}{own} {_error(group)}{'' if name == 'LQR' else _times(group, regulator)}")
    return [f"For control engineers: rms error on {task}: {'; '.join(parts)}."] if parts else []


def _hardiest(flights: Sequence[Row]) -> list[str]:
    """For roboticists: who fails least in flights under perturbations, beside LQR."""
    rough = [row for row in flights if row["perturbation"] != "nominal"]
    groups = grouped(rough, _controller)
    most = max((len(group) for group in groups.values()), default=0)
    groups = {name: group for name, group in groups.items() if len(group) == most}
    if not groups:
        return []
    ranked = sorted(groups, key=lambda name: float(np.mean([failed(row) for row in groups[name]])))
    named = list(dict.fromkeys([ranked[0], *(name for name in ("lqr",) if name in groups), ranked[-1]]))
    parts = [f"{name} {_share([failed(row) for row in groups[name]], 'failed')}" for name in named]
    kinds = len({row["perturbation"] for row in rough})
    return [f"For roboticists: under {kinds} perturbations of which controllers are not informed: {'; '.join(parts)}."]


def _alone(networks: Sequence[Row]) -> list[Row]:
    return [row for row in networks if row["help"] == ALONE]


def _helped(networks: Sequence[Row]) -> list[Row]:
    return [row for row in networks if row["help"] != ALONE]


def _controller(row: Row) -> str:
    return row["controller"]


def _best(rows: Iterable[Row]) -> list[Row]:
    """Flights of the controller with the smallest median error."""
    groups = grouped(list(rows), _controller).values()
    return min(groups, key=lambda group: float(np.median([row["rms_error_cm"] for row in group])), default=[])


def _error(group: Sequence[Row]) -> str:
    values = matrix(group, "rms_error_cm")
    assert values is not None
    middle, low, high = interval(values, _median, f"findings {group[0]['controller']}")
    return f"{error(middle)} cm ({error(low)} to {error(high)})"


def _times(group: Sequence[Row], regulator: Sequence[Row]) -> str:
    """Times LQR's error, by the starts that both flew."""
    starts = {row["start"]: row["rms_error_cm"] for row in regulator}
    pairs = [(row["rms_error_cm"], starts[row["start"]]) for row in group if row["start"] in starts]
    if not pairs or not np.isfinite(pairs).all():
        return ""
    ratio, low, high = interval(np.array([pairs]), _ratio, f"findings {group[0]['controller']} beside LQR")
    return f", {_plain(ratio)} times LQR's ({_plain(low)} to {_plain(high)})"


def _median(values: Array) -> Array:
    return np.median(values, axis=(-2, -1))


def _ratio(values: Array) -> Array:
    """Ratio of medians over networks and starts: values (..., networks, starts, 2)."""
    middle = np.median(values, axis=(-3, -2))
    return middle[..., 0] / middle[..., 1]


def _share(happened: Sequence[bool], what: str) -> str:
    """Count flights, with the exact binomial interval of their share."""
    count, flights = sum(happened), len(happened)
    low, high = binomtest(count, flights).proportion_ci(0.9)
    return f"{count:,} of {flights:,} {what} ({_plain(100 * low)} to {_plain(100 * high)} %)"


def _plain(number: float) -> str:
    """Two digits, and no exponent above a hundred."""
    return f"{number:.2g}" if number < 99.5 else f"{number:.0f}"
