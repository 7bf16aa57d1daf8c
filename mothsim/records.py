"""Flights as files: write several by name with `save_flights`, read them again with `load_flights`.

A file is a compressed NumPy archive (`.npz`, read without pickle) of a JSON text `header` and, for the flight of
index i, of float64 arrays `i/<name>` over its T decisions; flights of N moths have a leading axis of N in those
marked with *:

| array | shape | unit |
|---|---|---|
| `times` | (T,) | s |
| `states` * | (T, 8), `[x, y, theta, phi, xdot, ydot, thetadot, phidot]` | cm, rad, cm/s, rad/s; NaN once lost |
| `controls` * | (T, 4), `[force, angle, abdomen_torque, wing_torque]` | dyn, rad, dyn cm; NaN once lost |
| `errors` * | (T,), distance of the pin joint from the target | cm; NaN once lost |
| `lost` * | () | bool |
| `targets`, `target_velocities` | (T, 2) | cm, cm/s |
| `targets_halfway` | (T, 2), half a decision later; older files have none | cm |
| `target_angles` | (T,), body angle theta of the target | rad |

The header has `format` ("mothsim flights"), `format_version`, `mothsim` (the version that wrote the file) and
`flights`, a list of objects with `name`, `trajectory`, `lost_distance` (cm), `body` (the fields of
`mothsim.MothBody`, cgs), `decision_seconds` and `wall_seconds` (s).
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mothsim
from mothsim.body import MothBody
from mothsim.flight import Flight
from mothsim.io import write_atomically
from mothsim.solver.propagate import SEGMENT
from mothsim.trajectories import Trajectory

Array = NDArray[np.floating]

FORMAT, FORMAT_VERSION = "mothsim flights", 1
_SHAPES = {"states": (8,), "controls": (4,), "errors": (), "targets": (2,), "target_velocities": (2,),
           "target_angles": (), "targets_halfway": (2,)}  # fmt: skip
_ADDED = ("targets_halfway",)  # since the first files of this version
_PER_MOTH = ("states", "controls", "errors")


def save_flights(flights: Mapping[str, Flight], file: Path | str) -> None:
    """Write flights by name, in one piece.

    Args:
        flights: of one or of many moths each.
        file: ends in `.npz`; its folder is made.

    Raises:
        ValueError: no flight, no dictionary, or a file name that does not end in `.npz`.
        OSError: the file cannot be written.
    """
    file = Path(file)
    if file.suffix.lower() != ".npz":
        raise ValueError(f"file = {str(file)!r}: expected a name that ends in .npz")
    if not isinstance(flights, Mapping) or not flights:
        raise ValueError(f"flights is a {type(flights).__name__}: expected flights by name, such as {{'lqr': flight}}")
    for name, flight in flights.items():
        if not isinstance(name, str) or not isinstance(flight, Flight):
            raise ValueError(f"flights[{name!r}] is a {type(flight).__name__}: expected a text and a flight")
    header = {"format": FORMAT, "format_version": FORMAT_VERSION, "mothsim": mothsim.__version__,
              "flights": [_described(name, flight) for name, flight in flights.items()]}  # fmt: skip
    arrays: dict[str, Any] = {"header": np.array(json.dumps(header))}
    for index, flight in enumerate(flights.values()):
        arrays |= {f"{index}/{name}": values for name, values in _arrays(flight).items()}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_atomically(file, content.getvalue())


def load_flights(file: Path | str) -> dict[str, Flight]:
    """Read flights by name, in the order in which they were written.

    Their arrays are those that were saved, to the bit. Their trajectories are known at the decisions and half way from
    one to the next, and linear in between.

    Raises:
        ValueError: the file is not one that `save_flights` wrote, or is damaged; the message names it.
        OSError: the file cannot be read.
    """
    file = Path(file)
    content = io.BytesIO(file.read_bytes())
    try:
        with zipfile.ZipFile(content) as archive:
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is damaged")
        content.seek(0)
        with np.load(content, allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            if header["format"] != FORMAT or header["format_version"] != FORMAT_VERSION:
                raise ValueError(f"format {header['format']!r}, version {header['format_version']!r}")
            if not header["flights"]:
                raise ValueError("no flights")
            return {about["name"]: _read(about, arrays, index) for index, about in enumerate(header["flights"])}
    except Exception as error:  # a damaged archive raises a dozen kinds of them
        expected = f"flights saved by mothsim, format version {FORMAT_VERSION}"
        raise ValueError(f"{file}: expected {expected} ({type(error).__name__}: {error})") from None


def _described(name: str, flight: Flight) -> dict[str, Any]:
    return {
        "name": name,
        "trajectory": flight.trajectory.name,
        "lost_distance": float(flight.trajectory.lost_distance),
        "body": {key: float(value) for key, value in dataclasses.asdict(flight.body).items()},
        "decision_seconds": flight.decision_seconds,
        "wall_seconds": flight.wall_seconds,
    }


def _arrays(flight: Flight) -> dict[str, Any]:
    return {
        "times": flight.times,
        "states": flight.states,
        "controls": flight.controls,
        "errors": flight.errors,
        "lost": np.asarray(flight.lost),
        "targets": flight.targets,
        "targets_halfway": flight.trajectory.position(flight.times + flight.period / 2),
        "target_velocities": flight.trajectory.velocity(flight.times),
        "target_angles": flight.trajectory.angle(flight.times),
    }


def _read(about: Mapping[str, Any], archive: Mapping[str, Any], index: int) -> Flight:
    times, lost = archive[f"{index}/times"], archive[f"{index}/lost"]
    if times.ndim != 1 or not len(times) or times.dtype != np.float64 or not (np.diff(times) > 0).all():
        raise ValueError(f"{index}/times: expected float64 times that increase")
    arrays: dict[str, Any] = {}
    for name, tail in _SHAPES.items():
        if name in _ADDED and f"{index}/{name}" not in archive:
            continue
        values = archive[f"{index}/{name}"]
        expected = (*(lost.shape if name in _PER_MOTH else ()), len(times), *tail)
        if values.shape != expected or values.dtype != np.float64:
            raise ValueError(f"{index}/{name}: {values.dtype} {values.shape}, expected float64 {expected}")
        arrays[name] = values
    velocity, angle = (partial(_between, times, arrays[name]) for name in ("target_velocities", "target_angles"))
    position = partial(_between, times, arrays["targets"])
    if "targets_halfway" in arrays:
        half = (times[1] - times[0] if len(times) > 1 else SEGMENT) / 2
        known = np.stack([times, times + half], axis=1).ravel()
        position = partial(_between, known, np.hstack([arrays["targets"], arrays["targets_halfway"]]).reshape(-1, 2))
    trajectory = Trajectory(about["trajectory"], position, velocity, angle, lost_distance=about["lost_distance"])
    measured = (about[name] for name in ("decision_seconds", "wall_seconds"))
    return Flight(trajectory, MothBody(**about["body"]), times, arrays["states"], arrays["controls"], arrays["errors"],
                  lost[()], *measured)  # fmt: skip


def _between(times: Array, values: Array, at: Array) -> Array:
    """Values (T, ...) at times (T,), linear in between and constant beyond."""
    columns = values.reshape(len(times), -1).T
    return np.stack([np.interp(at, times, column) for column in columns], axis=-1).reshape(len(at), *values.shape[1:])
