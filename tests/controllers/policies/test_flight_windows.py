"""Windows of flights, flown by the policy that is trained on them."""

import numpy as np

from mothsim import MothBody
from mothsim.controllers.policies.flight_windows import fly_window
from mothsim.policy_interface import ENTRIES, PREVIEW
from mothsim.trim import find_trim

BODY = MothBody()


def test_a_load_is_flown_without_being_counted_on() -> None:
    """At the target and without outputs, a moth with a load falls, and one with a negative load rises."""
    weight, bias = np.zeros((len(ENTRIES), 3), np.float32), np.zeros(3, np.float32)
    starts, still = np.tile(find_trim(BODY).state, (3, 1)), np.zeros((3, 2 + PREVIEW[-1], 2))
    starts[:, :2] = 0
    flown = fly_window(((weight, bias),), starts, still, still, BODY, loads=np.array([0.5, 0.0, -0.5]))
    fallen = 0.5 * 0.5 * 981 * 0.02**2
    np.testing.assert_allclose(flown.states[-1, :, 1], [-fallen, 0, fallen], atol=0.02 * fallen)
