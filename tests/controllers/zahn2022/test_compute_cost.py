from pathlib import Path

from mothsim.controllers.zahn2022.compute_cost import ComputeCost, compute_cost
from mothsim.controllers.zahn2022.pruning_study import run
from mothsim.controllers.zahn2022.study_files import StudySettings


def test_a_study_s_operations_and_traffic_by_hand(tmp_path: Path) -> None:
    settings = StudySettings("cosine", "global", (4, 2), (50,), 1000, networks=2, step_scale=0.01)
    run(settings, tmp_path)
    weights, steps = 10 * 4 + 4 * 2 + 2 * 7, 2 * (400 + 100)  # of two networks, in whole chunks of 100
    assert compute_cost({tmp_path: settings}) == ComputeCost(6 * 256 * weights * steps, 32 * weights * steps)


def test_beside_a_known_card_shares_are_said() -> None:
    work = ComputeCost(67e12, 2.4e12)
    assert work.report(2.0, "NVIDIA H200") == (
        "33,500.0 GFLOP/s (50% of the card's), 1,200.0 GB/s (25% of the card's) on NVIDIA H200 over 2 s, all included"
    )
    assert work.report(2.0, "cpu") == "33,500.0 GFLOP/s, 1,200.0 GB/s on cpu over 2 s, all included"
    assert (ComputeCost(3, 2) - ComputeCost(1, 1)) == ComputeCost(2, 1)


def test_nothing_trained_is_no_work(tmp_path: Path) -> None:
    assert compute_cost({tmp_path: StudySettings()}) == ComputeCost(0, 0)
