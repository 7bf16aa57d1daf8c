"""Pairs are made by undisturbed flights alone, and their ratios and verdicts are those that a hand finds."""

import math

import pytest

from mothsim.controllers.evaluation.robustness import compare, compare_at_equal_error, compare_at_equal_size


def network(family: str, run: str, calm: float, rough: list[float], *, level: float = 0.0, weights: int = 100, **more):
    """Rows of one network's flights from three starts: undisturbed all alike, under gusts as given."""
    row = {"controller": f"{family}-{run}-{level:g}-{weights}", "family": family, "run": run, "level": level,
           "weights": weights, "dead_controls": 0, "task": "sum-of-primes", "recovered": None, **more}  # fmt: skip
    return [
        {**row, "perturbation": perturbation, "start": start, "lost": math.isinf(error), "rms_error_cm": error}
        for perturbation, errors in (("nominal", [calm] * 3), ("gusts", rough))
        for start, error in enumerate(errors)
    ]


def found(rows: list[dict], pairing: str, perturbation: str = "gusts", family: str = "all sparse") -> list[dict]:
    return [
        r for r in compare(rows) if (r["pairing"], r["perturbation"], r["family"]) == (pairing, perturbation, family)
    ]


def test_the_dense_one_of_the_same_seed() -> None:
    rows = network("dense", "0", 1.0, [1.0, 1.0, 2.0]) + network("dense", "1", 1.0, [4.0] * 3)
    rows += network("global", "0", 9.0, [2.0] * 3, level=90.0) + network("global", "1", 9.0, [2.0] * 3, level=90.0)
    rows += network("global", "7", 9.0, [50.0] * 3, level=90.0)  # of no dense network here
    (row,) = found(rows, "same seed", family="global")
    assert row["pairs"] == 2
    assert row["ratio"] == pytest.approx(1.0)  # of 2 and of a half
    assert row["ratio_low"] == pytest.approx(0.5)
    assert row["ratio_high"] == pytest.approx(2.0)


def test_equal_error_is_the_nearest_undisturbed_and_nobody_is_in_two_pairs() -> None:
    sparse = network("global", "0", 1.0, [3.0] * 3, level=98.0) + network("global", "1", 1.1, [3.0] * 3, level=98.0)
    sparse += network("layerwise", "0", 50.0, [3.0] * 3, level=93.0)  # nobody is as bad
    dense = network("small", "0", 1.05, [1.0] * 3) + network("dense", "0", 1.2, [6.0] * 3, weights=330_512)
    dense += network("small", "2", 0.6, [1.0] * 3, weights=90)
    (row,) = found(sparse + dense, "equal error")
    # 1.0 goes with 1.05 and 1.1 with 1.2, not both with 1.05.
    assert row["pairs"] == 2
    assert row["ratio"] == pytest.approx((3.0 * 0.5) ** 0.5)
    (calm,) = found(sparse + dense, "equal error", "nominal")
    assert calm["ratio"] == pytest.approx((1.0 / 1.05 * 1.1 / 1.2) ** 0.5)
    changed = [{**row, "rms_error_cm": 0.1} if row["perturbation"] == "gusts" else row for row in sparse + dense]
    assert found(changed, "equal error", "nominal") == [calm]  # disturbed flights settle nothing


def test_those_not_flown_disturbed_are_in_no_pair_of_equal_error() -> None:
    sparse, dense = network("global", "0", 1.0, [3.0] * 3, level=98.0), network("small", "0", 1.0, [1.0] * 3)
    calm = [row for row in dense if row["perturbation"] == "nominal"]
    assert found(sparse + calm, "equal error", "nominal") == []
    assert len(found(sparse + calm, "equal weights", "nominal")) == 1


