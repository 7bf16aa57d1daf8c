"""Trees of arrays, such as an optimiser's state, as the named arrays of a file."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

_LEAF = "leaf."


def named_leaves(tree: Any) -> dict[str, NDArray]:
    """The arrays of a tree, each under a name that tells where it belongs."""
    return {f"{_LEAF}{i:03d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


def tree_from_leaves(tensors: dict[str, NDArray], like: Any) -> Any:
    """The tree whose `named_leaves` are among the arrays of a file.

    Args:
        tensors: of the file, which may hold others beside.
        like: a tree of the same structure, with arrays of the same shapes and types.

    Raises:
        ValueError: it has other arrays.
    """
    leaves = [tensors[name] for name in sorted(tensors) if name.startswith(_LEAF)]
    kinds, expected = ([(e.shape, e.dtype) for e in map(np.asarray, some)] for some in (leaves, jax.tree.leaves(like)))
    if kinds != expected:
        raise ValueError(f"leaves are of {kinds}: expected {expected}")
    return jax.tree.unflatten(jax.tree.structure(like), leaves)
