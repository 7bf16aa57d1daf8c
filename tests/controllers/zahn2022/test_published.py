import math
from itertools import pairwise

import pytest

from mothsim.controllers.learning.protocols import HIDDEN, dense_with
from mothsim.controllers.zahn2022.loss_table import fewest_weights, last_passing, layer_table, median, share, summarise
from mothsim.controllers.zahn2022.published import compare
from mothsim.controllers.zahn2022.study_files import SMALLEST
from mothsim.segments import INPUTS, OUTPUTS

NAN = math.nan
LOSSES = {0: [1, 2, 9, 1], 1: [9, 3, 3, 3], 2: [1, 1, 1, NAN]}
ROWS = [
    {"network": network, "level": 10.0 * i, "loss": loss, "weights": 8 - i, "live": 7 - i}
    for network, losses in LOSSES.items()
    for i, loss in enumerate(losses)
]


def test_the_last_passing_level_is_the_sparsest_that_passes() -> None:
    assert last_passing(ROWS, 2) == {0: 30.0, 1: None, 2: 20.0}


def test_summary_by_hand() -> None:
    first, *_, last = summarise(ROWS, 2)
    assert (first["level"], first["networks"], first["weights"], first["loss"]) == (0, 3, 8, 1)
    assert (last["loss"], last["last_passing"]) == (3, 1)
    assert math.isnan(last["loss_low"])


def test_the_weights_of_layers_by_hand() -> None:
    """Of three networks two last pass at 93 %, with 7 and 9 of 112 weights: 8 on average, variance 2, 7.14 %."""
    rows = [row(i, 0, 1, layer_1=112) for i in range(3)]
    rows += [row(i, 93, loss, layer_1=left) for i, (loss, left) in enumerate(((1, 7), (1, 9), (3, 70)))]
    assert layer_table(rows, 93, 2) == [
        {"layer": 1, "dense": 112, "mean": 8, "variance": 2, "percent": 100 * 8 / 112, "networks": 2}
    ]
    assert layer_table(rows, 93, 0.5) == []


def test_the_fewest_weights_by_hand() -> None:
    """Of three networks one passes up to 5 weights, one never, one up to 6."""
    assert fewest_weights(ROWS, 2)[0] == 6
    assert fewest_weights([row for row in ROWS if row["network"] == 1], 2)[0] == math.inf


def test_intervals_by_hand() -> None:
    # Of eight, the second and the seventh enclose the median with 1 - 2 (1 + 8) / 2^8 = 93 %, the next with 71 %.
    assert median([8, 1, 7, 2, 6, 3, 5, 4]) == (4.5, 2, 7)
    assert median([1, 2, 3, 4, 5, 6, NAN, NAN])[2] == math.inf
    z = 1.6448536
    middle, half = (1 / 4 + z**2 / 8) / (1 + z**2 / 4), z / (1 + z**2 / 4) * math.sqrt(3 / 64 + z**2 / 64)
    assert share(1, 4) == pytest.approx((0.25, middle - half, middle + half))
    assert all(math.isnan(value) for value in share(0, 0))


def row(network: int, level: float, loss: float, **others: float) -> dict[str, float]:
    return {"network": network, "level": level, "loss": loss, **others}


def test_the_full_size_beside_the_paper() -> None:
    layers = dict(zip([f"layer_{i}" for i in range(1, 6)], (280, 11_199, 11_199, 447, 8), strict=True))
    whole = {f"layer_{i}": 200_000 for i in range(1, 6)}
    rows = [row(i, 0, 1e-4 * (i + 1), **whole) for i in range(4)]
    rows += [row(i, 93, loss, **layers, from_thetadot0=i) for i, loss in enumerate((9e-4, 9e-4, 9e-4, 2e-3))]
    rows += [row(i, 95, loss) for i, loss in enumerate((9e-4, 2e-3, 2e-3, 2e-3))]
    found = {finding.quantity: finding for finding in compare(HIDDEN, rows)}
    assert found["median loss of dense networks"].ours == pytest.approx(2.5e-4)
    at = found["share that last passes at 93 %"]
    assert (at.theirs, at.ours, at.networks) == (858 / 1320, 0.5, 4)
    assert found["share that last passes at 95 %"].ours == 0.25
    for i in range(1, 6):
        mean = found[f"mean weights of layer {i} of those that last pass at 93 %"]
        assert mean.theirs == mean.ours == mean.low == layers[f"layer_{i}"]
        assert mean.networks == 2
    variance = found["variance of weights of layer 1 of those that last pass at 93 %"]
    assert (variance.theirs, variance.ours) == (23, 0)
    without = found["of those that last pass at 93 %, share without thetadot0"]
    assert (without.ours, without.networks) == (0, 2)


def test_intervals_are_over_studies_where_there_are_several() -> None:
    """Of two studies with medians 1 and 3 the mean is 2, its standard error 1, and t at 95 % with one degree 6.3138."""
    rows = [row(i, 0, loss, seed=i // 5) for i, loss in enumerate([1] * 5 + [3] * 5)]
    [finding] = compare(HIDDEN, rows)
    assert (finding.networks, finding.studies) == (10, 2)
    assert (finding.low, finding.high) == pytest.approx((2 - 6.3138, 2 + 6.3138), abs=1e-3)


def test_other_sizes_beside_the_paper() -> None:
    rows = [row(0, level, loss) for level, loss in ((0, 2e-3), (65, 9e-4), (75, 2e-3))]
    [finding] = compare(SMALLEST, rows)
    assert (finding.theirs, finding.ours) == (65, 65)
    assert compare((100, 8), rows) == []


def test_a_dense_network_of_so_many_weights() -> None:
    assert dense_with(330_512) == HIDDEN
    for wanted in (33_051, 23_136, 6_610, 1_650, 650):
        sizes = (len(INPUTS), *dense_with(wanted), len(OUTPUTS))
        weights = sum(a * b for a, b in pairwise(sizes))
        assert weights == pytest.approx(wanted, rel=0.09)
    with pytest.raises(ValueError, match="weights = 100: expected 140 or more"):
        dense_with(100)
