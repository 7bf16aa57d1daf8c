"""The JAX settings under which networks are trained, whatever a user has set: results depend on the settings alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import jax

from mothsim.solver.jax_engine import enable_x64
from mothsim.solver.threads import default_threads


@contextmanager
def training_numerics() -> Iterator[None]:
    """Train in single precision by JAX's default rules; also a decorator, `@training_numerics()`.

    Without it `JAX_ENABLE_X64=1` or another matrix precision would give networks of other bits, and strict type
    promotion or NaN checks would stop a training.
    """
    with ExitStack() as stack:
        stack.enter_context(enable_x64(False))
        stack.enter_context(jax.numpy_dtype_promotion("standard"))
        stack.enter_context(jax.numpy_rank_promotion("allow"))
        stack.enter_context(jax.default_matmul_precision(None))
        stack.enter_context(jax.debug_nans(False))
        stack.enter_context(jax.debug_infs(False))
        yield


def count_cores_as_devices() -> None:
    """Let JAX regard every core as a device, so that a study's networks train side by side, in the same bits.

    One device splits each matrix product among the cores instead, which at these sizes is hardly faster than one core.
    Nothing happens where JAX computes already, or where `XLA_FLAGS` set the number of devices.
    """
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        with suppress(RuntimeError):  # JAX computes already
            jax.config.update("jax_num_cpu_devices", default_threads())
