from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mothsim.controllers.learning.pruning import METHODS, EffectiveConnectivity, effective_connectivity, effective_masks

FIRST = np.array([[1.0, -4.0], [3.0, -2.0]])
MIDDLE = np.array([[10.0, 0.5], [0.6, 0.7]])
LAST = np.array([[0.01], [0.02]])


def full(*weights: np.ndarray) -> list[np.ndarray]:
    return [np.ones(weight.shape, dtype=bool) for weight in weights]


def plain(name: str, weights: Sequence[np.ndarray], masks: Sequence[np.ndarray], percent: float) -> list[np.ndarray]:
    return METHODS[name](weights, masks, percent)


def jitted(name: str, weights: Sequence[np.ndarray], masks: Sequence[np.ndarray], percent: float) -> list[np.ndarray]:
    """The same masks compiled, with the count to keep as data, as an ensemble's second member."""
    keep = METHODS[name].keep([weight.size for weight in weights], percent)
    many: Any = [[jnp.stack([jnp.zeros_like(a), jnp.asarray(a)]) for a in part] for part in (weights, masks)]
    found = jax.jit(jax.vmap(METHODS[name].masks, in_axes=(0, 0, None)))(*many, jnp.asarray(keep))
    return [np.asarray(mask[1]) for mask in found]


both = pytest.mark.parametrize("prune", [plain, jitted])
Prune = Callable[[str, Sequence[np.ndarray], Sequence[np.ndarray], float], list[np.ndarray]]


@both
def test_layerwise_by_hand(prune: Prune) -> None:
    masks = prune("layerwise", [FIRST, LAST], full(FIRST, LAST), 50)
    assert masks[0].tolist() == [[False, True], [True, False]]
    assert masks[1].tolist() == [[False], [True]]


