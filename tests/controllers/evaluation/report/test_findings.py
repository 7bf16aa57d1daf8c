import math
from typing import Any

from mothsim.controllers.evaluation.report.findings import findings


def flown(controller: str, weights: int | None, helped: str, errors: list[float], **other: Any) -> list[dict[str, Any]]:
    """Flights of a controller on the sum of primes, one a start."""
    return [
        {"controller": controller, "weights": weights, "help": helped, "task": "sum-of-primes",
         "perturbation": "nominal", "start": start, "lost": math.isinf(error), "recovered": None,
         "rms_error_cm": error, **other}
        for start, error in enumerate(errors)
    ]  # fmt: skip


def test_every_reader_is_told_with_intervals() -> None:
    calm = [
        *flown("lqr", None, "", [0.002, 0.002, 0.002]),
        *flown("alone-6", 6, "nothing", [0.004, 0.004, 0.004]),
        *flown("alone-4", 4, "nothing", [0.004, math.inf, 0.004]),
        *flown("compact", 260, "LQR, engine", [0.003, 0.003, 0.003]),
    ]
    rough = [
        *flown("lqr", None, "", [math.inf] * 3, perturbation="delay 20 ms"),
        *flown("alone-6", 6, "nothing", [0.01, math.inf, 0.01], perturbation="delay 20 ms"),
    ]
    science, control, robots = findings([*calm, *rough])
    assert science == (
        "For neuroscientists: the fewest connections that lose no flight in the task are: alone, 6 (alone-6), "
        "0 of 3 lost (0 to 63 %); with the guidance of LQR and the engine, 260 (compact), 0 of 3 lost (0 to 63 %)."
    )
    assert "LQR 0.0020 cm (0.0020 to 0.0020); the best network alone (alone-6) 0.0040 cm" in control
    assert "2 times LQR's (2 to 2)" in control
    assert "alone-6 1 of 3 failed (1.7 to 86 %); lqr 3 of 3 failed (37 to 100 %)" in robots


def test_nothing_flown_is_nothing_found() -> None:
    assert findings([]) == []
    lost = flown("alone-4", 4, "nothing", [math.inf])
    assert "every network loses flights" in findings(lost)[0]