def test_equal_weights() -> None:
    sparse = network("global", "0", 1.0, [3.0] * 3, level=98.0, weights=100)
    dense = network("small", "0", 1.0, [1.5] * 3, weights=104) + network("small", "0", 1.0, [9.0] * 3, weights=120)
    (row,) = found(sparse + dense, "equal weights")
    assert row["ratio"] == pytest.approx(2.0)
    (sentence,) = compare_at_equal_size(compare(sparse + dense))
    assert "no difference is shown. In pairs of equal weights (1)" in sentence
    (sentence,) = compare_at_equal_size(compare(network("global", "0", 1.3, [3.0] * 3, level=98.0) + dense))
    assert sentence.startswith("sum-of-primes: sparsity hurts")


def test_a_lost_flight_is_as_far_off_as_where_it_was_lost() -> None:
    sparse = network("global", "0", 1.0, [math.inf, math.inf, 1.0], level=98.0)
    dense = network("small", "0", 1.0, [2.0, 2.0, math.inf])
    (row,) = found(sparse + dense, "equal error")
    assert row["ratio"] == pytest.approx(20.0 / 2.0)
    assert row["sparse_failed"] == pytest.approx(2 / 3)
    assert row["failed_more"] == pytest.approx(1 / 3)
    back = network("global", "0", 1.0, [1.0] * 3, level=98.0, task="recover", recovered=False)
    back += network("small", "0", 1.0, [1.0] * 3, task="recover", recovered=True)
    (row,) = found(back, "equal error")
    assert row["failed_more"] == row["failed_more_low"] == 1.0


def test_where_both_always_or_never_fail_nothing_is_compared() -> None:
    """Of two perturbations one loses every flight: the means are those of the other alone."""

    def two(rows: list[dict]) -> list[dict]:
        lost = [{**row, "perturbation": "delay", "rms_error_cm": math.inf, "lost": True} for row in rows
                if row["perturbation"] == "gusts"]  # fmt: skip
        return rows + lost

    rows = [row for run in "0123" for row in two(network("global", run, 1.0, [3.0, 3.0, math.inf], level=98.0))]
    rows += [row for run in "0123" for row in two(network("small", run, 1.0, [1.0] * 3))]
    (delay,), (gusts,), (both,) = (found(rows, "equal error", name) for name in ("delay", "gusts", "disturbed"))
    assert (delay["ratio"], delay["failed_more"], delay["sparse_failed"]) == (None, None, 1.0)
    assert (delay["always_failed"], gusts["always_failed"], both["always_failed"]) == (4, 0, 4)
    assert both["ratio"] == gusts["ratio"] == pytest.approx(3.0)
    assert both["failed_more"] == gusts["failed_more"] == pytest.approx(1 / 3)
    (calm,) = found(rows, "equal error", "nominal")
    assert (calm["never_failed"], calm["failed_more"]) == (4, None)
    (sentence,) = compare_at_equal_error(compare(rows))
    assert "Left out, as both networks of every pair always are lost: delay." in sentence
    assert "3.00 times that of the dense one" in sentence
    lost = [row for row in rows if row["perturbation"] != "gusts"]
    (sentence,) = compare_at_equal_error(compare(lost))
    assert sentence.startswith("sum-of-primes: no difference is shown.")
    assert "nothing to compare" in sentence


@pytest.mark.parametrize(
    ("rough", "expected"), [(6.0, "sparsity hurts"), (1.0, "sparsity helps"), (2.0, "no difference")]
)
def test_the_verdict_is_that_of_the_interval(rough: float, expected: str) -> None:
    rows = []
    for run in "0123":
        rows += network("global", run, 1.0, [rough] * 3, level=98.0) + network("small", run, 1.0, [2.0] * 3)
    (sentence,) = compare_at_equal_error(compare(rows))
    assert sentence.startswith(f"sum-of-primes: {expected}")
    assert "undisturbed (4, ratio 1.00)" in sentence
    assert compare_at_equal_error(compare([row for row in rows if row["perturbation"] == "nominal"])) == []
