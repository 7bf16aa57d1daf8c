"""Trees of arrays as the arrays of a file."""

import numpy as np
import pytest

from mothsim.controllers.learning.trees import named_leaves, tree_from_leaves


def test_a_tree_comes_back_from_its_named_leaves() -> None:
    tree = {"w": [np.arange(i, dtype=np.float32) for i in range(12)], "step": np.int32(3)}
    tensors = {**named_leaves(tree), "curve": np.zeros(2)}
    back = tree_from_leaves(tensors, {"w": [np.zeros(i, np.float32) for i in range(12)], "step": np.int32(0)})
    assert back["step"].dtype == np.int32
    assert back["step"] == 3
    for one, other in zip(back["w"], tree["w"], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("like", [{"w": np.zeros(4)}, {"w": np.zeros(3, np.float32)}, [np.zeros(3), np.zeros(3)]])
def test_leaves_of_another_tree_are_refused(like: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        tree_from_leaves(named_leaves({"w": np.zeros(3)}), like)
