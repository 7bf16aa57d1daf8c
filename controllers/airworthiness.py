"""Will a network fly? Read from its Jacobian at trim, in milliseconds, without flying.

One guided segment, network included, is a map of the state (and of the guidance's integral). Linearised about
trim, its spectral radius says whether deviations die out, and its fixed point where the moth would hover.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from controllers.guidance import Guidance
from controllers.inverse_model import network_inputs
from controllers.learning.network import CONTROLS, Network
from controllers.weights import Weights, quadratic_costs
from mothsim.actuation import to_components
from mothsim.body import MothBody
from mothsim.integrator import SEGMENT
from mothsim.trim import find_trim, linearise

Array = NDArray[np.floating]

AIRWORTHY_BELOW = 1.1
"""Networks of a smaller spectral radius have flown; those above 1.7 were lost; between lie limit cycles."""
_POSE = np.eye(8)[:4]


@dataclass(frozen=True)
class Airworthiness:
    """What the linearised guided segment says of a network.

    Attributes:
        spectral_radius: of one segment, integral action included; below one, deviations die out.
        offset: distance from the target at which the moth would hover without integral action, cm.
    """

    spectral_radius: float
    offset: float

    @property
    def airworthy(self) -> bool:
        """Whether networks like it have flown."""
        return self.spectral_radius < AIRWORTHY_BELOW


def airworthiness(
    network: Network,
    guidance: Guidance | Weights | None = None,
    *,
    body: MothBody | None = None,
    angle: float = np.pi / 2,
) -> Airworthiness:
    """Spectral radius and offset of the guided segment about trim.

    Args:
        network: the inverse model.
        guidance: or its weights; by default the default ones.
        body: by default Zahn et al.'s.
        angle: body angle of the hover, rad.

    Raises:
        ValueError: the body has no trim at that angle.
    """
    weights = guidance.weights if isinstance(guidance, Guidance) else guidance or Weights()
    body = body or MothBody()
    trim = find_trim(body, angle)
    linear = linearise(body, trim)
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
    return Airworthiness(float(np.abs(np.linalg.eigvals(closed)).max()), float(np.hypot(rest[0], rest[1])))


def _network_slopes(network: Network, state: Array) -> tuple[Array, Array, Array]:
    """Slopes of the control by state (3, 8) and by pose (3, 4), and the control (3,), where the pose is the state's."""
    with jax.enable_x64(True):
        inputs = jnp.asarray(network_inputs(state[None], state[None, :4])[0])
        scaling = network.scaling
        span = scaling.input_max - scaling.input_min
        out = scaling.output_max - scaling.output_min

        @jax.jit
        def slopes_and_value(x: jax.Array, weights: list[jax.Array], biases: list[jax.Array]):
            def control(x: jax.Array) -> tuple[jax.Array, jax.Array]:
                hidden = (x - scaling.input_min) / span - 0.5
                for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
                    hidden = jnp.tanh(hidden @ weight + bias)
                scaled = hidden @ weights[-1] + biases[-1]
                value = ((scaled + 0.5) * out + scaling.output_min)[:CONTROLS]
                return value, value

            return jax.jacfwd(control, has_aux=True)(x)

        weights = [jnp.asarray(weight, dtype=jnp.float64) for weight in network.weights]
        biases = [jnp.asarray(bias, dtype=jnp.float64) for bias in network.biases]
        slopes, value = map(np.asarray, slopes_and_value(inputs, weights, biases))
    # Columns of the inputs: phi_0, theta_0, x_f - x_0, y_f - y_0, phi_f, theta_f, xdot_0, ydot_0, phidot_0, thetadot_0.
    by_state = np.stack([-slopes[:, 2], -slopes[:, 3], *slopes[:, [1, 0, 6, 7, 9, 8]].T], axis=1)
    by_pose = slopes[:, [2, 3, 5, 4]]
    return by_state, by_pose, value
