"""Weights of the fast scheme: Lobatto nodes for smooth motion, exponentially fitted nodes for the first instant.

A step's nodes are `c_0 = 0 < c_1 < ... < c_n = 1`. Every table is a matrix over nodes, made from a basis of
functions and exact for each of them, which is checked as it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

Function = Callable[[np.ndarray], np.ndarray]

_POINTS, _POINT_WEIGHTS = legendre.leggauss(64)


def convolve(kernel: Function, f: Function) -> Function:
    """`x -> integral from 0 to x of kernel(x - s) f(s) ds`, by Gauss's rule: to rounding for smooth functions."""

    def image(x):
        s = np.multiply.outer(x, (_POINTS + 1) / 2)
        return (kernel(np.asarray(x)[..., None] - s) * f(s)) @ _POINT_WEIGHTS * (x / 2)

    return image


def weights(nodes: np.ndarray, basis: Sequence[Function], images: Sequence[Function]) -> np.ndarray:
    """`W[i, j]` such that a linear map that turns `basis` into `images` is, at node i, `sum_j W[i, j] f(c_j)`."""
    values = np.array([f(nodes) for f in basis])
    wanted = np.array([g(nodes) for g in images])
    table = np.ascontiguousarray(np.linalg.solve(values, wanted).T)
    assert np.allclose(table @ values.T, wanted.T, rtol=1e-9, atol=1e-11), "the basis does not determine the weights"
    return table


def growing(nodes: np.ndarray, basis: Sequence[Function], images: Sequence[Function]) -> np.ndarray:
    """Lower triangular weights: row i uses nodes 0 to i, exactly for as many functions of the basis."""
    table = np.zeros((len(nodes), len(nodes)))
    for i in range(len(nodes)):
        table[i, : i + 1] = weights(nodes[: i + 1], basis[: i + 1], images[: i + 1])[i]
    return table


def monomials(count: int) -> list[Function]:
    """`x^p` for p below `count`."""
    return [lambda x, p=p: np.asarray(x, dtype=float) ** p for p in range(count)]


def slopes(count: int) -> list[Function]:
    """Derivatives of `monomials`."""
    return [lambda x, p=p: p * np.asarray(x, dtype=float) ** max(p - 1, 0) for p in range(count)]


def one(x: np.ndarray) -> np.ndarray:
    """Ones, the constant function."""
    return np.ones_like(x)


def lobatto_nodes(degree: int) -> np.ndarray:
    """The `degree + 1` Lobatto nodes on [0, 1]: the ends, and the extrema of the Legendre polynomial between."""
    interior = legendre.Legendre.basis(degree).deriv().roots().real
    return np.concatenate([[0.0], (np.sort(interior) + 1) / 2, [1.0]])


def from_before(nodes: np.ndarray, degree: int) -> np.ndarray:
    """Strictly lower triangular: at node i the polynomial through (at most `degree + 1`) nodes before it."""
    table = np.zeros((len(nodes), len(nodes)))
    for i in range(1, len(nodes)):
        first = max(0, i - 1 - degree)
        powers = np.arange(i - first)
        table[i, first:i] = np.linalg.solve((nodes[first:i, None] ** powers).T, nodes[i] ** powers)
    return table


def backward_slope(nodes: np.ndarray) -> np.ndarray:
    """Lower triangular: slope at node i of the parabola through it and the two nodes before."""
    table = np.zeros((len(nodes), len(nodes)))
    for i in range(1, len(nodes)):
        first = max(0, i - 2)
        count = i + 1 - first
        table[i, first : i + 1] = weights(nodes[first : i + 1], monomials(count), slopes(count))[-1]
    return table


class StepTables(NamedTuple):
    """Collocation on Lobatto nodes."""

    nodes: np.ndarray
    first: np.ndarray  # integrals, first sweep: lower triangular
    full: np.ndarray  # integrals, later sweeps
    guess: np.ndarray  # extrapolation from the nodes before
    slope_first: np.ndarray
    slope: np.ndarray
    stiffness: np.ndarray  # (n+1,), 1 / diagonal of the inverse of `slope`
    double: np.ndarray  # (n+1,), double integral over the step
    top: np.ndarray  # (2, n+1), highest two Legendre coefficients


def step_tables(degree: int, guess: int) -> StepTables:
    """Tables of a step with polynomials of a degree, and a first guess from the nodes up to number `guess`."""
    nodes = lobatto_nodes(degree)
    n = degree + 1
    basis = monomials(n)
    integrals = [convolve(one, f) for f in basis]
    slope = weights(nodes, basis, slopes(n))
    return StepTables(
        nodes,
        growing(nodes, basis, integrals),
        weights(nodes, basis, integrals),
        from_before(nodes, guess),
        backward_slope(nodes),
        slope,
        np.concatenate([[np.inf], 1 / np.diag(np.linalg.inv(slope[1:, 1:]))]),
        weights(nodes, basis, [convolve(lambda x: x, f) for f in basis])[-1],
        np.ascontiguousarray(np.linalg.inv(legendre.legvander(2 * nodes - 1, degree))[-2:]),
    )


class LayerTables(NamedTuple):
    """Nodes and quadrature weights of the exponential layer, in units of its length; `length` in relaxation times."""

    length: float
    nodes: np.ndarray
    first: np.ndarray
    full: np.ndarray
    guess: np.ndarray
    relax_first: np.ndarray  # convolution with exp(-z(x - s))
    relax: np.ndarray
    decay: np.ndarray
    double: np.ndarray


def layer_tables(times: Sequence[float], order: Sequence[int] = (0, 3, 1, 4, 2)) -> LayerTables:
    """Tables of a layer with nodes at `times` (relaxation times), by a basis of 1, x, x^2, e^(-zx), zx e^(-zx)."""
    z = times[-1]
    nodes = np.array(times) / z
    functions = [*monomials(3), lambda x: np.exp(-z * x), lambda x: z * x * np.exp(-z * x)]
    basis = [functions[i] for i in order]
    integrals = [convolve(one, f) for f in basis]
    relaxations = [convolve(lambda x: np.exp(-z * x), f) for f in basis]
    return LayerTables(
        z,
        nodes,
        growing(nodes, basis, integrals),
        weights(nodes, basis, integrals),
        from_before(nodes, 0),
        growing(nodes, basis, relaxations),
        weights(nodes, basis, relaxations),
        np.exp(-z * nodes),
        weights(nodes, basis, [convolve(lambda x: x, f) for f in basis])[-1],
    )


STEP = step_tables(7, 2)
LAYER = layer_tables((0, 0.5, 1.5, 4, 10.0))
