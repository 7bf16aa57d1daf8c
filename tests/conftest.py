"""Shared by all tests."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
for _name in ("controllers", "demos", "envs"):  # the checkout's links, which a source distribution does not hold
    if not (ROOT / "mothsim" / _name).exists():
        (ROOT / "mothsim" / _name).symlink_to(Path("..") / _name)

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference data that lie beside the project where it is developed."""
    if not SHARED.is_dir():
        pytest.skip("the reference data are not beside this checkout")
    return SHARED
