"""Shared by all tests."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

ROOT = Path(__file__).parents[1]
for _name in ("controllers", "demos", "envs"):  # the checkout's links, which a source distribution does not hold
    if not (ROOT / "mothsim" / _name).exists():
        (ROOT / "mothsim" / _name).symlink_to(Path("..") / _name)

if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # several tests, and their processes, compile the same programs
    _compiled = tempfile.TemporaryDirectory(prefix="mothsim-tests-", ignore_cleanup_errors=True)
    os.environ |= {"JAX_COMPILATION_CACHE_DIR": _compiled.name, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1"}
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a GPU is shared by the processes that test

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference data that lie beside the project where it is developed."""
    if not SHARED.is_dir():
        pytest.skip("the reference data are not beside this checkout")
    return SHARED


@pytest.fixture(scope="module")
def quick_pictures() -> Iterator[None]:
    """Pictures without Matplotlib's search for room, which takes half of the time of a command that draws many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.set_layout_engine", lambda *_, **__: None)
        yield


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two Dask workers, elsewhere than where the commands are given."""
    distributed = pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(os.environ):  # where Dask leaves one thread to BLAS
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
            yield cluster
