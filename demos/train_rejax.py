"""Learn to fly by PPO in JAX, environment and learner in one compiled program (needs the extra `mothsim[rejax]`).

Run `python -m mothsim.demos.train_rejax`: it trains rejax's PPO in `mothsim.envs.jax_track`, on whatever device JAX
finds, and prints its row beside LQR's. What it learnt is a policy that `mothsim fly --controller policy` flies.
"""

# pyright: reportMissingImports=false
# rejax is optional.

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import optax
from tqdm import tqdm

from mothsim.controllers.networks.storage import save_network
from mothsim.demos.cli.output import show_rows, wrote
from mothsim.demos.learnt_policy import COLUMNS, Layer, as_network, compared_row
from mothsim.demos.options import Count, Factor, Seed
from mothsim.demos.run import run
from mothsim.envs.jax_track import TrackJax
from mothsim.io import open_folder, write_atomically

_STEPS, _EPOCHS, _MINIBATCH = 64, 5, 512  # decisions of a moth before every update, and how these are learnt from
_DURATION = 20.0  # s of an episode, long since rejax takes the end of its time for a loss of all that would follow
_NOISE = -1.0  # logarithm of the first standard deviation of the actions


@dataclass
class TrainRejax:
    """Learn to fly by rejax's PPO, and compare what was learnt with LQR."""

    environment: Literal["Hover", "Track", "Recover"] = "Hover"
    """Which of the version 1 environments."""
    decisions: Count = 2_000_000
    """Decisions of all moths to learn from."""
    moths: Count = 64
    """Moths in the batch, a multiple of 8."""
    learning_rate: Factor = 1e-3
    """At first; it falls to zero along a line."""
    seed: Seed = 0
    """Seed of the training."""
    out: Path = Path("out/rejax")
    """Folder for policy.safetensors and result.json."""
    tests: Count = 100
    """Moths that fly each controller in the comparison, from starts that the training did not see."""

    def run(self) -> dict[str, Any]:
        """Train, compare, and write the policy and the results.

        Raises:
            ImportError: the extra `rejax` is not installed.
            ValueError: a number of moths that minibatches of 512 decisions do not divide.
        """
        if self.moths % 8:
            raise ValueError(f"moths = {self.moths!r}: expected a multiple of 8")
        try:
            from rejax import PPO
        except ImportError as error:
            raise ImportError(f'{error}: needs the extra [rejax], pip install "mothsim[rejax]"') from None
        open_folder(self.out)
        began = time.monotonic(), time.process_time()
        learner = PPO.create(
            env=TrackJax(f"{self.environment}-v1", values=5, duration=_DURATION),
            num_envs=self.moths, num_steps=_STEPS, num_epochs=_EPOCHS,
            num_minibatches=self.moths * _STEPS // _MINIBATCH, gamma=0.97, ent_coef=0.0, normalize_rewards=True,
            agent_kwargs={"activation": "tanh", "hidden_layer_sizes": (64, 64)},
        )  # fmt: skip
        updates = max(1, self.decisions // (self.moths * _STEPS))
        state, advance = self._first(learner, updates), jax.jit(learner.train_iteration)
        for _ in tqdm(range(updates), desc="training", unit="update", file=sys.stderr):
            state = jax.block_until_ready(advance(state))
        seconds = time.monotonic() - began[0], time.process_time() - began[1]
        network = as_network(mean_action_layers(state.actor_ts.params), self.environment, "rejax", seconds[1])
        save_network(network, self.out / "policy.safetensors")
        done = {"minutes": seconds[0] / 60, "decisions": updates * self.moths * _STEPS}
        lqr = compared_row("lqr", self.environment, self.tests)
        learnt = compared_row("rejax", self.environment, self.tests, network, **done)
        result = {"environment": self.environment, "seed": self.seed, "cpu_seconds": seconds[1], "lqr": lqr}
        result["rejax"] = learnt
        write_atomically(self.out / "result.json", json.dumps(result, indent=1).encode())
        show_rows([lqr, learnt], COLUMNS, False)
        wrote(self.out / "policy.safetensors", self.out / "result.json")
        return result

    def _first(self, learner: Any, updates: int) -> Any:
        """The learner's first state, with less noise and a learning rate that falls to zero."""
        state = learner.init_state(jax.random.key(self.seed))
        falling = optax.linear_schedule(self.learning_rate, 0.0, updates * _EPOCHS * learner.num_minibatches)
        optimiser = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(falling))
        actor = state.actor_ts.params
        noise = jax.numpy.full_like(actor["params"]["action_log_std"], _NOISE)
        actor = {"params": {**actor["params"], "action_log_std": noise}}

        def trained_by(one: Any, params: Any) -> Any:
            return one.replace(tx=optimiser, params=params, opt_state=optimiser.init(params))

        critic, rewards = state.critic_ts, state.rew_rms_state
        rewards = rewards.replace(mean=float(rewards.mean), var=float(rewards.var))  # whole numbers in rejax
        state = state.replace(rew_rms_state=rewards)
        state = state.replace(actor_ts=trained_by(state.actor_ts, actor), critic_ts=trained_by(critic, critic.params))
        return jax.tree.map(_strong, state)  # as states after an update are, so that it is compiled once


def _strong(leaf: Any) -> jax.Array:
    """An array of a type of its own, where JAX would take a number's type from what it meets."""
    array = jax.numpy.asarray(leaf)
    if jax.numpy.issubdtype(array.dtype, jax.dtypes.prng_key):
        return array
    return jax.lax.convert_element_type(array, array.dtype)


def mean_action_layers(parameters: Any) -> list[Layer]:
    """Layers of the mean action of rejax's Gaussian policy."""
    hidden = parameters["params"]["features"]
    layers = [hidden[name] for name in sorted(hidden, key=lambda name: int(name.rpartition("_")[2]))]
    layers.append(parameters["params"]["action_mean"])
    return [(np.asarray(layer["kernel"]), np.asarray(layer["bias"])) for layer in layers]


if __name__ == "__main__":
    sys.exit(run(TrainRejax, prog="train_rejax"))
