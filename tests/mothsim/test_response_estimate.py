"""The estimate of the response, against a known response to random outputs."""

import numpy as np
import pytest

from mothsim.response_estimate import LAGS, estimate_response, no_record

GAINS = np.array([56.0, 37.0])  # cm/s


def follow(true: np.ndarray, scale: float = 1.0, decisions: int = 200) -> np.ndarray:
    """Estimates (N, 2, 4) after random outputs, to which velocities respond as `true`."""
    rng, moths = np.random.default_rng(0), len(true)
    asked = scale * np.cumsum(rng.normal(size=(LAGS + 1 + decisions, moths, 2)), axis=0)
    velocity, record = np.zeros((moths, 2)), no_record(np.zeros((moths, 2)))
    drift = scale * rng.normal(size=(moths, 2))  # such as gravity along a tilted body
    for last in range(LAGS, LAGS + decisions):
        outputs = asked[last - LAGS : last + 1][::-1].transpose(1, 0, 2)
        velocity = velocity + drift + GAINS * np.einsum("nak,nka->na", true, outputs[:, :LAGS])
        estimate, record = estimate_response(velocity, outputs, record)
    return estimate.reshape(true.shape)


@pytest.mark.parametrize("scale", [1e-3, 1.0])
def test_delay_and_strength_of_the_response_are_found(scale: float) -> None:
    shares = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0.75, 0.25, 0], [0, 0, 0, 1.0]])
    true = shares[:, None] * np.array([1.0, 0.8])[:, None]
    np.testing.assert_allclose(follow(true, scale), true, atol=0.01)


def test_nothing_asked_is_no_response() -> None:
    estimate, _ = estimate_response(np.ones((3, 2)), np.zeros((3, LAGS + 1, 2)), no_record(np.zeros((3, 2))))
    assert (estimate == 0).all()


def test_a_moth_does_not_depend_on_the_others() -> None:
    rng = np.random.default_rng(2)
    outputs, velocity = rng.normal(size=(5, LAGS + 1, 2)), rng.normal(size=(5, 2))
    whole, _ = estimate_response(velocity, outputs, no_record(np.zeros((5, 2))))
    alone = [
        estimate_response(velocity[i : i + 1], outputs[i : i + 1], no_record(np.zeros((1, 2))))[0] for i in range(5)
    ]
    np.testing.assert_array_equal(whole, np.concatenate(alone))
