"""Wiring diagrams of policies: what is sensed stands left, what is done right."""

import pytest

from mothsim.controllers.networks.storage import find_network
from mothsim.controllers.policies.policy_wiring import draw_wiring


def test_a_diagram_names_what_is_sensed_and_done_with_its_gain() -> None:
    axes = draw_wiring({"six": find_network("alone-6")}).axes[0]
    labels = [text.get_text() for text in axes.texts]
    assert axes.get_title() == "six: 6 connections"
    assert len(labels) == 9  # six senses, three outputs
    assert "target - joint, along\n+5,500 dyn/cm" in labels


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="network 'fewest' is of the kind 'inverse-model': expected a policy"):
        draw_wiring({"fewest": find_network("fewest")})
    with pytest.raises(ValueError, match="networks: expected one or more"):
        draw_wiring({})
