"""Small dense networks have about as many weights as pruned ones."""

import pytest

from mothsim.demos.reproduce.sparsity_study import narrower


@pytest.mark.parametrize(("share", "nodes"), [(0.5, (16, 16, 10)), (0.25, (10, 10, 7)), (0.1, (5, 5, 4))])
def test_inverse_models(share: float, nodes: tuple[int, ...]) -> None:
    assert narrower((10, 24, 24, 16, 7), share * 1312) == nodes
    assert narrower((10, 24, 24, 16, 7), 1312) == (24, 24, 16)


@pytest.mark.parametrize(("share", "nodes"), [(0.25, (5,)), (0.1, (2,))])
def test_policies(share: float, nodes: tuple[int, ...]) -> None:
    assert narrower((62, 20, 3), share * 1300) == nodes
