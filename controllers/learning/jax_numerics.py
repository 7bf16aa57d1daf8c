"""The JAX settings under which networks are trained, whatever a user has set: results depend on the settings alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import jax

from mothsim.solver.jax_engine import enable_x64


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
