"""Wiring diagrams of policies: what is sensed stands left, what is done right."""

import pytest

from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policies.policy_wiring import draw_wiring


def test_a_diagram_names_what_is_sensed_and_done_with_its_gain() -> None:
    network = find_network("alone-6")
    axes = draw_wiring({"six": network}).axes[0]
    labels = [text.get_text() for text in axes.texts]
    assert axes.get_title() == "six: 6 connections"
    assert len(labels) == 9  # six senses, three outputs
    gain = network.weights[0][0, 0] * 7500 / 1.0  # dyn to a unit of the output, cm to one of what is sensed
    assert f"target - joint, along\n{round(gain, -2):+,.0f} dyn/cm" in labels


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="network 'fewest' is of the kind 'inverse-model': expected a policy"):
        draw_wiring({"fewest": find_network("fewest")})
    with pytest.raises(ValueError, match="networks: expected one or more"):
        draw_wiring({})