@both
@pytest.mark.parametrize(
    ("method", "left", "outputs"),
    [
        ("layerwise", [280, 11_200, 448, 8], [9, 8, 7, 6]),
        ("cutoff", [279, 11_199, 447, 7], [8, 7, 6, 5]),
        ("toolkit", [280, 11_200, 448, 8], [9, 8, 7, 6]),
    ],
)
def test_counts_of_zahn_et_al(prune: Prune, method: str, left: list[int], outputs: list[int]) -> None:
    """Their Keras files keep 280, 11200, 448, 8 of the layers at 93 %; their JAX program size - 1 - int(p size)."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape) for shape in ((10, 400), (400, 400), (400, 16), (16, 7))]
    assert [int(mask.sum()) for mask in prune(method, weights, full(*weights), 93)] == left
    last = [rng.standard_normal((16, 7))]
    assert [int(prune(method, last, full(*last), level)[0].sum()) for level in (92, 93, 94, 95)] == outputs


@both
def test_cutoff_by_hand(prune: Prune) -> None:
    """Ten weights of which the smallest four are gone; one of those was moved to 7.5 by what was left of its moments.

    At 60 % the cutoff is the seventh smallest, `[0, 0, 0, 0, 5, 6, 7, 8, 9, 10]`, 7: three stay, and one comes back.
    """
    weights = np.array([[1.0, -2.0, 7.5, 4.0, -5.0, 6.0, -7.0, 8.0, 9.0, -10.0]])
    mask = np.array([[False] * 4 + [True] * 6])
    assert prune("cutoff", [weights], [mask], 60)[0].tolist() == [
        [False, False, True, False, False, False, False, True, True, True]
    ]


@both
def test_toolkit_by_hand(prune: Prune) -> None:
    """Of four weights 37 % are 2.52 left, so three; what is gone stays gone."""
    assert prune("toolkit", [FIRST], full(FIRST), 37)[0].tolist() == [[False, True], [True, True]]
    gone = [np.array([[True, False], [True, True]])]
    assert prune("toolkit", [FIRST], gone, 50)[0].tolist() == [[False, False], [True, True]]


@both
@pytest.mark.parametrize("method", ["regrow", "manual"])
def test_weights_come_back_by_their_updated_values(prune: Prune, method: str) -> None:
    gone = [np.array([[True, True], [False, False]]), np.ones((2, 1), dtype=bool)]
    assert prune(method, [FIRST, LAST], gone, 50)[0].tolist() == [[False, True], [True, False]]
    assert prune("layerwise", [FIRST, LAST], gone, 50)[0].tolist() == [[True, True], [False, False]]


@both
@pytest.mark.parametrize("name", ["global", "gradual"])
def test_global_by_hand_leaves_the_outputs_alone(prune: Prune, name: str) -> None:
    masks = prune(name, [FIRST, MIDDLE, LAST], full(FIRST, MIDDLE, LAST), 50)
    assert masks[0].tolist() == [[False, True], [True, False]]
    assert masks[1].tolist() == [[True, False], [False, False]]
    assert masks[2].all()


@both
def test_no_layer_is_pruned_to_nothing(prune: Prune) -> None:
    masks = prune("global", [100 * FIRST, MIDDLE, LAST], full(FIRST, MIDDLE, LAST), 60)
    assert masks[0].tolist() == [[False, True], [False, False]]
    assert masks[1].tolist() == [[True, False], [False, False]]
    one = np.array([[0.5]])
    assert prune("layerwise", [one, one], full(one, one), 98)[0].tolist() == [[True]]


@both
@pytest.mark.parametrize(("name", "left"), [("layerwise", [40, 40, 8]), ("global", [67, 1, 20])])
def test_ties_do_not_change_the_count(prune: Prune, name: str, left: list[int]) -> None:
    weights = [np.ones((10, 10)), np.ones((10, 10)), np.ones((10, 2))]
    assert [int(mask.sum()) for mask in prune(name, weights, full(*weights), 60)] == left


@pytest.mark.parametrize("name", ["layerwise", "global", "gradual"])
def test_what_is_gone_stays_gone(name: str) -> None:
    rng = np.random.default_rng(1)
    weights = [rng.standard_normal(shape) for shape in ((10, 40), (40, 30), (30, 7))]
    masks = METHODS[name](weights, full(*weights), 40)
    later = METHODS[name](weights, masks, 70)
    assert all((after <= before).all() for before, after in zip(masks, later, strict=True))


def test_gradual_follows_the_cubic() -> None:
    gradual = METHODS["gradual"]
    assert [gradual.percent_at(0, 80, done) for done in (0, 0.375, 0.75, 1)] == [0, 70, 80, 80]
    assert METHODS["global"].percent_at(0, 80, 0) == 80


def test_nothing_left_is_refused() -> None:
    weights = [np.ones((10, 10)), np.ones((10, 7))]
    with pytest.raises(ValueError, match=r"percent = 99\.9"):
        METHODS["global"](weights, full(*weights), 99.9)


def test_live_paths_by_hand() -> None:
    # Input 0 - node 0 - output 0 lives; node 1 has no input; node 2 leads nowhere; output 1 has only node 1.
    first = np.array([[1, 0, 1], [0, 0, 0]], dtype=bool)
    second = np.array([[1, 0], [0, 1], [0, 0]], dtype=bool)
    live = effective_masks([first, second])
    assert live[0].tolist() == [[True, False, False], [False, False, False]]
    assert live[1].tolist() == [[True, False], [False, False], [False, False]]
    assert effective_connectivity([first, second]) == EffectiveConnectivity(
        weights=4, live=2, paths=1, constant_units=1, dead_end_units=1, dead_outputs=(1,), lost_inputs=(1,)
    )
    assert effective_connectivity(full(FIRST, MIDDLE, LAST)) == EffectiveConnectivity(10, 10, 8, 0, 0, (), ())
    assert effective_connectivity([np.zeros((2, 2), dtype=bool), LAST > 0]) == EffectiveConnectivity(
        2, 0, 0, 2, 0, (0,), (0, 1)
    )
