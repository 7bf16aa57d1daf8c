"""Closed-loop stability of a network under guidance, from its Jacobian at trim: milliseconds, without a flight.

One guided segment, network included, maps the state (and the guidance's integral) to the next. Of this map,
linearised about trim, a spectral radius below one means that deviations decay, and the fixed point is where the moth
would hover. An error in a network's Jacobian acts as an error in the feedback gain, and the higher the gain the more
it matters: so where the radius is too large, guidance with a higher cost of control, that is a lower gain, is tried.
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
"""Spectral radius below which networks have flown; above 1.7 they were lost, in between are limit cycles."""
SETTLED_BELOW = 0.95
"""Spectral radius below which weights of the guidance are accepted; without a network the guidance has 0.905."""
CONTROL_COST_SCALES = (1.0, 0.6, 0.35, 0.2, 0.1)
"""Factors on the control deviations of `LQRWeights`: a smaller one means a higher cost of control and a lower gain."""
_SINGULAR = 1e-12
"""Ratio of the smallest to the largest singular value below which there is no fixed point; 1e-5 and more in flight."""
_POSE = np.eye(8)[:4]


@dataclass(frozen=True)
class ClosedLoopStability:
    """Stability of the linearised guided segment.

    Attributes:
        spectral_radius: of one segment, integral action included; below one, deviations decay. Infinite where the
            network's Jacobian overflows.
        offset: distance from the target at which the moth would hover without integral action, cm. Infinite where it
            would hover nowhere in particular, as with a network whose controls do not depend on its inputs.
    """

    spectral_radius: float
    offset: float

    @property
    def stable(self) -> bool:
        """Whether networks of such a radius have flown; never without a finite offset."""
        return bool(self.spectral_radius < STABLE_BELOW and np.isfinite(self.offset))


def closed_loop_stability(
    network: Network,
    guidance: Guidance | LQRWeights | None = None,
    *,
    body: MothBody | None = None,
    angle: float = np.pi / 2,
) -> ClosedLoopStability:
    """Compute the spectral radius and the offset of the guided segment about trim.

    Args:
        network: the inverse model.
        guidance: the guidance or its weights; by default the default weights.
        body: by default Zahn et al.'s.
        angle: body angle of the hover, rad.

    Raises:
        ValueError: the body has no trim at that angle.
    """
    weights = guidance.weights if isinstance(guidance, Guidance) else guidance or LQRWeights()
    trim, linear = linear_segment(body or MothBody(), angle)
    a, b = linear.a, linear.b[:, :CONTROLS]
    feedback = quadratic_costs(linear, weights, CONTROLS).feedback
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite Jacobian is an infinite radius
        by_state, by_pose, control = network_slopes(network, trim.state)
    shift = np.zeros((8, 2))
    shift[:2] = np.eye(2)

    # The pose to reach is the one that the guidance's own control would reach: w = pose(a s - b K (s + shift z)).
    direct = a + b @ by_state + b @ by_pose @ _POSE @ (a - b @ feedback)
    through_integral = -b @ by_pose @ _POSE @ b @ feedback @ shift
    gain = weights.integral * SEGMENT
    closed = np.block([
        [direct + gain * through_integral @ shift.T, through_integral],
        [gain * shift.T, np.eye(2)],
    ])  # fmt: skip
    if weights.integral == 0:
        closed = closed[:8, :8]
    if not np.isfinite(closed).all():
        return ClosedLoopStability(np.inf, np.inf)
    bias = b @ (control - to_components(trim.control)[:CONTROLS])
    radius = float(np.abs(np.linalg.eigvals(closed)).max())
    return ClosedLoopStability(radius, _offset(np.eye(8) - direct, bias, weights))


def _offset(matrix: Array, bias: Array, weights: LQRWeights) -> float:
    """Return the distance (cm) from the origin of the solution of `matrix x = bias`, infinite where it is singular."""
    units = np.repeat([weights.position, weights.angle, weights.velocity, weights.rate], 2)
    if not np.isfinite(bias).all() or np.linalg.matrix_rank(matrix * units / units[:, None], rtol=_SINGULAR) < 8:
        return np.inf
    rest = np.linalg.solve(matrix, bias)
    return float(np.hypot(rest[0], rest[1]))


def select_lqr_weights(network: Network, body: MothBody, angle: float = np.pi / 2) -> LQRWeights:
    """Select the default weights of the guidance, or the first with a higher cost of control that settle the network.

    Where none of `CONTROL_COST_SCALES` brings the spectral radius below `SETTLED_BELOW`, the lowest cost of control is
    selected whose radius is within 1 % of the smallest.

    Args:
        network: the inverse model.
        body: that the guidance assumes.
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
def linear_segment(body: MothBody, angle: float) -> tuple[Trim, Linearisation]:
    """Trim at a body angle (rad), and the segment's linearisation about it."""
    trim = find_trim(body, angle)
    return trim, linearise(body, trim)


def network_slopes(network: Network, state: Array) -> tuple[Array, Array, Array]:
    """Return the Jacobians of the control by state (3, 8) and by pose (3, 4), and the control (3,), at the own pose."""
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
