"""Will a network fly, and on which guidance? Read from its Jacobian at trim, in milliseconds, without flying.

One guided segment, network included, is a map of the state (and of the guidance's integral). Linearised about
trim, its spectral radius says whether deviations die out, and its fixed point where the moth would hover. An error
in a network's slope is an error in the feedback's gain, and the harder a law pulls the more it matters: so a network
of too large a radius is flown by a gentler law, if one has a small enough radius with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mothsim.actuation import to_components
from mothsim.body import MothBody
from mothsim.controllers.guidance.lq_tracking import Guidance
from mothsim.controllers.guidance.lqr_weights import LQRWeights, quadratic_costs
from mothsim.controllers.networks.network import CONTROLS, Network
from mothsim.controllers.networks.network_inputs import network_inputs
from mothsim.solver.propagate import SEGMENT
from mothsim.trim import Linearisation, Trim, find_trim, linearise

Array = NDArray[np.floating]

STABLE_BELOW = 1.1
"""Networks of a smaller spectral radius have flown; those above 1.7 were lost; between lie limit cycles."""
SETTLED_BELOW = 0.95
"""Spectral radius up to which a network is flown by the usual guidance; the guidance's own is 0.905."""
CONTROL_COST_SCALES = (1.0, 0.6, 0.35, 0.2, 0.1)
"""Times the control that a law counts as one: the smaller, the dearer is control and the gentler the law."""
_POSE = np.eye(8)[:4]


@dataclass(frozen=True)
class ClosedLoopStability:
    """What the linearised guided segment says of a network.

    Attributes:
        spectral_radius: of one segment, integral action included; below one, deviations die out.
        offset: distance from the target at which the moth would hover without integral action, cm.
    """

    spectral_radius: float
    offset: float

    @property
    def stable(self) -> bool:
        """Whether networks like it have flown."""
        return self.spectral_radius < STABLE_BELOW


def closed_loop_stability(
    network: Network,
    guidance: Guidance | LQRWeights | None = None,
    *,
    body: MothBody | None = None,
    angle: float = np.pi / 2,
) -> ClosedLoopStability:
    """Spectral radius and offset of the guided segment about trim.

    Args:
        network: the inverse model.
        guidance: or its weights; by default the default ones.
        body: by default Zahn et al.'s.
        angle: body angle of the hover, rad.

    Raises:
        ValueError: the body has no trim at that angle.
    """
    weights = guidance.weights if isinstance(guidance, Guidance) else guidance or LQRWeights()
    trim, linear = _segment(body or MothBody(), angle)
    a, b = linear.a, linear.b[:, :CONTROLS]
    feedback = quadratic_costs(linear, weights, CONTROLS).feedback
    by_state, by_pose, control = _network_slopes(network, trim.state)
    shift = np.zeros((8, 2))
    shift[:2] = np.eye(2)

    # The pose asked for is the one that the guidance's own control would reach: w = pose(a s - b K (s + shift z)).
    direct = a + b @ by_state + b @ by_pose @ _POSE @ (a - b @ feedback)
    through_integral = -b @ by_pose @ _POSE @ b @ feedback @ shift
    gain = weights.integral * SEGMENT
    closed = np.block([
        [direct + gain * through_integral @ shift.T, through_integral],
        [gain * shift.T, np.eye(2)],
    ])  # fmt: skip
    if weights.integral == 0:
        closed = closed[:8, :8]
    bias = b @ (control - to_components(trim.control)[:CONTROLS])
    rest = np.linalg.solve(np.eye(8) - direct, bias)
    return ClosedLoopStability(float(np.abs(np.linalg.eigvals(closed)).max()), float(np.hypot(rest[0], rest[1])))


def select_lqr_weights(network: Network, body: MothBody, angle: float = np.pi / 2) -> LQRWeights:
    """The usual weights of the guidance, or the first gentler ones under which the network settles.

    Where none of `CONTROL_COST_SCALES` brings the spectral radius below `SETTLED_BELOW`, the least gentle of those that
    bring it lowest, to a hundredth.

    Args:
        network: the inverse model.
        body: that the guidance is told of.
        angle: body angle of the hover, rad.

    Raises:
        ValueError: the body has no trim at that angle.
    """
    usual, tried, radii = LQRWeights(), [], []
    for scale in CONTROL_COST_SCALES:
        weights = replace(usual, thrust=scale * usual.thrust, lift=scale * usual.lift, torque=scale * usual.torque)
        tried.append(weights)
        radii.append(closed_loop_stability(network, weights, body=body, angle=angle).spectral_radius)
        if radii[-1] < SETTLED_BELOW:
            return weights
    return next(weights for weights, radius in zip(tried, radii, strict=True) if radius <= 1.01 * min(radii))


@lru_cache(maxsize=64)
def _segment(body: MothBody, angle: float) -> tuple[Trim, Linearisation]:
    trim = find_trim(body, angle)
    return trim, linearise(body, trim)


def _network_slopes(network: Network, state: Array) -> tuple[Array, Array, Array]:
    """Slopes of the control by state (3, 8) and by pose (3, 4), and the control (3,), where the pose is the state's."""
    scaling = network.scaling
    span, out = scaling.input_max - scaling.input_min, scaling.output_max - scaling.output_min
    hidden = (network_inputs(state[None], state[None, :4])[0] - scaling.input_min) / span - 0.5
    slopes = np.diag(1 / span)
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        hidden = np.tanh(hidden @ weight.astype(np.float64) + bias)
        slopes = (slopes @ weight.astype(np.float64)) * (1 - hidden**2)
    last = network.weights[-1].astype(np.float64)
    value = ((hidden @ last + network.biases[-1] + 0.5) * out + scaling.output_min)[:CONTROLS]
    slopes = ((slopes @ last) * out)[:, :CONTROLS].T
    # Columns of the inputs: phi_0, theta_0, x_f - x_0, y_f - y_0, phi_f, theta_f, xdot_0, ydot_0, phidot_0, thetadot_0.
    by_state = np.stack([-slopes[:, 2], -slopes[:, 3], *slopes[:, [1, 0, 6, 7, 9, 8]].T], axis=1)
    by_pose = slopes[:, [2, 3, 5, 4]]
    return by_state, by_pose, value
